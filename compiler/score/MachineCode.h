//===- MachineCode.h - Instructions of a kernel, PTX or machine code -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel as a list of instructions with branch targets, read from PTX text or from a disassembly (SASS) as
// nvdisasm prints it. Only what counting needs: no semantics. Reading keeps what it does not know; a text that
// holds no kernel gives none. Each instruction knows its line in the text read, and the source's line that the text
// tells (`.loc` of PTX, "//## File" of `nvdisasm -g`).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SCORE_MACHINECODE_H
#define IMBREX_COMPILER_SCORE_MACHINECODE_H

#include "compiler/KernelScore.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace imbrex::score {

struct Instruction {
  std::string predicate; ///< "@!P0", "@%p1"; empty: always executed
  std::string opcode;    ///< with its modifiers: "HMMA.16816.F32.BF16", "mma.sync.aligned.m16n8k16..."
  std::string operands;  ///< as written
  /// Numbers of the instructions that a branch may jump to; one past the end is a return.
  llvm::SmallVector<size_t, 1> targets;
  unsigned line = 0; ///< in the text that was read, from 1: where it begins
  /// Where the text says that it came from: a number in MachineKernel::files, and a line; 0 where it says nothing.
  unsigned file = 0, sourceLine = 0;

  /// The opcode up to its first modifier: "HMMA", "mma".
  llvm::StringRef base() const { return llvm::StringRef(opcode).split('.').first; }
  bool hasModifier(llvm::StringRef modifier) const;
  /// Leaves the straight line: what follows is reached from elsewhere, if at all.
  bool endsBlock() const;
  bool isBranch() const;
};

struct MachineKernel {
  std::string name;
  Language language;
  std::vector<Instruction> instructions;
  std::vector<std::string> files = {}; ///< named by the text, in the order of their mention
};

/// The kernels of a PTX module.
std::vector<MachineKernel> readPtx(llvm::StringRef text);
/// The kernels in what `nvdisasm -c` prints of a cubin.
std::vector<MachineKernel> readSass(llvm::StringRef text);

} // namespace imbrex::score

#endif // IMBREX_COMPILER_SCORE_MACHINECODE_H
