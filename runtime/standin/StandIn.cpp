//===- StandIn.cpp - The device behind the stand-in libraries ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The device, its messages, and the entries that are the simulated driver's own (CudaSymbols.def), exported
// under their names.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/StandIn.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

using namespace imbrex::cuda;

namespace imbrex::standin {
namespace {

void tellProgress(const std::string &kernel, uint64_t ended, uint64_t blocks, uint64_t instructions) {
  std::fprintf(stderr, "simulated device: kernel '%s': %llu of %llu blocks, %llu million warp-instructions\n",
               kernel.c_str(), static_cast<unsigned long long>(ended), static_cast<unsigned long long>(blocks),
               static_cast<unsigned long long>(instructions / 1000000));
}

/// Prints a text the first time it comes.
void tellOnce(const std::string &text) {
  static std::mutex &mutex = *new std::mutex;
  static std::set<std::string> &before = *new std::set<std::string>;
  std::lock_guard lock(mutex);
  if (before.insert(text).second)
    std::fprintf(stderr, "%s\n", text.c_str());
}

/// The program knows nothing of the simulated device, so its user says it by the environment, as to CUDA's own
/// libraries.
constexpr const char *kMostInstructions = "IMBREX_SIM_MAX_INSTRUCTIONS";

/// SimulatorOptions::maxWarpInstructions.
uint64_t mostInstructions() {
  const char *text = std::getenv(kMostInstructions);
  if (!text || !*text)
    return 0;
  uint64_t number = 0;
  auto [end, wrong] = std::from_chars(text, text + std::strlen(text), number);
  if (wrong == std::errc() && *end == '\0' && number != 0)
    return number;
  tellOnce("simulated device: " + std::string(kMostInstructions) + " is '" + text +
           "', not a number of at least 1: the default counts");
  return 0;
}

} // namespace

simulator::SimulatedDevice &device() {
  static simulator::SimulatedDevice &only = *[] {
    simulator::SimulatorOptions options;
    options.note = tellOnce;
    options.progress = tellProgress;
    options.maxWarpInstructions = mostInstructions();
    options.budgetHint = std::string(kMostInstructions) + " raises the limit";
    return new simulator::SimulatedDevice(*simulator::makeSimulatedDevice("h100", options));
  }();
  return only;
}

CUresult told(CUresult status) {
  if (status == CUDA_SUCCESS || status == CUDA_ERROR_NOT_READY)
    return status;
  if (std::string report = table().faultReport(); !report.empty())
    tellOnce(report);
  return status;
}

CUresult refuse(const char *name) {
  tellOnce(std::string("simulated device: ") + name + " is not modelled");
  return CUDA_ERROR_NOT_SUPPORTED;
}

} // namespace imbrex::standin

namespace {
/// The C function that calls a member of the table.
template <auto Member> struct Entry;
template <typename... Parameters, std::function<CUresult(Parameters...)> DriverTable::*Member> struct Entry<Member> {
  static CUresult call(Parameters... parameters) {
    return imbrex::standin::told((imbrex::standin::table().*Member)(parameters...));
  }
};
} // namespace

// The exported symbol jumps to the entry: the macro's types have no names to write a function with. Entries that
// Context.cpp and Module.cpp replace are exported under a name of their own here.
#define IMBREX_CUDA(field, symbol, parameters)                                                                         \
  extern "C" [[gnu::used, gnu::visibility("hidden")]] CUresult(*const standin_##field) parameters =                    \
      Entry<&DriverTable::field>::call;                                                                                \
  asm(".text\n.weak " symbol "\n.type " symbol ", @function\n" symbol ":\n  jmp *standin_" #field "(%rip)\n");
#include "runtime/CudaSymbols.def"
