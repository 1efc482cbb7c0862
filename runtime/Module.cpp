//===- Module.cpp - The kernels of one text -------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finding a kernel by name; without a name, the only one. A Module shares its text with its kernels.
//
//===----------------------------------------------------------------------===//

#include "runtime/RuntimeState.h"

using namespace imbrex;

std::vector<std::string> Module::kernels() const {
  std::vector<std::string> names;
  for (const std::shared_ptr<const SignaturePlan> &plan : state->kernels)
    names.push_back(plan->signature.name);
  return names;
}

Result<Kernel> Module::kernel(std::string_view name) const {
  std::shared_ptr<const SignaturePlan> found;
  for (const std::shared_ptr<const SignaturePlan> &plan : state->kernels)
    if (plan->signature.name == name || (name.empty() && state->kernels.size() == 1))
      found = plan;
  if (!found && state->kernels.empty())
    return Error{ErrorKind::Argument, state->source.name + " has no kernel"};
  if (!found)
    return Error{ErrorKind::Argument,
                 (name.empty() ? "name the kernel" : "there is no kernel '" + std::string(name) + "'") +
                     std::string(": ") + state->source.name + " has " + joinNames(kernels())};
  auto kernel = std::make_shared<KernelState>();
  kernel->module = state;
  kernel->forget();
  kernel->plan = std::move(found);
  kernel->options.kernel = kernel->plan->signature.name;
  kernel->options.target = state->runtime->target;
  return Kernel(std::move(kernel));
}
