//===- MpiRanks.cpp - Attention over the ranks of MPI ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One rank, a process with a simulated device of its own: `mpirun -n 4 mpi_ranks`. It fails if any rank's results are
// wrong, and counts what its communicator was given beside what the context says it sent.
//
//===----------------------------------------------------------------------===//

#include "ContextWorld.h"
#include "kernels/MpiCommunicator.h"
#include <cstdio>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

/// What passes through MPI.
class Counted final : public attention::Communicator {
public:
  explicit Counted(attention::Communicator &inner) : inner(inner) {}
  int rank() const override { return inner.rank(); }
  int size() const override { return inner.size(); }
  Result<void> exchange(const Stream &stream, const Buffer &send, size_t sendOffset, int to, const Buffer &receive,
                        size_t receiveOffset, int from, size_t bytes) override {
    sent += bytes;
    return inner.exchange(stream, send, sendOffset, to, receive, receiveOffset, from, bytes);
  }
  uint64_t sent = 0;

private:
  attention::Communicator &inner;
};

} // namespace

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  int wrong = 0;
  {
    attention::MpiCommunicator ranks(MPI_COMM_WORLD);
    Runtime runtime = Runtime::open({.device = "sim:a100", .simulatorThreads = 1}).value();
    for (const World &world : worldsOf(ranks.size())) {
      Counted counted(ranks);
      const std::string told = WorldProblem(world).run(runtime, counted);
      std::fputs(told.c_str(), stdout);
      const uint64_t asked = 2 * world.sentForward() + world.sentBackward(); // in a ring, gathered, and back
      wrong += !told.empty() || counted.sent != asked;
      unsigned long long mine = counted.sent, all = 0;
      MPI_Reduce(&mine, &all, 1, MPI_UNSIGNED_LONG_LONG, MPI_SUM, 0, MPI_COMM_WORLD);
      if (ranks.rank() == 0)
        std::printf("%s: %llu bytes sent by all, %llu by the formulas\n", world.describe().c_str(), all,
                    (unsigned long long)asked * unsigned(world.ranks));
    }
  }
  int any = 0;
  MPI_Allreduce(&wrong, &any, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Finalize();
  return any != 0;
}
