//===- PreparedLines.h - Lines that the copying warps compute on -- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A line of a loop's iteration, such as a number for each column of a tile, is in the registers of all threads that
// hold the tile: what is computed of the line alone, each of them computes. Those who copy load it in place of the
// copy, an element a thread, compute, and write the result into the slot:
//
//     put r[j]; get r[j]; x = read; y = max(x, c) * d; use y
//         ->  copy: y = max(load, c) * d; acquire r[j]; write y; publish r[j]      compute: get r[j]; y = read; use y
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_PREPAREDLINES_H
#define IMBREX_COMPILER_CTA_PREPAREDLINES_H

#include "compiler/cta/CopySlice.h"

namespace imbrex {

class PreparedLines {
public:
  /// Those among the lines of `puts`, which `copyWarps` are to prepare.
  PreparedLines(llvm::ArrayRef<cta::PutOp> puts, unsigned copyWarps);

  bool empty() const { return all.empty(); }
  size_t size() const { return all.size(); }
  /// Has them loaded, computed and written where their puts stand, which are erased, also from `puts`.
  void make(llvm::SmallVectorImpl<cta::PutOp> &puts);
  void addTo(CopySlice &slice) const;
  /// Erases what `make` has made.
  void erase();

private:
  struct Line {
    cta::PutOp put;
    cta::ReadOp read;
    llvm::SmallVector<mlir::Operation *, 4> work; ///< of the line alone, each of the one before
    cta::AcquireOp acquire = {};
    cta::WriteOp write = {};
    cta::PublishOp publish = {};
  };
  /// The line that `put` copies, and what of its work they can do, be it nothing.
  static std::optional<Line> find(cta::PutOp put);
  mlir::Value prepare(Line &line) const;

  unsigned copyWarps;
  llvm::SmallVector<Line, 2> all;
  llvm::SmallVector<Line, 2> left; ///< of which they can do nothing
};

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_PREPAREDLINES_H
