//===- MutantsTest.cpp - Damaged attention kernels are caught -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes the PTX of attention_forward, leaves out one barrier, wait or bound after another, and runs it on
// the simulated device: every mutant must fail its launch and be named; the kernel as it is must not.
//
//===----------------------------------------------------------------------===//

#include "runtime/Runtime.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <sstream>

using namespace imbrex;

namespace {

using Lines = std::vector<std::string>;
using Mutation = std::function<void(Lines &)>;

Lines split(const std::string &text) {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

std::string join(const Lines &lines) {
  std::string text;
  for (const std::string &line : lines)
    text += line + "\n";
  return text;
}

/// Indices of the lines that hold `word`.
std::vector<size_t> linesWith(const Lines &lines, const std::string &word) {
  std::vector<size_t> found;
  for (size_t i = 0; i < lines.size(); ++i)
    if (lines[i].find(word) != std::string::npos)
      found.push_back(i);
  return found;
}

/// Launches causal attention (lengths that no tile divides) with the mutated PTX. "" if it went well, else the report.
std::string run(const Mutation &mutate, std::string *ptx = nullptr) {
  RuntimeOptions options;
  options.device = "sim:a100";
  auto mutated = [&](const Source &source, const CompileOptions &compileOptions) {
    CompileResult result = compile(source, compileOptions);
    if (!result.kernel)
      return result;
    if (ptx)
      *ptx = result.kernel->code;
    Lines lines = split(result.kernel->code);
    mutate(lines);
    result.kernel->code = join(lines);
    return result;
  };
  options.compiler = CompilerFunctions{mutated, describe, std::string(compilerBuildId())};
  Runtime runtime = Runtime::open(options).value();
  Kernel kernel = runtime.load(IMBREX_SOURCE_DIR "/kernels/attention_forward.tile").value().kernel().value();
  kernel.hook("mask", "causal");
  const int length = 150, heads = 2, depth = 64;
  std::vector<uint16_t> ones(size_t(length) * heads * depth, 0x3f80);
  auto upload = [&] {
    Buffer buffer = runtime.allocate(ones.size() * 2).value();
    buffer.copyFrom(ones.data(), ones.size() * 2).value();
    return buffer;
  };
  Buffer q = upload(), k = upload(), v = upload(), o = upload();
  auto view = [&](const Buffer &buffer) { return View(buffer, DataType::BF16, {1, length, heads, depth}); };
  Result<void> launched = kernel.launch(
      runtime.stream(), {{"Q", view(q)}, {"K", view(k)}, {"V", view(v)}, {"O", view(o)}, {"scale", 0.1f}});
  if (launched)
    launched = runtime.stream().synchronize();
  return launched ? "" : launched.error().render();
}

/// Every line with `word`, or those of them before the first with `end`, left out in turn must be caught with one of
/// `names`.
void expectCaught(const std::string &word, const std::vector<std::string> &names, const std::string &end = "") {
  std::string ptx;
  ASSERT_EQ(run([](Lines &) {}, &ptx), "") << "the kernel as it is";
  std::vector<size_t> found = linesWith(split(ptx), word);
  if (!end.empty())
    std::erase_if(found, [&](size_t line) { return line > linesWith(split(ptx), end).front(); });
  ASSERT_FALSE(found.empty()) << word;
  for (size_t line : found) {
    std::string report = run([&](Lines &lines) { lines[line].clear(); });
    bool named = std::any_of(names.begin(), names.end(),
                             [&](const std::string &name) { return report.find(name) != std::string::npos; });
    EXPECT_TRUE(named) << "without line " << line + 1 << " (" << split(ptx)[line] << "):\n" << report;
    EXPECT_NE(report.find("attention_forward.tile:"), std::string::npos) << report;
  }
}

} // namespace

TEST(Mutants, ADroppedBarrier) {
  expectCaught("bar.sync", {"shared-memory race", "uninitialised read", "cp.async destination"});
}

// The wait behind the loop is for copies that nothing reads: what is written over them must not meet them.
TEST(Mutants, ADroppedWait) {
  expectCaught("cp.async.wait_group", {"cp.async destination read before its wait", "missing: cp.async.wait_group"});
}

// Later copies land where a slot of the ring was written before.
TEST(Mutants, ADroppedCopy) { expectCaught("cp.async.cg", {"uninitialised read"}, "cp.async.wait_group"); }

TEST(Mutants, ABoundIgnored) {
  // cp.async [dst], [src], 16, size: without the size, rows outside the view are read.
  std::string report = run([](Lines &lines) {
    for (size_t i : linesWith(lines, "cp.async.cg"))
      lines[i] = lines[i].substr(0, lines[i].rfind(',')) + ";";
  });
  EXPECT_NE(report.find("out of bounds"), std::string::npos) << report;
}

TEST(Mutants, AWidenedIndex) {
  std::string report = run([](Lines &lines) {
    std::string &line = lines[linesWith(lines, "st.global").front()];
    size_t close = line.find(']');
    size_t plus = line.find('+');
    line = plus == std::string::npos || plus > close ? line.insert(close, "+67108864")
                                                     : line.replace(plus, close - plus, "+67108864");
  });
  EXPECT_NE(report.find("out of bounds"), std::string::npos) << report;
}

TEST(Mutants, AMisalignedStore) {
  std::string report = run([](Lines &lines) {
    std::string &line = lines[linesWith(lines, "st.shared").front()];
    size_t close = line.find(']');
    size_t plus = line.find('+');
    line =
        plus == std::string::npos || plus > close ? line.insert(close, "+2") : line.replace(plus, close - plus, "+2");
  });
  EXPECT_NE(report.find("misaligned"), std::string::npos) << report;
}
