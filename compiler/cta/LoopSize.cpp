//===- LoopSize.cpp - How much code a loop's body becomes -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A register a result, and for products what one instruction of theirs brings along.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/LoopSize.h"
#include "dialects/cta/CtaDialect.h"

using namespace mlir;
using namespace imbrex;

/// Loads and addresses that come with one multiply-add or matrix instruction, and itself.
static constexpr int64_t kPerProduct = 8;

int64_t imbrex::instructionsOf(Block &block) {
  int64_t instructions = 0;
  block.walk([&](Operation *op) {
    for (Type type : op->getResultTypes()) {
      auto tile = dyn_cast<RankedTensorType>(type);
      if (!tile || !isa_and_nonnull<cta::LayoutAttr>(tile.getEncoding()) || op->hasTrait<OpTrait::ConstantLike>())
        continue;
      int64_t registers = cta::layoutOf(tile).registersPerThread();
      auto dot = dyn_cast<cta::DotOp>(op);
      if (!dot) {
        instructions += registers;
        continue;
      }
      cta::BufferType b = dot.getBBuffer().getType();
      int64_t k = dot.getTransposedB() ? b.getColumns() : b.getRows();
      if (dot.getKind() == cta::DotKind::Wgmma) { // one instruction a step, and its descriptors
        instructions += kPerProduct * llvm::divideCeil(k, layout::mmaDepth(b.getElementBytes()));
        continue;
      }
      bool isMma = dot.getKind() == cta::DotKind::Mma; // 4 registers of the sums an instruction
      int64_t depth = isMma ? 4 * layout::mmaDepth(b.getElementBytes()) : 1;
      int64_t products = dot.getMode() == tile::DotMode::Tf32x3 ? 3 : 1;
      instructions += kPerProduct * products * registers * k / depth;
    }
  });
  return instructions;
}

int64_t imbrex::registersOf(Type type) {
  auto tile = dyn_cast<RankedTensorType>(type);
  if (!tile || !isa_and_nonnull<cta::LayoutAttr>(tile.getEncoding()))
    return 0;
  unsigned bits = tile.getElementTypeBitWidth();
  int64_t count = cta::layoutOf(tile).registersPerThread();
  return bits <= 16 ? (count * bits + 31) / 32 : count * ((bits + 31) / 32);
}
