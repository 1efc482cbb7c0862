//===- SendTiles.cpp - The pass cta-send-tiles -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile that is put together in shared memory to be stored in wide pieces: the copy engine takes it from there.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target.h"
#include "compiler/cta/BufferAccess.h"
#include "compiler/cta/Passes.h"
#include "compiler/cta/TensorBoxes.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_SENDTILES
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

/// True if `read` gives what one write put into its buffer, and nothing else reads it.
static bool isPutTogether(cta::ReadOp read) {
  auto alloc = read.getBuffer().getDefiningOp<cta::AllocOp>();
  if (!alloc || read.getTransposed() || !read->hasOneUse() || !llvm::hasNItems(alloc->getUsers(), 2))
    return false;
  return llvm::all_of(alloc->getUsers(), [&](Operation *user) {
    return user == read || (isa<cta::WriteOp>(user) && user->getBlock() == read->getBlock());
  });
}

/// Why the copy engine cannot store what is in the buffer; empty if it can.
static StringRef whyNotSent(tile::StoreOp store, const BoxedTile &tile) {
  if (store.getView().getType().getAccess() != tile::ViewAccess::Out || !store.getView().hasOneUse())
    return "its view is accessed elsewhere too";
  if (store.getAdds() || !store.getWithin().empty())
    return store.getAdds() ? "it adds" : "it is bounded by more than its view";
  return whyNoBoxes(tile);
}

static void send(func::FuncOp kernel, tile::StoreOp store, cta::ReadOp read) {
  const layout::SharedLayout layout = read.getBuffer().getType().getLayout();
  const BoxedTile tile{store.getView(), store.getIndices(), store.getDims(), layout, layout.rows()};
  if (StringRef reason = whyNotSent(store, tile); !reason.empty()) {
    store.emitRemark("stored by threads, not by the copy engine: ") << reason;
    return;
  }
  store.emitRemark("stored by the copy engine");
  OpBuilder b(store);
  Location loc = store.getLoc();
  Value map = mapOf(kernel, tile, loc);
  cta::SendOp::create(b, loc, read.getBuffer(), store.getView(), store.getIndices(), store.getDims(), map);
  cta::SentOp::create(b, loc, read.getBuffer());
  store.erase();
  read.erase();
}

namespace {

struct SendTiles : imbrex::impl::SendTilesBase<SendTiles> {
  void runOnOperation() override {
    tile::RequestAttr request = tile::requestOf(getOperation());
    std::optional<Target> target = request ? Target::parse(request.getTarget().str()) : std::nullopt;
    if (!target || !target->hasWgmma)
      return;
    SmallVector<tile::StoreOp> stores;
    getOperation().walk([&](tile::StoreOp store) { stores.push_back(store); });
    for (tile::StoreOp store : stores)
      if (auto read = store.getValue().getDefiningOp<cta::ReadOp>(); read && isPutTogether(read))
        send(getOperation(), store, read);
  }
};

} // namespace
