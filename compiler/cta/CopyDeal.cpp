//===- CopyDeal.cpp - Which thread copies which piece of a tile -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pieces are as large as alignment and bounds allow. As many threads lie side by side as divide both a row and the CTA.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/CopyDeal.h"
#include "compiler/cta/Divisibility.h"
#include <numeric>

using namespace mlir;
using namespace imbrex;

/// What memory is read by: threads that lie side by side in a row read no less of it.
static constexpr int64_t kSectorBytes = 32;

CopyDeal imbrex::dealCopy(Value view, ValueRange indices, ArrayRef<int64_t> dims, ArrayRef<int64_t> within,
                          cta::BufferType slot, int64_t threads, bool hasTable) {
  layout::SharedLayout layout = slot.getLayout();
  int64_t columnDim = dims[1], elementBytes = layout.elementBytes();
  CopyDeal deal;
  deal.bytes = std::gcd<int64_t>(accessAlignment(view, indices), layout.columns() * elementBytes);
  if (llvm::is_contained(within, columnDim))
    deal.bytes = elementBytes; // bounds may lie anywhere in a row
  deal.isAsync = columnDim == cast<tile::ViewType>(view.getType()).getRank() - 1 && deal.bytes >= 4;
  deal.elements = deal.isAsync ? std::max<int64_t>(1, deal.bytes / elementBytes) : 1;
  deal.perRow = layout.paddedColumns() / deal.elements;
  deal.total = layout.paddedRows() * deal.perRow;
  deal.across = std::min<int64_t>(deal.perRow & -deal.perRow, threads & -threads);
  deal.isRegular = hasTable || deal.across == deal.perRow || deal.across * deal.elements * elementBytes >= kSectorBytes;
  if (!deal.isRegular)
    deal.across = deal.perRow;
  deal.panels = deal.perRow / deal.across;
  return deal;
}
