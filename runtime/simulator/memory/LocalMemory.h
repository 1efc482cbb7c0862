//===- LocalMemory.h - A warp's local memory --------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The private bytes of each of a warp's 32 lanes, with what is known of each byte: never written, written,
// written with undefined bits, or of no variable. Reset when a warp starts; owned by one simulating thread.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_LOCALMEMORY_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_LOCALMEMORY_H

#include "runtime/simulator/memory/Gap.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace imbrex::simulator {

struct LocalMemory {
  uint32_t bytesPerLane = 0;
  std::vector<uint8_t> bytes; ///< [lane][byte]
  /// [lane][byte]: 1 for a defined byte; 0, or 2 for a value computed from undefined bits; kGap.
  std::vector<uint8_t> written;
  static constexpr uint8_t kGap = 3;

  void begin(uint32_t size) {
    bytesPerLane = size;
    bytes.resize(at(32, 0));
    written.assign(at(32, 0), 0);
  }
  /// A frame of `size` bytes at `base`: nothing is written, and its gaps belong to nobody.
  void beginFrame(unsigned lane, uint32_t base, uint32_t size, std::span<const Gap> gaps) {
    uint8_t *flags = written.data() + at(lane, base);
    std::memset(flags, 0, size);
    for (const Gap &gap : gaps)
      std::memset(flags + gap.begin, kGap, gap.end - gap.begin);
  }
  bool touchesGap(unsigned lane, uint64_t address, uint32_t count) const {
    return std::memchr(written.data() + at(lane, address), kGap, count) != nullptr;
  }
  /// At least `size` bytes a lane; what is there stays.
  void grow(uint32_t size) {
    if (size <= bytesPerLane)
      return;
    LocalMemory larger;
    larger.begin(std::max(size, 2 * bytesPerLane));
    for (unsigned lane = 0; lane < 32; ++lane) {
      std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(at(lane, 0)), bytesPerLane,
                  larger.bytes.begin() + static_cast<ptrdiff_t>(larger.at(lane, 0)));
      std::copy_n(written.begin() + static_cast<ptrdiff_t>(at(lane, 0)), bytesPerLane,
                  larger.written.begin() + static_cast<ptrdiff_t>(larger.at(lane, 0)));
    }
    *this = std::move(larger);
  }
  /// Bytes without a defined value; `isComputed` if one was computed.
  uint32_t unwrittenMask(unsigned lane, uint64_t address, uint32_t count, bool &isComputed) const {
    uint32_t mask = 0;
    for (uint32_t i = 0; i < count; ++i) {
      uint8_t flag = written[at(lane, address + i)];
      mask |= uint32_t(flag != 1) << i;
      isComputed |= flag == 2;
    }
    return mask;
  }
  bool contains(uint64_t address, uint32_t count) const {
    return address < bytesPerLane && count <= bytesPerLane - address;
  }
  /// A lane's bytes are aligned as their addresses are.
  size_t at(unsigned lane, uint64_t address) const { return size_t(lane) * ((bytesPerLane + 15) & ~15u) + address; }
  bool isWritten(unsigned lane, uint64_t address, uint32_t count) const {
    const uint8_t *flags = written.data() + at(lane, address);
    return std::all_of(flags, flags + count, [](uint8_t flag) { return flag == 1; });
  }
  void mark(unsigned lane, uint64_t address, uint32_t count) {
    std::memset(written.data() + at(lane, address), 1, count);
  }
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_LOCALMEMORY_H
