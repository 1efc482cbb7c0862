//===- Apart.h - That results lie on nothing else ---------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal. A launch refuses outputs that overlap its other arguments (runtime/Binding.h). Of a call of several
// launches that is not enough: what one stores, another one may read or store.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_KERNELS_ATTENTION_APART_H
#define IMBREX_KERNELS_ATTENTION_APART_H

#include "kernels/attention.h"
#include "runtime/ViewOverlap.h"
#include <array>

namespace imbrex::attention {

/// The memory of a call, by the names that its kernels have for it; it must live as long as the list.
class Apart {
public:
  void reads(std::string_view name, const View &view) { add(name, view, false); }
  void stores(std::string_view name, const View &view) { add(name, view, true); }
  /// Of sequences their storage, and what says where they lie, which is read either way.
  void reads(std::string_view name, const Tensor &tensor) { add(name, tensor, false); }
  void stores(std::string_view name, const Tensor &tensor) { add(name, tensor, true); }
  void reads(const std::vector<Argument> &captured);

  /// An Error that names both, as a launch gives it. Views that are no memory at all pass: their launch refuses them.
  Result<void> check() const;

private:
  struct Memory : NamedMemory {
    const View *view = nullptr;
    Dims strides = {};
  };
  void add(std::string_view name, const View &view, bool isStored);
  void add(std::string_view name, const Tensor &tensor, bool isStored);
  void add(std::string_view name, const Sequences &sequences, bool isStored);

  static constexpr size_t kMost = 5 * Options::kMostCaptured + 40; ///< captured sequences have five parts
  std::array<Memory, kMost> all;
  size_t count = 0;
};

} // namespace imbrex::attention

#endif // IMBREX_KERNELS_ATTENTION_APART_H
