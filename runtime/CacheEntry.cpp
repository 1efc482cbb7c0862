//===- CacheEntry.cpp - One cache entry as bytes --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing and strict reading of the on-disk form: whatever differs from what was written, by a byte or in
// length, is no entry.
//
//===----------------------------------------------------------------------===//

#include "runtime/CacheEntry.h"
#include "runtime/LittleEndian.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

using namespace imbrex;

static constexpr std::string_view kMagic = "IMBREXC2"; // the last digit is the format's version
static constexpr size_t kHashBytes = 32;

static std::string sha256(std::string_view bytes) {
  llvm::SHA256 hash;
  hash.update(llvm::StringRef(bytes.data(), bytes.size()));
  std::array<uint8_t, kHashBytes> digest = hash.final();
  return std::string(digest.begin(), digest.end());
}

std::string imbrex::sha256Hex(std::string_view bytes) { return llvm::toHex(sha256(bytes), /*LowerCase=*/true); }

std::string imbrex::encodeCacheEntry(const std::string &key, const CacheEntry &entry) {
  std::string payload;
  for (const std::string *field : {&entry.sourceName, &entry.interface, &entry.ptx, &entry.machineCode, &entry.log})
    appendField(payload, *field);
  std::string bytes(kMagic);
  appendField(bytes, key);
  appendField(bytes, payload);
  return bytes + sha256(bytes);
}

static std::optional<CacheEntry> decodePayload(std::string_view payload) {
  CacheEntry entry;
  for (std::string *field : {&entry.sourceName, &entry.interface, &entry.ptx, &entry.machineCode, &entry.log}) {
    std::optional<std::string_view> value = takeField(payload);
    if (!value)
      return std::nullopt;
    *field = *value;
  }
  return payload.empty() ? std::optional(std::move(entry)) : std::nullopt;
}

/// The key and payload of a whole and undamaged entry; views into `bytes`.
static std::optional<std::pair<std::string_view, std::string_view>> checkedParts(std::string_view bytes) {
  if (bytes.size() < kMagic.size() + kHashBytes || !bytes.starts_with(kMagic))
    return std::nullopt;
  std::string_view body = bytes.substr(0, bytes.size() - kHashBytes);
  if (sha256(body) != bytes.substr(body.size()))
    return std::nullopt;
  body.remove_prefix(kMagic.size());
  std::optional<std::string_view> key = takeField(body);
  std::optional<std::string_view> payload = key ? takeField(body) : std::nullopt;
  if (!payload || !body.empty())
    return std::nullopt;
  return std::pair(*key, *payload);
}

std::optional<CacheEntry> imbrex::decodeCacheEntry(std::string_view bytes, const std::string &key) {
  auto parts = checkedParts(bytes);
  return parts && parts->first == key ? decodePayload(parts->second) : std::nullopt;
}

std::optional<std::string> imbrex::keyOfCacheEntry(std::string_view bytes) {
  auto parts = checkedParts(bytes);
  return parts && decodePayload(parts->second) ? std::optional<std::string>(parts->first) : std::nullopt;
}
