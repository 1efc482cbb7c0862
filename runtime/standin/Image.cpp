//===- Image.cpp - PTX text out of what programs load ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fat binaries as nvcc writes them: headers of 16 bytes, each followed by entries of PTX (kind 1) or machine code
// (kind 2); an entry says its size, its compressed size and how it is compressed. LZ4 is decoded here, Zstandard by
// libzstd, which is looked for when it is needed.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/StandIn.h"

#include <cstring>
#include <dlfcn.h>

namespace imbrex::standin {
namespace {

constexpr uint32_t kWrapperMagic = 0x466243B1, kFatMagic = 0xBA55ED50;
constexpr uint16_t kPtx = 1;
constexpr uint64_t kLz4 = 0x2000, kZstd = 0x8000;

struct Wrapper {
  uint32_t magic, version;
  const uint8_t *data;
};
struct FatHeader {
  uint32_t magic;
  uint16_t version, headerBytes;
  uint64_t bytes; ///< Of the entries.
};
struct FatEntry {
  uint16_t kind, version;
  uint32_t headerBytes;
  uint64_t bytes;
  uint32_t compressedBytes, unknown0;
  uint16_t minor, major;
  uint32_t architecture;
  uint64_t unknown1, flags, unknown2, plainBytes;
};

/// One LZ4 block (LZ4 block format: a token, literals, an offset back, a length). False if it is damaged.
bool decodeLz4(const uint8_t *from, size_t bytes, std::string &out, size_t plainBytes) {
  const uint8_t *end = from + bytes;
  auto length = [&](size_t value) {
    for (uint8_t more = 255; value >= 15 && more == 255 && from < end;)
      value += more = *from++;
    return value;
  };
  while (from < end) {
    uint8_t token = *from++;
    size_t literals = length(token >> 4);
    if (literals > static_cast<size_t>(end - from))
      return false;
    out.append(reinterpret_cast<const char *>(from), literals);
    from += literals;
    if (end - from < 2)
      break; // The last sequence has only literals.
    size_t back = from[0] | size_t(from[1]) << 8;
    from += 2;
    size_t match = length(token & 15) + 4;
    if (back == 0 || back > out.size() || out.size() + match > plainBytes)
      return false;
    for (size_t i = 0; i < match; ++i)
      out.push_back(out[out.size() - back]);
  }
  return out.size() == plainBytes;
}

bool decodeZstd(const uint8_t *from, size_t bytes, std::string &out, size_t plainBytes, std::string &error) {
  void *library = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
  auto *decompress =
      library ? reinterpret_cast<size_t (*)(void *, size_t, const void *, size_t)>(dlsym(library, "ZSTD_decompress"))
              : nullptr;
  if (!decompress) {
    error = "the PTX is compressed by Zstandard and libzstd.so.1 is not there; compile with --no-compress";
    return false;
  }
  out.resize(plainBytes);
  if (decompress(out.data(), plainBytes, from, bytes) == plainBytes)
    return true;
  error = "the compressed PTX is damaged";
  return false;
}

bool readEntry(const FatEntry &entry, std::string &text, std::string &error) {
  const uint8_t *data = reinterpret_cast<const uint8_t *>(&entry) + entry.headerBytes;
  if (entry.flags & kZstd)
    return decodeZstd(data, entry.compressedBytes, text, entry.plainBytes, error);
  if (entry.flags & kLz4) {
    error = "the compressed PTX is damaged";
    return decodeLz4(data, entry.compressedBytes, text, entry.plainBytes);
  }
  text.assign(reinterpret_cast<const char *>(data), strnlen(reinterpret_cast<const char *>(data), entry.bytes));
  return true;
}

/// The newest PTX that the device runs: the entry of the highest architecture not above sm_90.
bool readFatBinary(const uint8_t *data, std::string &text, std::string &error) {
  constexpr uint32_t kNewest = 90;
  const FatEntry *best = nullptr;
  FatHeader header;
  for (std::memcpy(&header, data, sizeof(header)); header.magic == kFatMagic;
       std::memcpy(&header, data, sizeof(header))) {
    const uint8_t *at = data + header.headerBytes, *end = at + header.bytes;
    while (at < end) {
      const FatEntry *entry = reinterpret_cast<const FatEntry *>(at);
      if (entry->kind == kPtx && entry->architecture <= kNewest && (!best || entry->architecture > best->architecture))
        best = entry;
      at += entry->headerBytes + entry->bytes;
    }
    data = end;
    if (header.bytes != 0)
      break; // An empty header may come before the one that counts.
  }
  if (best)
    return readEntry(*best, text, error);
  error = "the program holds no PTX for this device, only machine code; compile with -gencode "
          "arch=compute_90,code=compute_90";
  return false;
}

} // namespace

bool readImage(const void *image, std::string &text, std::string &error) {
  uint32_t magic;
  std::memcpy(&magic, image, sizeof(magic));
  if (magic == kWrapperMagic)
    return readFatBinary(static_cast<const Wrapper *>(image)->data, text, error);
  if (magic == kFatMagic)
    return readFatBinary(static_cast<const uint8_t *>(image), text, error);
  if (std::memcmp(image,
                  "\x7f"
                  "ELF",
                  4) == 0) {
    error = "the image is machine code; this device runs PTX";
    return false;
  }
  text = static_cast<const char *>(image);
  return true;
}

} // namespace imbrex::standin
