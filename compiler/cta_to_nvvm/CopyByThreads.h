//===- CopyByThreads.h - A tile from a view to a ring, by cp.async - C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile is copied in pieces of up to 16 bytes, all threads taking turns: piece number = thread + round * threads.
// Where a put stands in a loop its place in the view moves by the same number of bytes each time, so the loop
// carries a *cursor*: a pointer that is advanced, and the rows and columns left, which are compared with constants.
//
//     thread 5, rows of 8 pieces, 256 threads:   pieces 5, 261, 517 ..  rows 0, 32, 64 ..  column 5
//     thread 5, rows of 24 pieces, 256 threads:  three panels of 8: row 0, columns 5, 13, 21, row 32 ..
//     cursor.pointer = that of (row 0, column 5);  rows.left = rows from there to the end, compared with 0, 32, 64 ..
//
// Where a table says which rows of the view the tile has, the cursor only moves along columns: a thread has the places
// of its rows in registers, which a loop that does not change them finds ready.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_COPYBYTHREADS_H
#define IMBREX_COMPILER_CTA_TO_NVVM_COPYBYTHREADS_H

#include "compiler/cta/CopyDeal.h"
#include "compiler/cta_to_nvvm/Lowering.h"

namespace imbrex {

/// A put, and where in its view the tile starts: indices as i64 values, one a dimension.
class TileCopy {
public:
  TileCopy(Lowering &l, cta::PutOp put);

  /// The cursor of a tile that starts at `start`. `rowsFollow`, `columnsFollow`: its rows, columns are known to start
  /// at or behind the first that is visible.
  CopyCursor cursorAt(llvm::ArrayRef<Value> start, bool rowsFollow = false, bool columnsFollow = false);
  /// As cursorAt, for puts whose tile only moves along its rows: what else must hold bounds the rows already.
  CopyCursor narrowedAt(llvm::ArrayRef<Value> start, bool rowsFollow, bool columnsFollow);
  /// The same for a tile of one row that only moves along its columns, each thread with one piece at most.
  CopyCursor lineAt(llvm::ArrayRef<Value> start);
  bool isLine() { return layout.rows() == 1 && !put.getRows() && deal.isRegular && deal.panels == 1; }
  /// Bytes that the pointer moves by if the index of dimension d grows by step[d].
  Value bytesOf(llvm::ArrayRef<int64_t> steps);
  /// Copies the tile. `slot` points to the ring's slot.
  void run(const CopyCursor &cursor, Value slot);

  /// True if each thread copies the same pieces of its tile, to a slot of the same layout.
  bool isDealtLike(const TileCopy &other) const {
    return layout == other.layout && deal.bytes == other.deal.bytes && deal.isAsync == other.deal.isAsync;
  }

  /// How a table of rows must be spread.
  layout::TileLayout tableLayout() const { return deal.tableLayout(layout, l.warps); }

  unsigned rowDim() { return put.getDims()[0]; }
  unsigned columnDim() { return put.getDims()[1]; }
  /// True if the bounds of the rows begin with the tile's first, as those of a page do, and that is in the view or
  /// none of them is.
  bool rowsBeginAtBound();

private:
  int64_t down() const { return threads / deal.across; } ///< rows of a round, if pieces are regular
  unsigned rounds() const;
  /// The place of this thread's piece in `round`, relative to the cursor.
  SharedPlace placeOf(unsigned round);
  /// True (i1) where the thread has a piece in `round`; null if all have one.
  Value hasPiece(unsigned round);
  Reach reachAlong(unsigned dim, Value start, Value piece, bool follows);
  std::pair<Value, Value> countAlong(unsigned dim);
  Value leftAlong(unsigned dim, Value first);
  Value isWithin(const Reach &reach, Value offset, int64_t step);
  CopyCursor narrowed(CopyCursor cursor, llvm::ArrayRef<Value> start);
  /// What all of a thread's pieces need beside the rows; null: nothing.
  Value enabledBy(const CopyCursor &cursor, Value enabled, llvm::ArrayRef<Value> start);
  /// The row of the view, by the table, that the thread copies in `round`.
  Value tableRow(unsigned round);
  Value isRowInside(const SharedPlace &place);
  Value isInside(const CopyCursor &cursor, const SharedPlace &place);
  Value sourceOf(const SharedPlace &place);
  void copyPiece(const CopyCursor &cursor, Value slot, unsigned round);

  Lowering &l;
  cta::PutOp put;
  tile::ViewType view;
  layout::SharedLayout layout;
  int64_t threads;
  CopyDeal deal;
  Value row0, column0; ///< of the thread's piece in round 0
  Reach rows;          ///< the cursor's, nothing where the tile is zero
  Value enabled;       ///< with a table, in its place: i1; null: true
  Value named;         ///< with a table: the row of this round
  Value source;        ///< of the thread's first column in these rows, if pieces are regular, else of the tile
};

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_COPYBYTHREADS_H
