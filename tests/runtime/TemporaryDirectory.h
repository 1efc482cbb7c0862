//===- TemporaryDirectory.h - A directory of one test -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Made when the object is, private to this user, removed with all that is in it at the end.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RUNTIME_TEMPORARYDIRECTORY_H
#define IMBREX_TESTS_RUNTIME_TEMPORARYDIRECTORY_H

#include <cstdlib>
#include <filesystem>
#include <string>

namespace imbrex::testing {

class TemporaryDirectory {
public:
  TemporaryDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "imbrex-XXXXXX";
    name = mkdtemp(pattern.data());
  }
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(name, ignored);
  }
  const std::string &path() const { return name; }

private:
  std::string name;
};

} // namespace imbrex::testing

#endif // IMBREX_TESTS_RUNTIME_TEMPORARYDIRECTORY_H
