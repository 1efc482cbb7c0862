//===- RoundedOperands.cpp - f32 operands of products by wgmma --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An operand at a time. What is written anew should serve one product, as the warps that copy write a tile once;
// mma.sync rounds what it reads, and has the others.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile_to_cta/RoundedOperands.h"

using namespace mlir;
using namespace imbrex;

/// The products that take `tile`, or a transpose of it.
static SmallVector<tile::DotOp> productsOf(Value tile) {
  SmallVector<tile::DotOp> products;
  SmallVector<Value> work{tile};
  while (!work.empty())
    for (Operation *user : work.pop_back_val().getUsers())
      if (auto dot = dyn_cast<tile::DotOp>(user))
        products.push_back(dot);
      else if (auto transpose = dyn_cast<tile::TransposeOp>(user))
        work.push_back(transpose.getResult());
  return products;
}

static bool isRounded(tile::DotOp dot) { return dot.getMode() == tile::DotMode::Tf32; }

/// `kIsRow`: K counts the rows of the tile as it lies.
static std::string planRounding(tile::DotOp dot, OperandPlan &operand, StringRef name, bool kIsRow, bool inShared) {
  operand.rounded = true;
  if (!operand.load)
    return inShared && kIsRow ? ("the " + name + " operand is computed with its rows along K").str() : "";
  const SmallVector<tile::DotOp> products = productsOf(operand.tile);
  if (!kIsRow && operand.load->getBlock() != dot->getBlock() && llvm::all_of(products, isRounded)) {
    operand.inPlace = true;
    return "";
  }
  if (products.size() > 1)
    return ("the " + name + " operand, which wgmma needs rounded to tf32, serves other products too").str();
  operand.restaged = kIsRow;
  return "";
}

std::string imbrex::planRounding(tile::DotOp dot, DotPlan &plan, bool sharesRows) {
  if (!isRounded(dot))
    return "wgmma has no parts of f32 operands, of which tf32x3 makes products";
  const bool aInShared = plan.a.load || sharesRows;
  std::string reason = ::planRounding(dot, plan.a, "left", plan.a.transposed, aInShared);
  return reason.empty() ? ::planRounding(dot, plan.b, "right", !plan.b.transposed, /*inShared=*/true) : reason;
}

int64_t imbrex::operandBytes(const DotPlans &plans) {
  llvm::DenseMap<Value, int64_t> found;
  for (const auto &[op, plan] : plans)
    for (const OperandPlan *operand : {&plan.a, &plan.b}) {
      if (operand == &plan.a && !plan.aInShared())
        continue;
      int64_t bytes = bufferFor(*operand).getLayout().sizeBytes();
      if (operand->load && operand->restaged)
        bytes += restagedBuffer(*operand).getLayout().sizeBytes();
      else if (operand->load && operand->rounded && !operand->inPlace)
        bytes *= 2;
      int64_t &most = found[operand->tile];
      most = std::max(most, bytes);
    }
  int64_t sum = 0;
  for (const auto &[tile, bytes] : found)
    sum += bytes;
  return sum;
}
