//===- LocalMemory.h - A warp's local memory --------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The private bytes of each of a warp's 32 lanes, with one "written" flag a byte. Reset when a warp
// starts; owned by one simulating thread.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_LOCALMEMORY_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_LOCALMEMORY_H

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace imbrex::simulator {

struct LocalMemory {
  uint32_t bytesPerLane = 0;
  std::vector<uint8_t> bytes;   ///< [lane][byte]
  std::vector<uint8_t> written; ///< [lane][byte], 0 or 1.

  void begin(uint32_t size) {
    bytesPerLane = size;
    bytes.resize(size_t(size) * 32);
    written.assign(size_t(size) * 32, 0);
  }
  bool contains(uint64_t address, uint32_t count) const {
    return address < bytesPerLane && count <= bytesPerLane - address;
  }
  size_t at(unsigned lane, uint64_t address) const { return size_t(lane) * bytesPerLane + address; }
  bool isWritten(unsigned lane, uint64_t address, uint32_t count) const {
    const uint8_t *flags = written.data() + at(lane, address);
    return std::all_of(flags, flags + count, [](uint8_t flag) { return flag != 0; });
  }
  void mark(unsigned lane, uint64_t address, uint32_t count) {
    std::memset(written.data() + at(lane, address), 1, count);
  }
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_LOCALMEMORY_H
