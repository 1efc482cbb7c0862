//===- Corpus.cpp - One module on one fresh device ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host side of a case: buffers, launches, and what came of them as one word or line.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/simulator/corpus/Corpus.h"

namespace imbrex::simulator::corpus {

using namespace cuda;

namespace {

/// A case ends in far fewer; an endless loop is told soon.
constexpr uint64_t kBudget = 20'000'000;

/// "KIND" of "simulated device: KIND in kernel ..."; a note's kind begins with "note: ".
std::string kindOf(const std::string &report) {
  static const std::string kBegin = "simulated device: ";
  size_t begin = report.find(kBegin), end = report.find(" in kernel", begin);
  if (begin == report.npos || end == report.npos)
    return report;
  return report.substr(begin + kBegin.size(), end - begin - kBegin.size());
}

} // namespace

Work::Work(const std::string &ptx, const char *device, unsigned seed) {
  SimulatorOptions options;
  options.schedulingSeed = seed;
  options.maxWarpInstructions = kBudget;
  options.note = [this](const std::string &note) {
    if (noted.empty())
      noted = kindOf(note);
  };
  driver = *makeSimulatedDriver(device, options);
  CUcontext context;
  driver.init(0);
  driver.primaryContextRetain(&context, 0);
  driver.contextPushCurrent(context);
  char log[2048] = "";
  CUjit_option keys[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(sizeof(log))};
  if (driver.moduleLoadDataEx(&module, ptx.c_str(), 2, keys, values) != CUDA_SUCCESS) {
    failed = true;
    text = outcome = std::string("refused: ") + log;
  }
}

Work::~Work() { driver.contextPopCurrent(nullptr); }

CUdeviceptr Work::allocate(size_t size) {
  CUdeviceptr address = 0;
  if (!failed && driver.memAlloc(&address, size) != CUDA_SUCCESS)
    fail("allocation");
  return address;
}

CUdeviceptr Work::upload(const void *bytes, size_t size) {
  CUdeviceptr address = allocate(size);
  if (!failed && driver.memcpyHtoDAsync(address, bytes, size, nullptr) != CUDA_SUCCESS)
    fail("upload");
  return address;
}

void Work::download(void *bytes, CUdeviceptr address, size_t size) {
  if (!failed && driver.memcpyDtoHAsync(bytes, address, size, nullptr) != CUDA_SUCCESS)
    fail("download");
}

void Work::release(CUdeviceptr address) {
  if (!failed && driver.memFree(address) != CUDA_SUCCESS)
    fail("release");
}

void Work::fail(const char *call) {
  failed = true;
  text = driver.faultReport();
  outcome = text.empty() ? std::string(call) + " failed" : kindOf(text);
}

void Work::launchPointers(const char *kernel, const Shape &shape, void **arguments) {
  if (failed)
    return;
  CUfunction function = nullptr;
  if (driver.moduleGetFunction(&function, module, kernel) != CUDA_SUCCESS)
    return fail("look-up");
  CUlaunchAttribute attributes[2] = {};
  unsigned count = 0;
  if (shape.cluster > 1) {
    attributes[count].id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    attributes[count].value.cluster[0] = shape.cluster;
    attributes[count].value.cluster[1] = attributes[count].value.cluster[2] = 1;
    ++count;
  }
  if (shape.cooperative) {
    attributes[count].id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
    attributes[count++].value.number = 1;
  }
  CUlaunchConfig config{shape.gridX, shape.gridY,       1,       shape.blockX, shape.blockY,
                        1,           shape.sharedBytes, nullptr, attributes,   count};
  if (driver.launchKernelEx(&config, function, arguments, nullptr) != CUDA_SUCCESS)
    fail("launch");
}

void Work::disagree(size_t index, double got, double wanted) {
  if (failed)
    return;
  failed = true;
  outcome =
      "wrong: element " + std::to_string(index) + " is " + std::to_string(got) + ", not " + std::to_string(wanted);
}

std::string Work::verdict() const { return failed ? outcome : noted.empty() ? "right" : noted; }

std::vector<float> Work::floats(size_t count, float scale) {
  std::vector<float> values(count);
  for (float &value : values)
    value = scale * (static_cast<float>(random() % 20001) / 10000.0f - 1.0f);
  return values;
}

const std::vector<Case> &cases() {
  static const std::vector<Case> kCases = [] {
    std::vector<Case> all;
    for (std::vector<Case> family :
         {blockCases(), warpCases(), memoryCases(), matrixCases(), hopperCases(), strangeCases()})
      all.insert(all.end(), family.begin(), family.end());
    return all;
  }();
  return kCases;
}

} // namespace imbrex::simulator::corpus
