//===- Opcodes.h - What is modelled, opcode by opcode -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The decoder's table as a whole: the families in the order of the ISA's chapters, the opcodes that are refused by
// name, and the page Opcodes.md that is written from both by asking every decoder which words it knows.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_OPCODES_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_OPCODES_H

#include "runtime/simulator/exec/Decoder.h"

#include <string>

namespace imbrex::simulator {

/// Opcodes of one kind.
struct Family {
  std::string_view title; ///< As the ISA calls the kind.
  std::span<const Opcode> opcodes;
};

/// All of them; no opcode twice.
std::vector<Family> opcodeFamilies();

/// Opcodes of the ISA that are not run, by what they belong to.
struct RefusedOpcodes {
  std::string_view reason;
  std::vector<std::string_view> opcodes;
};
const std::vector<RefusedOpcodes> &refusedOpcodes();

/// The text of Opcodes.md. Modifiers are those that a decoder takes for some other modifiers and operands; types are
/// left out.
std::string opcodePage();

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_OPCODES_H
