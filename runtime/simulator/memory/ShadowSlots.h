//===- ShadowSlots.h - The last access to each granule ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One kind of access to the granules of one page of the race shadow. Neighbouring granules make a row. What whole warps
// do to neighbouring bytes is told by one entry a row; only a row that was touched in part has an entry a granule.
//
//===----------------------------------------------------------------------===//

//|
//| An even row's entry names the lane of its first granule; granule k belongs to the lane k >> shift further on, where
//| a lane's access is 1 << shift granules wide. With rows of eight granules:
//|
//|   lanes 16 to 23 read 4 bytes each, granules of 4 bytes     entry (run, time, lane 16), shift 0
//|   lanes 4 and 5 read 16 bytes each                          entry (run, time, lane 4), shift 2
//|   lane 7 alone reads 4 bytes of them                        an entry a granule from here on
//|
//| Not thread-safe: the page is held.

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_SHADOWSLOTS_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_SHADOWSLOTS_H

#include <cstdint>
#include <memory>

namespace imbrex::simulator {

/// One access as the shadow keeps it: the block, the stamp, and the thread with its instruction.
struct Touch {
  uint32_t run = 0; ///< 0: none.
  uint32_t time = 0;
  uint32_t who = 0; ///< GlobalAccessor, or what the kind of the slots puts in its place.
};

class ShadowSlots {
public:
  bool exists() const { return heads.words != nullptr; }
  /// Room for `count` granules in rows of 1 << rowLog2; nothing has touched them. Returns the bytes it takes.
  uint64_t make(uint32_t count, unsigned rowLog2);

  uint32_t rowOf(uint32_t i) const { return i >> rowLog2; }
  uint32_t rowBegin(uint32_t row) const { return row << rowLog2; }
  uint32_t rowSize() const { return 1u << rowLog2; }
  bool isEven(uint32_t row) const { return heads.run[row] != kUneven; }

  Touch at(uint32_t i) const {
    uint32_t row = rowOf(i);
    if (!isEven(row))
      return fine.at(i);
    Touch touch = heads.at(row);
    touch.who += (i - rowBegin(row)) >> shift[row];
    return touch;
  }
  /// The entry of an even row.
  Touch head(uint32_t row) const { return heads.at(row); }
  /// The runs and stamps of the rows from `row` on; those of uneven rows have the run kUneven.
  const uint32_t *runs(uint32_t row) const { return heads.run + row; }
  const uint32_t *times(uint32_t row) const { return heads.time + row; }
  static constexpr uint32_t kUneven = ~0u;

  /// An entry for one granule; returns the bytes that its row's new shape takes more.
  uint64_t set(uint32_t i, const Touch &touch) {
    uint64_t more = isEven(rowOf(i)) ? makeUneven(rowOf(i)) : 0;
    fine.set(i, touch);
    return more;
  }
  /// The whole row is touched; `touch` names the lane of its first granule.
  void setRow(uint32_t row, const Touch &touch, unsigned laneShift) {
    heads.set(row, touch);
    shift[row] = static_cast<uint8_t>(laneShift);
  }
  /// An even row of other slots of the same shape.
  void copyRow(uint32_t row, const ShadowSlots &from) { setRow(row, from.head(row), from.shift[row]); }
  /// The granules from `first` to `last` are as nothing had touched them.
  uint64_t clear(uint32_t first, uint32_t last);

private:
  struct Entries {
    std::unique_ptr<uint32_t[]> words;
    uint32_t *run = nullptr, *time = nullptr, *who = nullptr;

    void make(uint32_t count);
    Touch at(uint32_t i) const { return {run[i], time[i], who[i]}; }
    void set(uint32_t i, const Touch &touch) {
      run[i] = touch.run;
      time[i] = touch.time;
      who[i] = touch.who;
    }
  };
  uint64_t makeUneven(uint32_t row);

  Entries heads, fine; ///< A row's; a granule's, once a row is uneven.
  std::unique_ptr<uint8_t[]> shift;
  uint32_t count = 0;
  unsigned rowLog2 = 3;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_SHADOWSLOTS_H
