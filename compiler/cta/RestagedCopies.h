//===- RestagedCopies.h - Tiles that the copying warps write anew - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile that is copied to be restaged, and for nothing else, takes two queues: the copies fill the first, the warps
// that copy read it and write the second, which the others get. So these lose no instruction to it, and meet nowhere.
//
//     put r[j]; get r[j]; restage into b; use b
//         ->  copy: put r[j]; get r[j]; acquire t[j]; restage; publish t[j]      compute: get t[j]; use
//
// A tile is restaged an iteration later: where the first queue has two slots, when all of the next iteration have been
// asked for; of one slot, right before the next tile is put into it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_RESTAGEDCOPIES_H
#define IMBREX_COMPILER_CTA_RESTAGEDCOPIES_H

#include "compiler/cta/CopySlice.h"

namespace imbrex {

/// True of a put whose tile is copied to be restaged, and for nothing else.
bool isRestaged(cta::PutOp put);

class RestagedCopies {
public:
  /// Those among the tiles of `puts`; their second queues are made, of one slot.
  explicit RestagedCopies(llvm::ArrayRef<cta::PutOp> puts);

  bool empty() const { return all.empty(); }
  bool contains(cta::PutOp put) const;
  /// The second queue of a put gets so many slots.
  void setSlots(llvm::function_ref<unsigned(cta::PutOp)> slots);
  /// Their steps are the puts'.
  void setSteps();
  void addTo(CopySlice &slice) const;
  /// Erases what `addTo` has added but the gets of the second queues.
  void erase();

private:
  struct Restaged {
    cta::PutOp put;
    cta::GetOp get;
    cta::RingOp queue;
    cta::AcquireOp acquire;
    cta::RestageOp restage;
    cta::PublishOp publish;
    cta::GetOp result;
  };
  static void makeQueue(Restaged &restaged);

  llvm::SmallVector<Restaged> all;
};

/// Loops in `copy`, a part that copies, restage the tile of the iteration before.
void delayRestages(mlir::Block &copy);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_RESTAGEDCOPIES_H
