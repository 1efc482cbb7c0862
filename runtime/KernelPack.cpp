//===- KernelPack.cpp - Kernels compiled ahead, in one file ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A magic word, then for each kernel two fields: the digest of its key, and its entry as the cache has it.
//
//===----------------------------------------------------------------------===//

#include "runtime/KernelPack.h"
#include "runtime/DiskCache.h"
#include "runtime/LittleEndian.h"
#include "runtime/WholeFile.h"

using namespace imbrex;

static constexpr std::string_view kMagic = "IMBREXP1"; // the last digit is the format's version

static Error packError(const std::string &path, const std::string &what) {
  return Error{ErrorKind::File, "'" + path + "' " + what};
}

/// The key without the field that names the assembler; nullopt if it is none of makeCacheKey.
static std::optional<CacheKey> packKey(const CacheKey &key) {
  CacheKey result;
  for (std::string_view rest = key.bytes(); !rest.empty();) {
    std::optional<std::string_view> name = takeField(rest), value = name ? takeField(rest) : std::nullopt;
    if (!value)
      return std::nullopt;
    if (*name != "assembler")
      result.add(*name, *value);
  }
  return result;
}

Result<KernelPack> KernelPack::open(const std::string &path) {
  std::optional<std::string> text = readWholeFile(path);
  if (!text || !text->starts_with(kMagic))
    return packError(path, "is no pack of kernels that can be read");
  KernelPack pack;
  pack.bytes = std::make_shared<const std::string>(std::move(*text));
  for (std::string_view rest = std::string_view(*pack.bytes).substr(kMagic.size()); !rest.empty();) {
    std::optional<std::string_view> digest = takeField(rest), entry = digest ? takeField(rest) : std::nullopt;
    if (!entry)
      return packError(path, "is cut off after " + std::to_string(pack.entries.size()) + " kernels");
    pack.entries[*digest] = *entry;
  }
  return pack;
}

std::optional<CacheEntry> KernelPack::find(const CacheKey &key) const {
  std::optional<CacheKey> plain = packKey(key);
  auto found = plain ? entries.find(plain->digest()) : entries.end();
  return found == entries.end() ? std::nullopt : decodeCacheEntry(found->second, plain->bytes());
}

Result<size_t> imbrex::packKernels(const std::vector<std::string> &cacheDirectories, const std::string &path) {
  std::map<std::string, std::string> kernels; // in an order that is always the same
  for (const std::string &directory : cacheDirectories) {
    Result<DiskCache> cache = DiskCache::open(directory);
    if (!cache)
      return cache.takeError();
    for (const auto &[bytes, entry] : cache->all())
      if (std::optional<CacheKey> key = packKey(CacheKey::fromBytes(bytes)))
        kernels[key->digest()] = encodeCacheEntry(key->bytes(), entry);
  }
  if (kernels.empty())
    return packError(path, "is not written: there is no compiled kernel in the cache");
  std::string pack(kMagic);
  for (const auto &[digest, entry] : kernels) {
    appendField(pack, digest);
    appendField(pack, entry);
  }
  if (!writeWholeFile(path, pack))
    return packError(path, "cannot be written");
  return kernels.size();
}
