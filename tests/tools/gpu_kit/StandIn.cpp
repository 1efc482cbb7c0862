//===- StandIn.cpp - A libcuda.so.1 that is the simulated device ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Found by the loader before the real one, it makes "cuda:0" of a simulated H100: whatever a program does only where
// a GPU is can be tried without one. It knows the driver calls of CudaSymbols.def and no machine code, only PTX. Times
// mean nothing.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/SimulatedDriver.h"

using namespace imbrex::cuda;

/// Never destroyed: as with the real driver, calls may come until the process is gone.
static DriverTable &table() {
  static DriverTable &driver = *new DriverTable(*imbrex::simulator::makeSimulatedDriver("h100"));
  return driver;
}

namespace {
/// The C function that calls a member of the table.
template <auto Member> struct Entry;
template <typename... Parameters, std::function<CUresult(Parameters...)> DriverTable::*Member> struct Entry<Member> {
  static CUresult call(Parameters... parameters) { return (table().*Member)(parameters...); }
};
} // namespace

// The exported symbol jumps to the entry: the macro's types have no names to write a function with.
#define IMBREX_CUDA(field, symbol, parameters)                                                                         \
  extern "C" [[gnu::used, gnu::visibility("hidden")]] CUresult(*const standin_##field) parameters =                    \
      Entry<&DriverTable::field>::call;                                                                                \
  asm(".text\n.globl " symbol "\n.type " symbol ", @function\n" symbol ":\n  jmp *standin_" #field "(%rip)\n");
#include "runtime/CudaSymbols.def"
