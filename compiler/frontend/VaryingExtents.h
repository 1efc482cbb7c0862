//===- VaryingExtents.h - Extents that vary --------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// K: view<T>[B, S[B], D] has sequences of lengths S[b] along its second dimension, and S is the longest that a host can
// have. What a host must know of such a view: the parameters that its storage adds, and what S is where no view has it
// as an extent any more.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_VARYINGEXTENTS_H
#define IMBREX_COMPILER_FRONTEND_VARYINGEXTENTS_H

#include "compiler/CompileOptions.h"
#include "compiler/KernelInterface.h"
#include "compiler/frontend/Ast.h"
#include "compiler/frontend/Messages.h"

namespace imbrex {

/// The name that an extent gives a meaning: of `S` and of `S[B]`, S; else "".
std::string_view symbolOf(const ast::Expr &extent);
/// The view's extent that varies; nullopt if it has none of the right form.
std::optional<Parameter::Varying> varyingOf(const ast::KernelParameter &view);

/// True of what a view may give where its storage is scaled.
inline bool canBeScaled(DataType type) { return isFloat(type) && !isF8(type); }

/// A view stored in another way than dense, or scaled.
struct StoredView {
  Storage storage;
  std::string leader; ///< whose lengths, offsets, ... it uses: itself, or the input that an output follows
  Parameter::Varying varying;
  std::string symbol; ///< S

  bool isDense() const { return storage.kind == Storage::Kind::Dense; }
  /// The dimensions of a view of `rank` that have scales of their own.
  std::vector<int64_t> scaledOver(size_t rank) const;
};

/// The views of a kernel that are not dense or are scaled, by name. An output that the host says nothing of is stored
/// as the first input that shares its varying extent, with that one's lengths, offsets or table.
class StoredViews {
public:
  /// Of options.storage and options.given. What is wrong in the kernel's head or in the options is reported.
  StoredViews(const ast::Kernel &kernel, const CompileOptions &options, Diagnostics &diagnostics);

  const StoredView *find(std::string_view view) const;
  /// The extents of a view as the host gives it, of the extents that it is declared with.
  std::vector<Expression> extentsOf(const ast::KernelParameter &view, std::vector<Expression> declared) const;
  /// Where the view is the rows of all pages.
  std::optional<Parameter::Pages> pagesOf(std::string_view view) const;
  /// Parameters behind the kernel's own, in their order.
  const std::vector<Parameter> &parameters() const { return added; }
  /// An expression of the host: S is what the storage says where no view has it as an extent.
  Expression onHost(const Expression &expression) const;

private:
  void checkScaled(const ast::KernelParameter &view, const StoredView &stored, Diagnostics &diagnostics);
  void addParameters(const ast::KernelParameter &view, const StoredView &stored, Diagnostics &diagnostics);
  void addScales(const ast::KernelParameter &view, const StoredView &stored, Diagnostics &diagnostics);
  void addMeaning(const ast::Kernel &kernel, const CompileOptions &options, const StoredView &stored);

  std::map<std::string, StoredView, std::less<>> views;
  std::vector<Parameter> added;
  std::map<std::string, std::string, std::less<>> meanings; ///< of S, as postfix
};

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_VARYINGEXTENTS_H
