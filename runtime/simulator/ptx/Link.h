//===- Link.h - Several PTX modules as one ----------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What cuLinkComplete does to PTX inputs (PTX ISA, 11.6, .extern, .visible, .weak, .common): an external name stands
// for the definition in another module; of weak and common definitions one stays; names without a linkage directive
// stay their module's own.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_PTX_LINK_H
#define IMBREX_RUNTIME_SIMULATOR_PTX_LINK_H

#include "runtime/simulator/ptx/Module.h"

#include <optional>

namespace imbrex::simulator::ptx {

/// The modules as one, with the first one's target; nullopt with `error` set if two of them define one visible name.
/// An external variable or function that none of them defines stays as it is: using it is the error.
std::optional<Module> linkModules(std::vector<Module> modules, std::string &error);

} // namespace imbrex::simulator::ptx

#endif // IMBREX_RUNTIME_SIMULATOR_PTX_LINK_H
