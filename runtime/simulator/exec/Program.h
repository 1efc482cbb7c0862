//===- Program.h - One decoded kernel ---------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel ready to run: code, the register file's initial bytes with every immediate in place, and
// the sizes a launch needs. Immutable after decoding; shared by all threads of a launch.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_PROGRAM_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_PROGRAM_H

#include "runtime/simulator/exec/Instruction.h"
#include "runtime/simulator/memory/SharedMemory.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace imbrex::simulator {

/// Special registers that a warp fills in when it starts. (Clocks are instructions, not slots.)
enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  NWarpId,
  SmId,
  NSmId,
  GridId,
  MaskEq,
  MaskLt,
  MaskLe,
  MaskGt,
  MaskGe,
  DynamicShared,
  TotalShared,
};

/// The PTX text and its source files, kept for reports.
struct SourceText {
  std::string text;
  std::map<uint32_t, std::string> files;

  /// Line `number` (1-based) without surrounding blanks.
  std::string_view line(uint32_t number) const;
};

struct Program {
  struct Param {
    uint32_t offset = 0, bytes = 0;
  };
  struct SpecialSlot {
    Special which = Special::TidX;
    uint32_t slot = 0;
    unsigned bytes = 4; ///< 4, or 8 for the 64-bit view.
  };

  std::string name;
  std::shared_ptr<const SourceText> source;
  std::vector<Instruction> code;
  std::vector<uint32_t> operandPool;
  std::vector<uint8_t> registerImage; ///< Initial bytes of a warp's register file, 64-byte multiple.
  std::vector<SpecialSlot> specials;
  std::vector<Param> params;
  uint32_t paramBytes = 0;
  uint32_t staticSharedBytes = 0; ///< As on a device.
  uint32_t sharedLayoutBytes = 0; ///< The same with the gaps: where the dynamic part begins.
  std::vector<SharedGap> sharedGaps;
  uint32_t localBytes = 0;
  uint32_t registerCount = 0; ///< 32-bit registers declared, an upper bound of what a thread needs.
  unsigned granuleLog2 = 4;   ///< log2 of the narrowest access that may touch shared memory.
  uint32_t maxThreads[3] = {0, 0, 0};
  uint32_t requiredThreads[3] = {0, 0, 0};
};

/// "PTX line 12: st.global ..." and, where it is known, the source line on a second one.
std::string describeInstruction(const Program &program, uint32_t index);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_PROGRAM_H
