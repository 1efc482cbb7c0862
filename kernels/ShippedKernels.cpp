//===- ShippedKernels.cpp - The kernels of this folder, as text -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table is written by Embed.cmake.
//
//===----------------------------------------------------------------------===//

#include "kernels/ShippedKernels.h"

using namespace imbrex;

namespace {

struct Shipped {
  std::string_view name, text;
};

constexpr Shipped kShipped[] = {
#include "kernels/ShippedKernels.inc"
};

} // namespace

std::vector<std::string_view> imbrex::shippedKernels() {
  std::vector<std::string_view> names;
  for (const Shipped &each : kShipped)
    names.push_back(each.name);
  return names;
}

std::optional<Source> imbrex::shippedKernel(std::string_view name) {
  for (const Shipped &each : kShipped)
    if (each.name == name)
      return withImports({std::string(each.name), std::string(each.text)}, shippedImport);
  return std::nullopt;
}

FoundText imbrex::shippedImport(const Source &importer, std::string_view word) {
  for (const std::string &name : {besideFile(importer.name, word), std::string(word)})
    for (const Shipped &each : kShipped)
      if (each.name == name)
        return {Source{name, std::string(each.text)}};
  return {std::nullopt, "no kernel of that name comes with this compiler"};
}
