//===- Opcodes.cpp - The decoder's table ----------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every family, and the opcodes that are refused by name. The chapters are those of PTX ISA, 9.7.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Opcodes.h"

namespace imbrex::simulator {

std::vector<Family> opcodeFamilies() {
  return {{"Arithmetic", arithmeticOpcodes()},
          {"Integer arithmetic", integerOpcodes()},
          {"Extended-precision integer arithmetic", carryOpcodes()},
          {"Floating-point functions", floatOpcodes()},
          {"Comparison and selection", compareOpcodes()},
          {"Logic, shifts and bits", bitOpcodes()},
          {"Bit fields and dot products", fieldOpcodes()},
          {"Moves", moveOpcodes()},
          {"Conversion", convertOpcodes()},
          {"Memory", memoryOpcodes()},
          {"Asynchronous copies", copyOpcodes()},
          {"Control flow", controlOpcodes()},
          {"Calls and stack", callOpcodes()},
          {"Barriers", barrierOpcodes()},
          {"Atomics", atomicOpcodes()},
          {"Warp-wide operations", warpOpcodes()},
          {"mbarrier", mbarrierOpcodes()},
          {"Clusters", clusterOpcodes()},
          {"Matrix products of a warp", matrixOpcodes()},
          {"Matrix products of a warp, wmma", wmmaOpcodes()},
          {"Matrices in shared memory", matrixMemoryOpcodes()},
          {"Matrix products of a warpgroup", warpgroupOpcodes()},
          {"Register pool", registerOpcodes()},
          {"Tensor maps", tensorMapOpcodes()},
          {"Video, scalar", scalarVideoOpcodes()},
          {"Video, SIMD", videoOpcodes()}};
}

const std::vector<RefusedOpcodes> &refusedOpcodes() {
  static const std::vector<RefusedOpcodes> kRefused = {
      {"textures are not modelled", {"tex", "tld4", "txq", "istypep"}},
      {"surfaces are not modelled", {"suld", "sust", "sured", "suq"}},
      {"multicast memory objects are not modelled", {"multimem"}},
      {"tensor memory is not modelled", {"tcgen05"}},
      {"cancelling launches is not modelled", {"clusterlaunchcontrol"}}};
  return kRefused;
}

} // namespace imbrex::simulator
