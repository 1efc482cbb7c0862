//===- Disassemble.cpp - Machine code as text -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A child process with its input and output in temporary files, which go whatever happens.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/Disassemble.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using llvm::StringRef;

std::optional<std::string> imbrex::score::findNvdisasm(const std::vector<std::string> &directories) {
  for (const std::string &directory : directories) {
    llvm::SmallString<128> path(directory);
    llvm::sys::path::append(path, "nvdisasm");
    if (llvm::sys::fs::can_execute(path))
      return path.str().str();
  }
  return std::nullopt;
}

std::optional<std::string> imbrex::score::disassemble(const std::string &program, StringRef code, std::string &error) {
  constexpr unsigned kMostSeconds = 60;
  llvm::SmallString<128> input, output;
  int descriptor;
  std::error_code failed = llvm::sys::fs::createTemporaryFile("imbrex", "cubin", descriptor, input);
  if (!failed)
    failed = llvm::sys::fs::createTemporaryFile("imbrex", "sass", output);
  llvm::scope_exit remove([&] {
    for (StringRef path : {StringRef(input), StringRef(output)})
      if (!path.empty())
        (void)llvm::sys::fs::remove(path);
  });
  if (failed) {
    error = "cannot make a temporary file: " + failed.message();
    return std::nullopt;
  }
  llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << code;
  stream.close();
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(output), StringRef("")};
  int status = llvm::sys::ExecuteAndWait(program, {program, "-c", "-g", input}, std::nullopt, redirects, kMostSeconds,
                                         /*MemoryLimit=*/0, &error);
  auto text = llvm::MemoryBuffer::getFile(output);
  if (status != 0 || !text) {
    if (error.empty())
      error = program + " ended with " + std::to_string(status);
    return std::nullopt;
  }
  return (*text)->getBuffer().str();
}
