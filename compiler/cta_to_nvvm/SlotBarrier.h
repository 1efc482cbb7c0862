//===- SlotBarrier.h - The barriers of a ring by mbarrier ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each slot has two mbarrier objects (PTX ISA, "Parallel Synchronization and Communication Instructions: mbarrier"),
// whose phases count how often the slot has been filled, and emptied:
//
//     full    each thread that copies arrives twice: when its own cp.async are done (that says nothing of what it did
//             besides), and with what it stored. Readers wait for phase step / slots
//             Where the copy engine copies, one thread arrives, and the bytes that it asks for when they are there.
//             Where threads write, each warp arrives when its lanes have written
//     empty   each warp that reads arrives when its lanes have read. Copies wait for the phase before that
//
// The phase before the first is done from the start, so that the first copies find their slots empty.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_SLOTBARRIER_H
#define IMBREX_COMPILER_CTA_TO_NVVM_SLOTBARRIER_H

#include "compiler/cta_to_nvvm/Lowering.h"

namespace imbrex {

class SlotBarrier {
public:
  /// That of the slot of a step which says that it is full, or that it is empty.
  SlotBarrier(Lowering &l, cta::RingOp ring, bool full, const SlotPhase &phase);

  /// Waits until the step's phase is done, or the one before it.
  void waitForPhase(bool before);
  /// This thread arrives, and again when all of its cp.async so far are done.
  void arriveWhenCopied();
  /// This thread arrives for all, and asks the copy engine to bring `bytes` more.
  void arriveExpecting(int64_t bytes);
  Value address() const { return pointer; }
  /// The warp arrives, behind all that its lanes have read.
  void arriveAsWarp();

private:
  void arrive();

  Lowering &l;
  Value parity, pointer;
};

/// Those of `step` (i32).
SlotPhase phaseOf(Lowering &l, cta::RingType ring, Value step);
/// Those of the step behind one.
SlotPhase nextPhase(Lowering &l, cta::RingType ring, const SlotPhase &phase);

/// Who fills a ring: the copy engine, copies of threads, or what they write (cta.publish).
enum class Filler { Engine, Copies, Writes };
Filler fillerOf(cta::RingOp ring);
/// The lanes of the warp meet.
void meetAsWarp(Lowering &l);
/// All barriers of `ring` are made, by one thread, before any is used, for the warps of the parts.
void initialiseBarriers(Lowering &l, cta::RingOp ring, unsigned copyWarps, unsigned computeWarps);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_SLOTBARRIER_H
