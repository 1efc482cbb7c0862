//===- LoopAddresses.h - What a loop carries for its copies --- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The puts, gets, loads and stores of a loop use addresses that move on evenly with its induction variable. In place of
// making them anew in each iteration, the loop carries them:
//
//     a put's cursor        pointer += bytes of BN rows;  rows left -= BN
//     a store's pointer     pointer += bytes of BM rows, in innermost loops; that of a load too, of warps that copy
//     a slot's first byte   of 2 slots: stride - offset;  of more: offset + stride, or 0 behind the last
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_LOOPADDRESSES_H
#define IMBREX_COMPILER_CTA_TO_NVVM_LOOPADDRESSES_H

#include "compiler/cta_to_nvvm/CopyByThreads.h"
#include "compiler/tile/LinearForms.h"
#include <functional>
#include <memory>

namespace imbrex {

class LoopAddresses {
public:
  /// Decides what `loop` carries, and emits what it is in the first iteration where `l` stands, before the loop.
  LoopAddresses(Lowering &l, mlir::scf::ForOp loop);

  /// The values of the first iteration.
  const Values &initial() const { return values; }
  /// In the body: `carried` are the values of this iteration. Tells them to the puts and gets.
  void enter(mlir::ValueRange carried);
  /// At the end of the body: the values of the next iteration.
  Values next();
  /// Behind the loop: `carried` are the values at its end. Tells them to the loop that goes on from there.
  void leave(mlir::ValueRange carried);

private:
  /// Slots whose first byte one value carries: step = induction variable + rest.
  struct SlotCounter {
    cta::RingType ring; ///< slots and stride are the same in all its rings
    LinearForm rest;
    unsigned number; ///< of the carried value
  };

  /// A put, get or release by mbarrier, at a step that counts with the loop.
  struct Phased {
    mlir::Operation *op;
    cta::RingType ring;
    LinearForm step;
  };

  /// A put whose cursor is carried: others that read the same view at a constant distance have theirs from it.
  struct Known {
    cta::PutOp put;
    llvm::SmallVector<LinearForm> indices;
    std::shared_ptr<CopyCursor> cursor;
  };

  void carrySlot(mlir::Operation *op, cta::RingType ring, Value step);
  /// The step of `form` in the first iteration: one of those with its slot and phase that is not negative, where an
  /// iteration before it would have made it.
  Value firstStep(LinearForm form, cta::RingType ring);
  /// Carries the barriers' places and phases, of puts, gets and releases by mbarrier.
  void carryPhases();
  void carryCursor(cta::PutOp put);
  /// Carries the pointer of a load or store of a tile.
  template <typename Access> void carryPointer(Access access);
  /// Where the loop that this one goes on from has left the same access's pointer; null: nowhere.
  template <typename Access> Value pointerBefore(Access access);
  /// The cursor of a known put at a constant distance, moved on in the body. False if there is none.
  bool deriveCursor(cta::PutOp put, llvm::ArrayRef<LinearForm> indices);
  /// Carries a value that starts as `initial` and becomes advance(it). Returns its number.
  unsigned carry(Value initial, std::function<Value(Value)> advance);
  /// As `carry`, for a value that grows by `by`; where `by` is null it stays.
  void carrySum(Value &field, Value by, llvm::SmallVectorImpl<std::pair<Value *, unsigned>> &fields);

  /// True if the form is made of the induction variable and of what the loop does not change.
  bool isEven(const LinearForm &form);
  /// The form of an access's index that moves on evenly; nullopt if it does not. A sum that may wrap is taken as
  /// exact where what the loop changes of it is not negative: where it wraps, both lie outside any view.
  std::optional<LinearForm> evenForm(Value index);
  /// The form in the first iteration, i64.
  Value atFirst(const LinearForm &form);
  /// True if the form's value is never negative.
  bool isNonNegative(const LinearForm &form);

  Lowering &l;
  mlir::scf::ForOp loop;
  int64_t loopStep = 0;                                   ///< 0: it is not known, and nothing is carried
  LinearForms exact, modular{LinearForms::Wrap::Modular}; ///< indices; steps, which count modulo 2^32
  std::vector<SlotCounter> counters;
  std::vector<Known> known;
  Values values, current;
  std::vector<std::function<Value(Value)>> advances;            ///< a carried value each
  std::vector<std::function<void()>> entries;                   ///< what is done with `current` in the body
  std::vector<std::pair<mlir::Operation *, unsigned>> pointers; ///< of loads and stores: the number of each
};

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_LOOPADDRESSES_H
