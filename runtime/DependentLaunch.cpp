//===- DependentLaunch.cpp - Kernels that may begin early -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel in PTX is ".entry NAME (parameters) directives { body }". The body begins with declarations, which may stand
// behind instructions as well.
//
//===----------------------------------------------------------------------===//

#include "runtime/DependentLaunch.h"

using namespace imbrex;

std::optional<std::string> imbrex::withDependentLaunch(std::string_view ptx, std::string_view entry) {
  const std::string head = ".entry " + std::string(entry) + "(";
  size_t begin = ptx.find(head);
  size_t body = begin == std::string_view::npos ? begin : ptx.find('{', begin);
  if (body == std::string_view::npos)
    return std::nullopt;
  std::string text(ptx.substr(0, body + 1));
  text += "\n\tgriddepcontrol.launch_dependents;\n\tgriddepcontrol.wait;";
  text += ptx.substr(body + 1);
  return text;
}
