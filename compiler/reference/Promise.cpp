//===- Promise.cpp - Whether tile.visible is kept -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The promise is about what is stored, not about what a loop carries: a row that lies outside the view
// may collect anything, and so may a running maximum that a later iteration replaces. So an instance that
// left iterations out is run once more with all of them, and the two results are compared. In iterations
// that the promise covers, NaN and infinities are loaded as zeros the second time: what a key holds that
// nobody sees is left open. Where not the bounds of the mask hide it, a device may meet it all the same, as
// 0 * NaN: then the error of such a zero is infinite, and so is what becomes of it.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Execution.h"
#include "llvm/Support/SaveAndRestore.h"
#include <cmath>
#include <cstdio>

namespace imbrex::reference {
namespace {

/// Units in the last place by which two floats may differ and still be one: the roundings of an iteration
/// that multiplies by 1 and adds 0.
constexpr double kUnits = 4;

bool isSame(ElementType type, uint64_t a, uint64_t b) {
  if (a == b || !type.isFloat())
    return a == b;
  double x = decodeFloat(a, type.kind), y = decodeFloat(b, type.kind);
  if (std::isnan(x) || std::isnan(y))
    return std::isnan(x) && std::isnan(y);
  double largest = std::max(std::fabs(x), std::fabs(y));
  return x == y || std::fabs(x - y) <= std::ldexp(kUnits * largest, 1 - significandBits(type.kind));
}

ElementType typeOf(const Stored &stored) { return ElementType::of(stored.output->view.type); }

std::string show(const Stored &stored) {
  ElementType type = typeOf(stored);
  if (!type.isFloat())
    return std::to_string(signExtend(int64_t(stored.bits), type.width));
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", decodeFloat(stored.bits, type.kind));
  return text;
}

} // namespace

bool Execution::readPromises(mlir::scf::ForOp op, llvm::ArrayRef<ValueRef> arguments, Iteration &iteration) {
  const std::vector<MaskBounds> &found = promises.find(op)->second;
  {
    llvm::SaveAndRestore mode(memory.mode, Memory::Mode::Dry);
    if (!runBlock(*op.getBody(), arguments, found.back().promise()))
      return false;
  }
  for (const MaskBounds &bounds : found) {
    tile::VisibleOp promise = bounds.promise();
    const std::vector<int64_t> &mask = environment.find(promise.getMask())->second->ints;
    bool isHidden = llvm::all_of(mask, [](int64_t visible) { return visible == 0; });
    if (isHidden && !kept)
      kept = promise, keptIndex = arguments[0];
    iteration.isHidden |= isHidden;
    if (llvm::all_of(mask, [](int64_t visible) { return visible != 0; }))
      continue;
    int64_t step = 0;
    std::vector<bool> columns = bounds.hiddenColumns(environment, step);
    iteration.isHiddenByBounds &= !isHidden || llvm::all_of(columns, [](bool hides) { return hides; });
    for (const MaskBounds::Load &load : bounds.loads())
      if (load.step == step)
        iteration.hiddenColumns.try_emplace(load.op, load.axis, columns);
  }
  return true;
}

/// Zeros along `axis` of a tile where `isZero` says so.
static void clearAlong(TileValue &tile, unsigned axis, const std::vector<bool> &isZero) {
  size_t inner = size_t(strideOf(tile.shape, axis));
  for (size_t i = 0; i < tile.size(); ++i)
    if (isZero[i / inner % isZero.size()])
      (tile.element.isFloat() ? tile.floats[i] = 0 : double(tile.ints[i] = 0));
}

void Execution::hideLoaded(mlir::Operation *load, TileValue &tile) const {
  bool isHiddenByBounds = true;
  for (const Iteration *iteration : iterations) {
    isHiddenByBounds &= !iteration->isHidden || iteration->isHiddenByBounds;
    auto columns = iteration->hiddenColumns.find(load);
    if (columns != iteration->hiddenColumns.end() && !(iteration->isHidden && iteration->isHiddenByBounds))
      clearAlong(tile, columns->second.first, columns->second.second);
  }
  if (memory.mode != Memory::Mode::Hidden)
    return;
  for (size_t i = 0; i < tile.floats.size(); ++i) {
    if (std::isfinite(tile.floats[i]))
      continue;
    tile.floats[i] = 0;
    if (!keepsErrors || isHiddenByBounds)
      continue;
    tile.errors.resize(tile.size());
    tile.errors[i] = INFINITY;
  }
}

/// What the second run may hold where the first one is sure.
static void takeInfiniteErrors(StoredElements &promised, const StoredElements &all) {
  for (auto &[address, stored] : promised)
    if (auto other = all.find(address); other != all.end() && std::isinf(other->second.error))
      stored.error = other->second.error;
}

bool Execution::checkPromises(mlir::func::FuncOp kernel, llvm::ArrayRef<ValueRef> arguments) {
  StoredElements promised = memory.takeBack();
  llvm::SaveAndRestore all(runsAll, true);
  if (!runBlock(kernel.getBody().front(), arguments))
    return false;
  StoredElements stored = memory.takeBack();
  takeInfiniteErrors(promised, stored);
  memory.putBack(promised);
  return comparePromised(promised, stored);
}

bool Execution::comparePromised(const StoredElements &promised, const StoredElements &all) {
  for (const auto &[address, stored] : all) {
    auto other = promised.find(address);
    bool isStored = other != promised.end();
    if (isStored && isSame(typeOf(stored), stored.bits, other->second.bits))
      continue;
    std::string element = "element " + stored.output->coordinates(stored.element) + " of '" + stored.output->name + "'";
    std::string place = placeOf(stored.op->getLoc());
    return fail(*kept, "the promise is not kept: the mask is false everywhere in iteration " +
                           llvm::Twine(keptIndex->ints[0]) + " of instance " + toText(programId) + ", but " + element +
                           " is " + (isStored ? show(other->second) : "not stored") + " without such iterations and " +
                           show(stored) + " with them" +
                           (place.empty() ? "" : " (stored at " + place.substr(0, place.size() - 2) + ")"));
  }
  return true;
}

} // namespace imbrex::reference
