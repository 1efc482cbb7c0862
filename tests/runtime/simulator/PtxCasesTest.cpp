//===- PtxCasesTest.cpp - The small programs of tests/data/ptx ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every file of tests/data/ptx is launched as its head says, under several schedules: right programs run and leave what
// they should, wrong ones are told by the name of what is wrong. The folder's README explains the heads.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace imbrex::simulator::testing;
using imbrex::simulator::SimulatorOptions;

namespace {

/// What follows "// WORD: " in the text; empty if it is not there.
std::string headOf(const std::string &text, const std::string &word) {
  size_t begin = text.find("// " + word + ": ");
  if (begin == text.npos)
    return {};
  begin += word.size() + 5;
  return text.substr(begin, text.find('\n', begin) - begin);
}

void runCase(const std::string &text, unsigned seed) {
  std::string want = headOf(text, "WANT"), notes, words = headOf(text, "OUT");
  SimulatorOptions options;
  options.schedulingSeed = seed;
  options.maxWarpInstructions = 1'000'000;
  options.note = [&](const std::string &note) { notes += note + "\n"; };
  Host host(options, text.find(".target sm_90") == text.npos ? "a100" : "h100");
  CUfunction function = host.load(text);
  ASSERT_NE(function, nullptr) << host.log;
  unsigned blocks = 0, threads = 0;
  std::istringstream(headOf(text, "LAUNCH")) >> blocks >> threads;
  CUdeviceptr out = host.allocate(4096);
  host.driver.memsetD8Async(out, 0, 4096, nullptr);
  host.launch(function, blocks, threads, 0, out);
  if (want.starts_with("fault ")) {
    EXPECT_NE(host.report.find("simulated device: " + want.substr(6) + " in kernel"), std::string::npos) << host.report;
    return;
  }
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.report;
  if (want.starts_with("note "))
    EXPECT_NE(notes.find("note: " + want.substr(5) + " in kernel"), std::string::npos) << notes;
  else
    EXPECT_EQ(want + notes, "right");
  std::istringstream list(words);
  size_t at = 0;
  std::vector<uint32_t> got = host.download<uint32_t>(out, 1024);
  for (std::string word; list >> word; ++at)
    if (word != "*")
      EXPECT_EQ(got[at], std::stoul(word, nullptr, 0)) << "word " << at;
}

} // namespace

TEST(PtxCases, All) {
  unsigned count = 0;
  for (const auto &entry : std::filesystem::directory_iterator(IMBREX_SOURCE_DIR "/tests/data/ptx")) {
    if (entry.path().extension() != ".ptx")
      continue;
    std::ifstream file(entry.path());
    std::string text{std::istreambuf_iterator<char>(file), {}};
    SCOPED_TRACE(entry.path().filename().string());
    for (unsigned seed : {0u, 1u, 7u, 99u})
      runCase(text, seed);
    ++count;
  }
  EXPECT_GE(count, 24u);
}
