//===- ContextTest.cpp - Attention over ranks beside attention of all -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One to four ranks, each a thread with a simulated device of its own, which reach each other through host memory.
//
//===----------------------------------------------------------------------===//

#include "ContextWorld.h"
#include "kernels/NcclCommunicator.h"
#include <barrier>
#include <gtest/gtest.h>
#include <thread>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

/// Letters from each rank to the one that it names; all ranks meet twice an exchange.
struct Post {
  explicit Post(int ranks) : letters(size_t(ranks)), meeting(ranks) {}
  std::vector<std::vector<std::byte>> letters; ///< by receiver
  std::barrier<> meeting;
};

class ThreadRank : public attention::Communicator {
public:
  ThreadRank(Post &post, int rank) : post(post), self(rank) {}
  int rank() const override { return self; }
  int size() const override { return int(post.letters.size()); }
  Result<void> exchange(const Stream &stream, const Buffer &send, size_t sendOffset, int to, const Buffer &receive,
                        size_t receiveOffset, int, size_t bytes) override {
    stream.synchronize().value();
    std::vector<std::byte> letter(bytes);
    send.copyTo(letter.data(), bytes, sendOffset).value();
    post.letters[size_t(to)] = std::move(letter);
    post.meeting.arrive_and_wait();
    Result<void> received = receive.copyFrom(post.letters[size_t(self)].data(), bytes, receiveOffset);
    post.meeting.arrive_and_wait();
    return received;
  }

private:
  Post &post;
  int self;
};

/// Each rank a thread with a simulated device of its own.
void check(const World &world) {
  const WorldProblem problem(world);
  Post post(world.ranks);
  std::vector<std::string> wrong(size_t(world.ranks));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < world.ranks; ++rank)
    threads.emplace_back([&, rank] {
      Runtime runtime = Runtime::open({.device = "sim:a100", .simulatorThreads = 1}).value();
      ThreadRank communicator(post, rank);
      wrong[size_t(rank)] = problem.run(runtime, communicator);
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::string &lines : wrong)
    EXPECT_EQ(lines, "");
}

} // namespace

TEST(AttentionContext, CausalInZigZag) {
  for (int ranks : {1, 2, 3, 4})
    check(worldsOf(ranks)[0]);
}

TEST(AttentionContext, Full) {
  for (int ranks : {2, 4})
    check(worldsOf(ranks)[1]);
}

TEST(AttentionContext, NcclThatIsNotThereIsToldByName) {
  Result<attention::NcclId> id = attention::ncclId("libnccl-of-nobody.so.2");
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().kind, ErrorKind::NoDevice);
  EXPECT_NE(id.error().render().find("libnccl-of-nobody.so.2"), std::string::npos);
}

TEST(AttentionContext, NcclConnectsNoSimulatedDevices) {
  Runtime runtime = Runtime::open({.device = "sim:a100"}).value();
  auto made = attention::ncclCommunicator(runtime, {}, 0, 1);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("simulated"), std::string::npos);
}

TEST(AttentionContext, RefusesAnOddNumberOfCausalRows) {
  Post post(1);
  ThreadRank alone(post, 0);
  Runtime runtime = Runtime::open({.device = "sim:a100"}).value();
  Result<attention::Context> made = attention::Context::create(runtime, alone, {.rows = 7, .isCausal = true});
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("an even number, not 7"), std::string::npos);
}
