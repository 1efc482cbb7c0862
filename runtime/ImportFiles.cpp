//===- ImportFiles.cpp - Kernel sources in files -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opens files of sensible size only, and neither folders nor devices.
//
//===----------------------------------------------------------------------===//

#include "runtime/ImportFiles.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace imbrex;

static constexpr off_t kLargestSource = off_t(1) << 24; // the compiler's own bound is lower

static Error fileError(const std::string &path, const char *call) {
  Error error{ErrorKind::File, "the kernel source cannot be read"};
  error.call = call;
  error.arguments = path;
  error.driverName = std::to_string(errno);
  error.driverWords = strerror(errno);
  return error;
}

Result<std::string> imbrex::readKernelFile(const std::string &path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return fileError(path, "open");
  struct stat status;
  std::string text;
  bool known = fstat(fd, &status) == 0;
  std::string wrong = known && S_ISDIR(status.st_mode)     ? " is a directory"
                      : !known || !S_ISREG(status.st_mode) ? " is not a file"
                      : status.st_size > kLargestSource
                          ? " has " + std::to_string(status.st_size) + " bytes, too many for a kernel's source"
                          : "";
  if (!wrong.empty()) {
    close(fd);
    return Error{ErrorKind::File, "'" + path + "'" + wrong};
  }
  text.resize(size_t(status.st_size));
  ssize_t count = pread(fd, text.data(), text.size(), 0);
  Error error = fileError(path, "read");
  close(fd);
  if (count != ssize_t(text.size()))
    return error;
  return text;
}

ImportResolver imbrex::importsBeside(ImportResolver others) {
  return [others = std::move(others)](const Source &importer, std::string_view word) -> FoundText {
    std::string path = besideFile(importer.name, word);
    Result<std::string> text = readKernelFile(path);
    if (text)
      return {Source{path, std::move(*text)}};
    FoundText found = others ? others(importer, word) : FoundText{};
    if (found.source)
      return found;
    Error error = text.takeError();
    std::string why = error.driverWords.empty() ? error.message : "'" + path + "': " + error.driverWords;
    return {std::nullopt, found.why.empty() ? why : why + "; " + found.why};
  };
}
