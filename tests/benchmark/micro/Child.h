//===- Child.h - Work in a process of its own ---------------- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs work in a child made by fork() and hands its lines to the parent as they come, so that a fault or a hang of the
// device ends the child only. The parent must not have opened a device: a context does not outlive fork().
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_BENCHMARK_MICRO_CHILD_H
#define IMBREX_TESTS_BENCHMARK_MICRO_CHILD_H

#include <functional>
#include <string>

namespace imbrex::micro {

/// How a child ended.
struct ChildEnd {
  std::string why; ///< "" if it did all its work, else "time limit", "signal 11", "exit code 3", "cannot fork"
};

/// `work` runs in the child with a function that sends one line (without "\n"), and its result is the exit code. The
/// parent calls `line` for each. A child silent for `seconds` is killed. `waiting` is called about every eight seconds
/// of silence. Returns once the child is gone.
ChildEnd runInChild(unsigned seconds, const std::function<int(const std::function<void(const std::string &)> &)> &work,
                    const std::function<void(const std::string &)> &line, const std::function<void()> &waiting);

} // namespace imbrex::micro

#endif // IMBREX_TESTS_BENCHMARK_MICRO_CHILD_H
