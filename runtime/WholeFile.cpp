//===- WholeFile.cpp - Files that are read and written whole --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// By the C library's streams: every failure is a return value.
//
//===----------------------------------------------------------------------===//

#include "runtime/WholeFile.h"
#include <cstdio>
#include <unistd.h>

using namespace imbrex;

std::optional<std::string> imbrex::readWholeFile(const std::string &path) {
  std::FILE *file = std::fopen(path.c_str(), "rbe");
  if (!file)
    return std::nullopt;
  std::string bytes;
  char part[1 << 16];
  for (size_t count; (count = std::fread(part, 1, sizeof part, file)) > 0;)
    bytes.append(part, count);
  bool isWhole = std::ferror(file) == 0;
  std::fclose(file);
  return isWhole ? std::optional(std::move(bytes)) : std::nullopt;
}

bool imbrex::writeWholeFile(const std::string &path, std::string_view bytes) {
  const std::string beside = path + ".tmp." + std::to_string(getpid());
  std::FILE *file = std::fopen(beside.c_str(), "wbe");
  if (!file)
    return false;
  bool isGood = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && std::fflush(file) == 0 &&
                fsync(fileno(file)) == 0;
  isGood &= std::fclose(file) == 0;
  if (isGood && std::rename(beside.c_str(), path.c_str()) == 0)
    return true;
  std::remove(beside.c_str());
  return false;
}
