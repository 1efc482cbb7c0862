//===- ShippedC.cpp - The kernels of this folder, from C ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions of imbrex_c.h that know which kernels come along.
//
//===----------------------------------------------------------------------===//

#include "kernels/ShippedKernels.h"
#include "runtime/c/Answer.h"
#include "runtime/c/Objects.h"

using namespace imbrex;
using namespace imbrex::c;

const char *imbrex_shipped_name(size_t index) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string_view> views = shippedKernels();
    return std::vector<std::string>(views.begin(), views.end());
  }();
  return index < names.size() ? names[index].c_str() : nullptr;
}

void imbrex_shipped_import(void *, const char *importer, const char *word, imbrex_found found, void *sink) {
  if (!word || !found)
    return;
  FoundText text = shippedImport({orEmpty(importer), ""}, word);
  if (text.source)
    found(sink, text.source->name.c_str(), text.source->text.data(), text.source->text.size());
}

imbrex_status imbrex_module_load_shipped(const imbrex_runtime *runtime, const char *name, imbrex_module **module,
                                         imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {name, "name"}, {module, "module"}}, [&]() -> Result<void> {
    std::optional<Source> source = shippedKernel(name);
    if (!source)
      return argumentError("no kernel '" + validText(name) +
                           "' comes with this library: imbrex_shipped_name tells which do");
    return give(module, runtime->runtime->loadSource(std::move(*source)), [&](Module made) {
      std::vector<std::string> kernels = made.kernels();
      return new imbrex_module{runtime->runtime, std::move(made), std::move(kernels)};
    });
  });
}
