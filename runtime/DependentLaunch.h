//===- DependentLaunch.h - Kernels that may begin early ---------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programmatic dependent launch (PTX ISA, "griddepcontrol"): a kernel that is launched with it may run while the kernel
// before it on the stream still does, and must wait for that one's end before it touches memory. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_DEPENDENTLAUNCH_H
#define IMBREX_RUNTIME_DEPENDENTLAUNCH_H

#include <optional>
#include <string>
#include <string_view>

namespace imbrex {

/// The first target that has it.
inline constexpr unsigned kDependentLaunchSm = 90;

/// `ptx` with two instructions at the beginning of the kernel `entry`: the next kernel may begin as soon as all CTAs of
/// this one have; this one waits for the end of what is before it. nullopt if the text has no body of that kernel.
std::optional<std::string> withDependentLaunch(std::string_view ptx, std::string_view entry);

} // namespace imbrex

#endif // IMBREX_RUNTIME_DEPENDENTLAUNCH_H
