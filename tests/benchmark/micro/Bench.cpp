//===- Bench.cpp - Launches of micro-benchmarks and their clocks ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Machine code is loaded where it fits the device, else PTX.
//
//===----------------------------------------------------------------------===//

#include "tests/benchmark/micro/Bench.h"
#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

using namespace imbrex;
using namespace imbrex::micro;
using testing::RawArgument;
using testing::RawDevice;

double micro::median(std::vector<double> values) {
  assert(!values.empty());
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

double Launched::cycles(unsigned first, unsigned last) const {
  std::vector<double> ofBlocks;
  for (unsigned block = 0; block < blocks; ++block) {
    uint64_t begin = ~uint64_t(0), end = 0;
    for (unsigned warp = first; warp < last; ++warp) {
      begin = std::min(begin, clocks[2 * (size_t(block) * warps + warp)]);
      end = std::max(end, clocks[2 * (size_t(block) * warps + warp) + 1]);
    }
    ofBlocks.push_back(double(end - begin));
  }
  return median(ofBlocks);
}

static std::optional<std::string> contentsOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<RawDevice::Kernel *> Bench::kernel(const std::string &entry) {
  auto known = kernels.find(entry);
  if (known != kernels.end())
    return &known->second;
  std::optional<std::string> image;
  if (!simulated() && info().major == 9 && info().minor == 0)
    image = contentsOf(folder + "/" + entry + ".cubin");
  if (!image)
    image = contentsOf(folder + "/" + entry + ".ptx");
  if (!image)
    return Error{ErrorKind::File, "there is no " + folder + "/" + entry + ".ptx"};
  Result<RawDevice::Kernel> loaded = device.load(*image, entry);
  if (!loaded)
    return loaded.takeError();
  return &kernels.emplace(entry, *loaded).first->second;
}

Result<uint64_t> Bench::constant(const std::vector<uint32_t> &words) {
  auto known = constants.find(words);
  if (known != constants.end())
    return known->second.address();
  Result<RawDevice::Memory> memory = device.allocate(words.size() * 4);
  if (!memory)
    return memory.takeError();
  if (Result<void> sent = memory->upload(std::as_bytes(std::span(words))); !sent)
    return sent.takeError();
  return constants.emplace(words, *memory).first->second.address();
}

Result<RawDevice::Memory> Bench::scratch(size_t words) { return device.allocate(words * 4); }

Result<std::vector<uint32_t>> Bench::contents(const RawDevice::Memory &memory) {
  std::vector<uint32_t> words(memory.bytes() / 4);
  if (Result<void> read = memory.download(std::as_writable_bytes(std::span(words))); !read)
    return read.takeError();
  return words;
}

Result<Launched> Bench::launch(const std::string &entry, unsigned threads, unsigned sharedBytes, unsigned words,
                               const std::vector<RawArgument> &arguments) {
  Result<RawDevice::Kernel *> code = kernel(entry);
  if (!code)
    return code.takeError();
  Launched launched{blocks(), threads / 32, {}, {}};
  size_t clocks = size_t(blocks()) * launched.warps * 4, sums = size_t(blocks()) * threads * words;
  Result<RawDevice::Memory> memory = scratch(clocks + sums);
  if (!memory)
    return memory.takeError();
  std::vector<RawArgument> all = {memory->address(), memory->address() + clocks * 4};
  all.insert(all.end(), arguments.begin(), arguments.end());
  if (Result<void> done = device.launch(**code, {{blocks(), 1, 1}, {threads, 1, 1}, sharedBytes}, all); !done)
    return done.takeError();
  Result<std::vector<uint32_t>> read = contents(*memory);
  if (!read)
    return read.takeError();
  launched.clocks.resize(clocks / 2);
  std::memcpy(launched.clocks.data(), read->data(), clocks * 4);
  launched.sums.assign(read->begin() + clocks, read->end());
  return launched;
}

Result<Measurement> Bench::measure(const std::string &entry, unsigned threads, unsigned sharedBytes, unsigned words,
                                   const std::vector<RawArgument> &arguments,
                                   const std::function<std::string(const Launched &)> &check,
                                   const std::function<double(const Launched &)> &cyclesOf) {
  Measurement measured;
  for (unsigned round = 0; round <= (simulated() ? 0 : rounds); ++round) {
    Result<Launched> launched = launch(entry, threads, sharedBytes, words, arguments);
    if (!launched)
      return launched.takeError();
    if (round == 0)
      measured.wrong = check(*launched);
    else
      measured.cycles.push_back(cyclesOf(*launched));
  }
  return measured;
}

std::string micro::checkSums(const Launched &launched, unsigned words, unsigned word, unsigned first, unsigned last,
                             const std::function<uint32_t(unsigned, unsigned)> &expected) {
  unsigned threads = launched.warps * 32;
  for (unsigned block = 0; block < launched.blocks; ++block)
    for (unsigned thread = first; thread < last; ++thread) {
      uint32_t found = launched.sums[(size_t(block) * threads + thread) * words + word];
      if (uint32_t wanted = expected(block, thread); found != wanted)
        return "checksum " + std::to_string(word) + " of block " + std::to_string(block) + ", thread " +
               std::to_string(thread) + " has the bits " + std::to_string(found) + " instead of " +
               std::to_string(wanted);
    }
  return "";
}
