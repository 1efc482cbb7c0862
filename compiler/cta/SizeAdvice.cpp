//===- SizeAdvice.cpp - What helps a kernel that is too large -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Looks at the layouts of the tiles of one operation.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/SizeAdvice.h"
#include "compiler/Target.h"

using namespace mlir;
using namespace imbrex;

/// Elements that stay in one thread however many warps there are: 16 bytes of i8; a block of mma has 4.
static constexpr unsigned kTogether = 16;

llvm::StringRef imbrex::sizeAdvice(Operation *op, unsigned warps) {
  SmallVector<Type> types(op->getResultTypes());
  llvm::append_range(types, op->getOperandTypes());
  unsigned most = 1;
  bool isSpread = true;
  for (Type type : types) {
    auto tile = dyn_cast<RankedTensorType>(type);
    if (!tile || !isa_and_nonnull<cta::LayoutAttr>(tile.getEncoding()))
      continue;
    const layout::TileLayout &layout = cta::layoutOf(tile);
    if (layout.registersPerThread() <= most)
      continue;
    most = layout.registersPerThread();
    isSpread = !layout.replicatesWarps(warps);
  }
  if (most == 1)
    return "split the kernel";
  return isSpread && most > kTogether && warps < Target().warpsPerCta ? "make the tiles smaller or use more warps"
                                                                      : "make the tiles smaller";
}
