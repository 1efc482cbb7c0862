//===- NcclRanks.cpp - Attention over the ranks of NCCL -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ranks as threads on the machine's first GPU's driver, each with a runtime of its own: `nccl_ranks SIZE LIBRARY`. With
// stand-ins on the loader's path (runtime/standin, StandInNccl.cpp) it runs without a GPU; real NCCL asks for a GPU a
// rank.
//
//===----------------------------------------------------------------------===//

#include "ContextWorld.h"
#include "kernels/NcclCommunicator.h"
#include <cstdio>
#include <cstdlib>
#include <thread>

using namespace imbrex;
using namespace imbrex::testing;

static std::string runRank(const WorldProblem &problem, const attention::NcclId &id, int rank, int size,
                           const char *library) {
  Runtime runtime = Runtime::open({.device = "cuda:0"}).value();
  std::unique_ptr<attention::Communicator> ranks =
      attention::ncclCommunicator(runtime, id, rank, size, library).value();
  const std::string told = problem.run(runtime, *ranks);
  const Buffer small = runtime.allocate(8).value();
  Result<void> past = ranks->exchange(runtime.stream(), small, 4, rank, small, 0, rank, 8);
  if (past || past.error().kind != ErrorKind::Argument)
    return told + "an exchange past the end of a buffer was not refused\n";
  return told;
}

int main(int argc, char **argv) {
  const int size = argc > 1 ? std::atoi(argv[1]) : 2;
  const char *library = argc > 2 ? argv[2] : "libnccl.so.2";
  bool isRight = true;
  for (const World &world : worldsOf(size)) {
    const WorldProblem problem(world);
    const attention::NcclId id = attention::ncclId(library).value();
    std::vector<std::string> wrong;
    wrong.resize(size_t(size));
    std::vector<std::thread> threads;
    for (int rank = 0; rank < size; ++rank)
      threads.emplace_back([&, rank] { wrong[size_t(rank)] = runRank(problem, id, rank, size, library); });
    for (std::thread &thread : threads)
      thread.join();
    for (const std::string &lines : wrong) {
      std::fputs(lines.c_str(), stdout);
      isRight &= lines.empty();
    }
    std::printf("%s: %s\n", world.describe().c_str(), isRight ? "right" : "wrong");
  }
  return !isRight;
}
