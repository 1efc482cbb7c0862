//===- ShippedKernels.h - The kernels of this folder, as text ---*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The texts of kernels/, inside the library, so that a program needs no file:
//
//   runtime.loadSource(*imbrex::shippedKernel("attention_forward.tile"))
//
// Thread-safe. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_KERNELS_SHIPPEDKERNELS_H
#define IMBREX_KERNELS_SHIPPEDKERNELS_H

#include "compiler/Diagnostics.h"
#include <optional>

namespace imbrex {

/// Their names, as their files are called below kernels/: "attention_forward.tile", "lessons/matmul.tile". In order.
std::vector<std::string_view> shippedKernels();
/// The text of one of them, with those that it imports; nullopt if there is none of that name.
std::optional<Source> shippedKernel(std::string_view name);
/// An ImportResolver: finds these texts, beside one of them or by their names.
FoundText shippedImport(const Source &importer, std::string_view word);

} // namespace imbrex

#endif // IMBREX_KERNELS_SHIPPEDKERNELS_H
