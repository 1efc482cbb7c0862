//===- VideoCompare.h - Comparisons of the video instructions ---*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What vset, vset2 and vset4 (PTX ISA, 9.7.17) have in common: .cmp, and the types a video instruction may name.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_VIDEOCOMPARE_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_VIDEOCOMPARE_H

#include "runtime/simulator/exec/Decoder.h"

namespace imbrex::simulator {

/// In the order of takeVideoCondition's words.
enum class VideoCondition : uint8_t { Equal, Unequal, Less, LessEqual, Greater, GreaterEqual };

inline bool holds(VideoCondition condition, int64_t a, int64_t b) {
  switch (condition) {
  case VideoCondition::Equal:
    return a == b;
  case VideoCondition::Unequal:
    return a != b;
  case VideoCondition::Less:
    return a < b;
  case VideoCondition::LessEqual:
    return a <= b;
  case VideoCondition::Greater:
    return a > b;
  default:
    return a >= b;
  }
}

/// Takes .cmp; false, without an error, if there is none.
inline bool takeVideoCondition(Decoder &d, VideoCondition &condition) {
  int number = d.takeOneOf({"eq", "ne", "lt", "le", "gt", "ge"});
  condition = static_cast<VideoCondition>(number < 0 ? 0 : number);
  return number >= 0;
}

inline bool isVideoType(Type type) { return type == Type::U32 || type == Type::S32; }

/// The register of an operand whose selector and sign have been looked at.
inline ptx::Operand withoutSelector(ptx::Operand operand) {
  operand.selector.clear();
  operand.negated = false;
  return operand;
}

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_VIDEOCOMPARE_H
