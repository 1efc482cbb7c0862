//===- Fill.cpp - One value over a range of an allocation -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pattern is a file in memory without a name, mapped MAP_PRIVATE as often as the range is long: reads see the
// file's own pages, the first write to a page copies it. 100 GiB are 3,200 mappings of 32 MiB.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/Fill.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace imbrex::simulator {
namespace {

constexpr uint64_t kPage = uint64_t(1) << 16;         ///< A multiple of every host's page.
constexpr uint64_t kStored = uint64_t(16) << 20;      ///< Ranges up to this are stored.
constexpr uint64_t kLeastPattern = uint64_t(1) << 20; ///< The file's size: at least this,
constexpr uint64_t kMappings = 4096;                  ///< and so large that about this many mappings do.

void store(uint8_t *to, uint64_t count, uint32_t word) {
  if (word == (word & 0xFF) * 0x01010101u) {
    std::memset(to, static_cast<int>(word & 0xFF), count);
    return;
  }
  uint64_t done = std::min<uint64_t>(count, 4);
  std::memcpy(to, &word, done);
  for (; done < count; done += std::min(done, count - done)) // What is there already, a multiple of 4, once more.
    std::memcpy(to + done, to, std::min(done, count - done));
}

/// A file of `bytes` bytes of the word, or -1.
int patternFile(uint64_t bytes, uint32_t word) {
  int file = memfd_create("fill", MFD_CLOEXEC);
  if (file < 0)
    return -1;
  void *view =
      ftruncate(file, static_cast<off_t>(bytes)) != 0 || posix_fallocate(file, 0, static_cast<off_t>(bytes)) != 0
          ? MAP_FAILED
          : mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (view == MAP_FAILED) {
    close(file);
    return -1;
  }
  store(static_cast<uint8_t *>(view), bytes, word);
  munmap(view, bytes);
  return file;
}

/// Replaces whole pages by views of the pattern; how many bytes of them it could. Zeros need no pattern.
uint64_t mapPattern(uint8_t *to, uint64_t count, uint32_t word) {
  constexpr int kFlags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
  if (word == 0)
    return mmap(to, count, PROT_READ | PROT_WRITE, kFlags | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 0 : count;
  uint64_t bytes = std::max(kLeastPattern, (count / kMappings + kPage - 1) / kPage * kPage), done = 0;
  int file = patternFile(bytes, word);
  if (file < 0)
    return 0;
  for (; done < count; done += std::min(bytes, count - done))
    if (mmap(to + done, std::min(bytes, count - done), PROT_READ | PROT_WRITE, kFlags, file, 0) == MAP_FAILED)
      break;
  close(file);
  return done;
}

/// `count` bytes at `to`, all within a mapping of ours.
void fillBytes(uint8_t *to, uint64_t count, uint32_t word) {
  if (count <= kStored)
    return store(to, count, word);
  uint64_t head = (kPage - reinterpret_cast<uintptr_t>(to) % kPage) % kPage;
  store(to, head, word);
  uint64_t mapped = mapPattern(to + head, (count - head) / kPage * kPage, word);
  store(to + head + mapped, count - head - mapped, word);
}

} // namespace

void fillRange(const Allocation &allocation, uint64_t offset, uint64_t count, uint32_t word) {
  if (allocation.hostOwned) // Its pages are not ours to replace; all of it counts as written for good.
    return store(allocation.bytes + offset, count, word);
  fillBytes(allocation.bytes + offset, count, word);
  uint64_t first = (offset + 7) / 8, last = (offset + count) / 8;
  if (first >= last)
    return GlobalMemory::markRange(allocation, offset, count);
  GlobalMemory::markRange(allocation, offset, first * 8 - offset);
  fillBytes(allocation.written + first, last - first, 0xFFFFFFFFu);
  GlobalMemory::markRange(allocation, last * 8, offset + count - last * 8);
}

} // namespace imbrex::simulator
