//===- MmaOrder.cpp - Which k a fragment's element stands for -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One formula an order.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/MmaOrder.h"
#include "llvm/Support/ErrorHandling.h"

namespace imbrex::layout {

unsigned mmaK(KOrder order, unsigned elementBytes, unsigned half, unsigned t, unsigned element) {
  if (elementBytes == 2)
    return 8 * half + 2 * t + element;
  if (elementBytes == 1)
    return 16 * half + (order == KOrder::Pairs ? 8 * (element / 2) + 2 * t + element % 2 : 4 * t + element);
  switch (order) {
  case KOrder::Chunks:
    return 4 * half + t;
  case KOrder::Pairs:
    return 2 * t + half;
  case KOrder::Crossed:
    return t + 4 * (half ^ (t & 1));
  }
  llvm_unreachable("all orders are listed");
}

} // namespace imbrex::layout
