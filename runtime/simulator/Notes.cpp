//===- Notes.cpp - What is worth telling and no fault ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The words of a note: as a fault's, on a line of its own for each place.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Notes.h"

#include "runtime/simulator/exec/Program.h"

namespace imbrex::simulator {

const char *noteName(NoteKind kind) {
  switch (kind) {
  case NoteKind::EqualWrites:
    return "equal unordered writes";
  case NoteKind::WarpSynchronous:
    return "warp-synchronous volatile access";
  case NoteKind::UnfencedCopy:
    return "cp.async without a proxy fence";
  case NoteKind::WideParity:
    return "phase parity other than 0 and 1";
  case NoteKind::Unchecked:
    return "not checked";
  }
  return "unknown note";
}

void Notes::add(const Program &program, NoteKind kind, uint32_t instruction, uint32_t other,
                const std::string &detail) {
  if (!listener)
    return;
  std::lock_guard lock(mutex);
  if (told.size() >= kMost || !told.emplace(&program, kind, instruction, other).second)
    return;
  std::string text =
      std::string("simulated device: note: ") + noteName(kind) + " in kernel '" + program.name + "': " + detail;
  if (instruction < program.code.size())
    text += "\n  at " + describeInstruction(program, instruction);
  if (other < program.code.size())
    text += "\n  and " + describeInstruction(program, other);
  listener(text);
}

} // namespace imbrex::simulator
