//===- Parser.h - PTX text to a module --------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses the text of one PTX module (PTX ISA, sections 4 and 5: syntax, state spaces, variables).
// Opcodes are not judged here; that is the decoder's part.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_PTX_PARSER_H
#define IMBREX_RUNTIME_SIMULATOR_PTX_PARSER_H

#include "runtime/simulator/ptx/Module.h"

#include <optional>
#include <string>
#include <string_view>

namespace imbrex::simulator::ptx {

/// The module, or nullopt with `error` set to "PTX line N: what is wrong". `linesBefore`: of the whole of which the
/// text is a part.
std::optional<Module> parseModule(std::string_view text, std::string &error, uint32_t linesBefore = 0);

} // namespace imbrex::simulator::ptx

#endif // IMBREX_RUNTIME_SIMULATOR_PTX_PARSER_H
