//===- CompileOptions.h - Every input that can change code ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All choices of one compilation besides the text. Whatever can change the code is a field here and is
// visited by `visit`: the visitor feeds the cache key and the header of a dump. The budget cannot, and is not.
// No environment, no globals. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_COMPILEOPTIONS_H
#define IMBREX_COMPILER_COMPILEOPTIONS_H

#include "compiler/Budget.h"
#include "compiler/Setting.h"
#include "compiler/Storage.h"
#include <map>
#include <set>
#include <string>

namespace imbrex {

struct CompileOptions {
  using Settings = std::map<std::string, Setting, std::less<>>;
  using Storages = std::map<std::string, Storage, std::less<>>;
  using Hooks = std::map<std::string, std::string, std::less<>>;

  std::string kernel;                        ///< which kernel of the file; empty if it has only one
  Settings set;                              ///< type, integer and tuning parameters: "T" -> bf16, "BM" -> 64
  Hooks hooks;                               ///< hook -> "function" or "function(constant, ...)"
  Storages storage;                          ///< of views with an extent that varies; the others are dense
  std::set<std::string, std::less<>> given; ///< optional views that are there; all others are left out
  /// Bytes, 1 to 16, a power of two, that divide a view's base address, every stride, and the bytes of
  /// its last extent. A view not named has 16. Wide and asynchronous copies depend on it.
  std::map<std::string, unsigned, std::less<>> alignment;
  /// Which of KernelSignature::extentConditions hold, as Expression::infix writes them: they choose among the cases of
  /// the tune block.
  std::set<std::string, std::less<>> holds;
  std::string target = "sm_80"; ///< a name of Target::names()
  bool debugLines = true;       ///< `.loc` lines back to the tile text
  /// The grid is launched along x alone, and the kernel takes its position apart: for a grid of more along y or z
  /// than a device can launch. See KernelInterface::foldedGrid.
  bool foldGrid = false;
  /// The same arguments give the same bits: what would add floats in an order that differs from run to run is refused.
  bool deterministic = false;
  /// Passes that are left out, by name (optionalPasses() in cta/Passes.h): to see or test what each of them does.
  std::set<std::string, std::less<>> without;
  Budget budget; ///< not visited

  /// Calls visitor(name, field) for every field, in a fixed order.
  template <typename Visitor> void visit(Visitor &&visitor) const {
    visitor("kernel", kernel);
    visitor("set", set);
    visitor("hooks", hooks);
    visitor("storage", storage);
    visitor("given", given);
    visitor("alignment", alignment);
    visitor("holds", holds);
    visitor("target", target);
    visitor("debug-lines", debugLines);
    visitor("fold-grid", foldGrid);
    visitor("deterministic", deterministic);
    visitor("without", without);
  }
};

} // namespace imbrex

#endif // IMBREX_COMPILER_COMPILEOPTIONS_H
