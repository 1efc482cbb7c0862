//===- HookBindings.h - What a host puts in place of hooks ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A binding (Grammar.md, "Hooks") is a text of the host's: functions of its own and an expression over the hook's
// parameters. It becomes a function that stands for the hook. Its names that neither the language, the kernel's head
// nor the hook knows are captured: they become parameters of the kernel, behind its own, of the type that the
// function they are handed to declares.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_HOOKBINDINGS_H
#define IMBREX_COMPILER_FRONTEND_HOOKBINDINGS_H

#include "compiler/CompileOptions.h"
#include "compiler/KernelInterface.h"
#include "compiler/frontend/Ast.h"
#include "compiler/frontend/Messages.h"

namespace imbrex {

/// A parameter that a binding adds to a kernel.
struct CapturedParameter {
  Parameter described;  ///< but for its type
  ast::TypeName type;   ///< as the function declares it
  uint32_t offset;      ///< where the binding names it
  std::string declared; ///< "view<f32>[H]": as the function writes it
};

struct HookBindings {
  /// By hook: the file of a binding's own functions, the last of which stands for the hook. Shared, since functions
  /// know the file they are in.
  std::map<std::string, std::shared_ptr<const ast::File>, std::less<>> files;
  std::vector<CapturedParameter> captured; ///< in the order of the hooks' names, then of the texts

  /// Null: the hook is not replaced.
  const ast::Function *find(std::string_view hook) const {
    auto it = files.find(hook);
    return it == files.end() ? nullptr : &it->second->functions.back();
  }
};

/// Reads the bindings for one kernel of `file`. What is wrong is reported, in the binding's own text where it is there.
HookBindings bindHooks(const ast::File &file, const ast::Kernel &kernel, const CompileOptions::Hooks &hooks,
                       Diagnostics &diagnostics);

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_HOOKBINDINGS_H
