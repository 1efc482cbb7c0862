//===- QueueOrder.h - The order in which queues are filled ---- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One part of a kernel fills the queues of a loop in the order of the text. Who reads the step j of one behind the
// step j + 1 of another must have them filled in that order too, or, of one slot, they wait for one another:
//
//     filled: v[0] k[0] v[1] k[1]     v[1] waits until v[0] is read, k[1] stands behind it
//     read:   k[0] k[1] v[0]          k[1] is waited for before v[0] is read
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_QUEUEORDER_H
#define IMBREX_COMPILER_CTA_QUEUEORDER_H

#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace imbrex {

/// True if a loop or branch in `loop` fills or reads queues: they are filled where it stands, and what is filled behind
/// it is not read before it.
bool usesQueuesInside(mlir::scf::ForOp loop);

/// What fills the slot that `publish` makes known, in the order of its block, with it: who writes the slot, of what,
/// and the copy of that.
llvm::SmallVector<mlir::Operation *> fillingOf(cta::PublishOp publish);

/// An iteration's copies into the queues that `late` reads come behind its others, with what writes them anew; `late`
/// are gets of one loop that fall behind the others by an iteration. Rings that are no queues are left alone.
void fillLast(llvm::ArrayRef<cta::GetOp> late);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_QUEUEORDER_H
