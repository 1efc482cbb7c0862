//===- Steps.h - What plans of attention are made of ------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to kernels/attention/. A plan is some kernels, launched one after another; each launch's arguments are made
// anew on the stack from the call.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_KERNELS_ATTENTION_STEPS_H
#define IMBREX_KERNELS_ATTENTION_STEPS_H

#include "kernels/attention.h"
#include <cassert>
#include <memory>
#include <type_traits>

namespace imbrex::attention {

/// A list of arguments without heap memory.
class ArgumentList {
public:
  void add(const Argument &argument) {
    assert(count < kMost && "options are checked when a plan is made");
    std::construct_at(data() + count++, argument);
  }
  /// Sequences must live as long as the list; a tensor that is not given adds nothing.
  void add(std::string_view name, const Tensor &tensor) {
    if (const Sequences *sequences = tensor.sequences())
      add(Argument(name, *sequences));
    else if (tensor.isGiven())
      add(Argument(name, tensor.view()));
  }
  void add(const std::vector<Argument> &captured) {
    for (const Argument &argument : captured)
      add(argument);
  }
  Arguments all() { return std::span<const Argument>(data(), count); }

private:
  static_assert(std::is_trivially_copyable_v<Argument> && std::is_trivially_destructible_v<Argument>);
  static constexpr size_t kMost = Options::kMostCaptured + 12;
  Argument *data() { return reinterpret_cast<Argument *>(bytes); }

  alignas(Argument) std::byte bytes[kMost * sizeof(Argument)];
  size_t count = 0;
};

struct PlanState {
  std::vector<Kernel> kernels; ///< in the order of their launches
  Support support;
};

/// An Error of kind Argument: "attention: " and the reason.
Error refusal(const std::string &reason);
/// A kernel of a file of this folder.
Result<Kernel> shipped(const Runtime &runtime, std::string_view file, std::string_view kernel);
/// Hooks and tuning of the options, which are checked.
Result<void> apply(Kernel &kernel, const Options &options);
/// Rotary's constants and hooks of a kernel that has them, and the arguments that those take.
void turnBy(Kernel &kernel, const Rotary &rotary);
void addRotary(ArgumentList &list, const Rotary &rotary);
/// Compiles the kernel for the arguments, and adds it with what is known of it.
Result<void> addStep(PlanState &plan, const Kernel &kernel, Arguments arguments);

/// Extents of a call, from the tensors as they are stored; a tensor that is not given, or of too low a rank, has 0.
int64_t headsOf(const Tensor &tensor);
int64_t featuresOf(const Tensor &tensor);
/// Of dense and padded ones B, of ragged and paged ones what their offsets and tables say.
int64_t sequencesOf(const Tensor &tensor);
/// The longest that a sequence can be.
int64_t longestOf(const Tensor &tensor);

/// Refuses new rows that a cache, named `name`, has no room for: a view of more rows than it has, and lengths of its
/// sequences, once they have grown by `grows` rows, that are larger.
Result<void> checkRoom(const Tensor &newRows, const char *name, const Tensor &cache, std::span<const int32_t> lengths,
                       int64_t grows);

} // namespace imbrex::attention

#endif // IMBREX_KERNELS_ATTENTION_STEPS_H
