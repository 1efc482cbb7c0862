//===- Knowledge.h - What a thread has learnt of other blocks ---*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The part of a vector clock that release and acquire carry: of each block that was heard of, what of the work of its
// warps and lanes is ordered before (View, in Clocks.h).
// Values are immutable and shared, so that publishing one to thousands of addresses costs a pointer.
//
//===----------------------------------------------------------------------===//

//|
//| A "run" is the number of one block of one launch, never used twice on a device; 0 is nobody.
//| Only blocks that were heard of have an entry. A set that would grow beyond kMostBlocks becomes "everything",
//| which orders the holder after all that was done so far: a race may then be missed, none is invented.
//| Thread-safety: values are never written after they were made.

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_KNOWLEDGE_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_KNOWLEDGE_H

#include "runtime/simulator/memory/Clocks.h"

#include <memory>

namespace imbrex::simulator {

class Knowledge;
/// Null: nothing is known.
using KnowledgePtr = std::shared_ptr<const Knowledge>;

class Knowledge {
public:
  static constexpr size_t kMostBlocks = 2048;

  /// What is known by who holds `base` and has seen `view` of block `run`.
  static KnowledgePtr with(const KnowledgePtr &base, uint32_t run, View view);
  /// All that either knows.
  static KnowledgePtr merge(const KnowledgePtr &a, const KnowledgePtr &b);

  /// Whether the access of `lane` of `warp` of block `run` at `stamp` is ordered before the holder.
  bool covers(uint32_t run, unsigned warp, unsigned lane, uint32_t stamp) const;
  /// What is known of block `run`, or null.
  std::shared_ptr<const View> viewOf(uint32_t run) const;

private:
  struct Entry {
    uint32_t run;
    std::shared_ptr<const View> view;
  };
  std::vector<Entry> entries; ///< Ascending by run.
  bool everything = false;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_KNOWLEDGE_H
