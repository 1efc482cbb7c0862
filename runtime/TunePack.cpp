//===- TunePack.cpp - Results of tuning, carried --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The magic "IMBREXT1", then of each record two fields with their u64 lengths, little endian: the folder's name (64 hex
// digits), and the entry's bytes as they lie in the cache.
//
//===----------------------------------------------------------------------===//

#include "runtime/TunePack.h"
#include "runtime/DiskCache.h"
#include "runtime/LittleEndian.h"
#include "runtime/TuneStore.h"
#include "runtime/WholeFile.h"
#include <filesystem>

using namespace imbrex;
namespace fs = std::filesystem;

static constexpr std::string_view kMagic = "IMBREXT1";
static constexpr size_t kFolderBytes = 64;

static Error packError(const std::string &path, const std::string &what) {
  return Error{ErrorKind::File, "'" + path + "' " + what};
}

static bool isFolderName(std::string_view name) {
  return name.size() == kFolderBytes && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<size_t> imbrex::exportTuning(const std::string &cacheDirectory, const std::string &path) {
  std::string pack(kMagic);
  size_t count = 0;
  std::error_code ignored;
  for (const fs::directory_entry &folder : fs::directory_iterator(tuningFolder(cacheDirectory), ignored)) {
    std::string name = folder.path().filename();
    Result<DiskCache> cache = isFolderName(name) ? DiskCache::open(folder.path()) : packError(name, "is no folder");
    if (!cache)
      continue;
    for (const auto &[key, entry] : cache->all()) {
      appendField(pack, name);
      appendField(pack, encodeCacheEntry(key, entry));
      ++count;
    }
  }
  if (count == 0)
    return Error{ErrorKind::File, "there are no results of tuning in '" + cacheDirectory + "'"};
  if (!writeWholeFile(path, pack))
    return packError(path, "cannot be written");
  return count;
}

Result<size_t> imbrex::importTuning(const std::string &cacheDirectory, const std::string &path) {
  std::optional<std::string> pack = readWholeFile(path);
  if (!pack)
    return packError(path, "cannot be read");
  if (!pack->starts_with(kMagic))
    return packError(path, "is no pack of tuning results");
  size_t count = 0;
  for (std::string_view rest = std::string_view(*pack).substr(kMagic.size()); !rest.empty();) {
    std::optional<std::string_view> folder = takeField(rest);
    std::optional<std::string_view> bytes = folder ? takeField(rest) : std::nullopt;
    if (!bytes || !isFolderName(*folder))
      return packError(path, "is cut off or damaged after " + std::to_string(count) + " results");
    std::optional<std::string> key = keyOfCacheEntry(*bytes);
    std::optional<CacheEntry> entry = key ? decodeCacheEntry(*bytes, *key) : std::nullopt;
    if (!entry)
      return packError(path, "is damaged after " + std::to_string(count) + " results");
    Result<DiskCache> cache = DiskCache::open(tuningFolder(cacheDirectory) + "/" + std::string(*folder));
    if (!cache)
      return cache.takeError();
    if (Result<void> stored = cache->store(CacheKey::fromBytes(std::move(*key)), *entry); !stored)
      return stored.takeError();
    ++count;
  }
  return count;
}
