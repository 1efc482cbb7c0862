//===- Notes.h - What is worth telling and no fault -------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kinds of note with fixed names, and the set of those that a driver has told: each pair of instructions
// once.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_NOTES_H
#define IMBREX_RUNTIME_SIMULATOR_NOTES_H

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <tuple>

namespace imbrex::simulator {

struct Program;

enum class NoteKind : uint8_t {
  EqualWrites,     ///< Several threads store the same value, unordered.
  WarpSynchronous, ///< Lanes of one warp hand data on through volatile accesses without bar.warp.sync.
  UnfencedCopy,    ///< The async proxy touches what cp.async wrote, and no proxy fence follows its wait.
  WideParity,      ///< A phase parity other than 0 and 1.
  Unchecked,       ///< Something was not checked.
};

/// "equal unordered writes", "warp-synchronous volatile access", "cp.async without a proxy fence",
/// "phase parity other than 0 and 1", "not checked": fixed words.
const char *noteName(NoteKind kind);

/// Thread-safe.
class Notes {
public:
  using Listener = std::function<void(const std::string &)>;
  explicit Notes(Listener listener) : listener(std::move(listener)) {}

  /// Tells the listener, unless this kind was told of these instructions of the program, or too many were told.
  void add(const Program &program, NoteKind kind, uint32_t instruction, uint32_t other, const std::string &detail);

private:
  static constexpr size_t kMost = 100;
  Listener listener;
  std::mutex mutex;
  std::set<std::tuple<const Program *, NoteKind, uint32_t, uint32_t>> told;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_NOTES_H
