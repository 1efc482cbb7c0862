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
#include "runtime/simulator/ptx/Module.h"

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
  Environment1,
  Environment2,
  ClusterIdX, // From here on exec/Warp.cpp counts on the order.
  ClusterIdY,
  ClusterIdZ,
  NClusterIdX,
  NClusterIdY,
  NClusterIdZ,
  ClusterCtaidX,
  ClusterCtaidY,
  ClusterCtaidZ,
  ClusterNctaidX,
  ClusterNctaidY,
  ClusterNctaidZ,
  ClusterCtaRank,
  ClusterNctaRank,
};

struct MatrixPlan;

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
    std::string name = {}; ///< In the PTX.
  };
  /// A function of the module that this kernel may call. Its code follows the kernel's.
  struct Function {
    struct Parameter {
      uint32_t offset = 0, bytes = 0; ///< Place in the frame, or:
      uint32_t slot = 0;              ///< a register's slot where bytes is 0 (`.reg`),
      unsigned registerBits = 0;      ///< and its width.
    };
    std::string name;
    uint64_t address = 0;    ///< What a pointer to it holds.
    uint32_t entry = 0;      ///< Index of its first instruction.
    uint32_t frameSlot = 0;  ///< 64 bits a lane: where its frame begins in local memory.
    uint32_t frameBytes = 0; ///< Parameters, results and locals.
    std::vector<Gap> gaps;   ///< Between the locals.
    std::vector<Parameter> params, results;
    std::vector<RegisterUse> registers; ///< All of its registers.
    std::vector<RegisterUse> undefined; ///< Those that are read before they are written on some path.
    bool recursive = false;             ///< May be active more than once: registers are saved by a call.
  };
  /// One `call`: where the caller keeps what goes in and out.
  struct CallSite {
    struct Value {
      uint32_t slot = 0;   ///< A register's or constant's slot, or where `inMemory`:
      uint32_t offset = 0; ///< place in the caller's frame.
      uint32_t bytes = 0;  ///< 0: a predicate.
      bool inMemory = false;
    };
    int function = -1;      ///< Index into Program::functions; -1 for a call through a register.
    uint32_t frameSlot = 0; ///< The caller's.
    std::vector<Value> arguments, results;
  };
  struct SpecialSlot {
    Special which = Special::TidX;
    uint32_t slot = 0;
    unsigned bytes = 4; ///< 4, or 2 and 8 for the 16-bit and 64-bit views.
  };

  std::string name;
  std::shared_ptr<const SourceText> source;
  std::vector<Instruction> code;
  std::vector<uint32_t> operandPool;
  std::vector<RegisterUse> usePool;
  std::vector<RegisterUse> undefined; ///< Registers of the kernel that are read before they are written on some path.
  std::vector<Function> functions;
  std::vector<CallSite> calls;
  std::vector<std::vector<uint32_t>> branchTables; ///< Targets of each brx.idx.
  bool usesStack = false;                          ///< Calls functions, or allocates on the stack.
  bool usesHeap = false;                           ///< Calls malloc or free.
  std::vector<uint8_t> registerImage;              ///< Initial bytes of a warp's register file, 64-byte multiple.
  std::vector<SpecialSlot> specials;
  std::vector<Param> params;
  uint32_t paramBytes = 0;
  uint32_t staticSharedBytes = 0; ///< As on a device.
  uint32_t sharedLayoutBytes = 0; ///< The same with the gaps: where the dynamic part begins.
  std::vector<Gap> sharedGaps;
  uint32_t constBytes = 0;    ///< Of the constants that it names.
  uint32_t localBytes = 0;    ///< The kernel's own frame.
  std::vector<Gap> localGaps; ///< Between the variables in it.
  uint32_t registerCount = 0; ///< 32-bit registers declared, an upper bound of what a thread needs.
  unsigned granuleLog2 = 4;   ///< log2 of the narrowest access that may touch shared memory.
  uint32_t maxThreads[3] = {0, 0, 0};
  uint32_t requiredThreads[3] = {0, 0, 0};
  ptx::ClusterDirectives cluster;
  uint32_t minBlocks = 0, maxRegisters = 0; ///< .minnctapersm and .maxnreg; 0 where absent.
  std::shared_ptr<const MatrixPlan> matrix; ///< Null for a kernel without wgmma.
};

/// "PTX line 12: st.global ..." and, where it is known, the source line on a second one.
std::string describeInstruction(const Program &program, uint32_t index);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_PROGRAM_H
