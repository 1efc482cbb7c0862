//===- DamageKinds.h - What can be damaged of PTX --------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One damage each: a synchronisation dropped, moved past a memory access, or made twice, a wait, a count or an address
// shifted by one.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_CONFORMANCE_MUTANTS_DAMAGEKINDS_H
#define IMBREX_TESTS_CONFORMANCE_MUTANTS_DAMAGEKINDS_H

#include "tests/conformance/mutants/DamagePrograms.h"

namespace imbrex::testing {

struct Damage {
  std::string kind;
  size_t line;
  std::function<void(Lines &)> apply;
  bool isSilent = false; ///< it waits for more than it must: nothing may come of it
  bool isOfData = false; ///< other bytes are moved in right order: only the result can show it
};

/// All of a kernel's, in the order of its lines.
std::vector<Damage> damagesOf(const Lines &lines);

} // namespace imbrex::testing

#endif // IMBREX_TESTS_CONFORMANCE_MUTANTS_DAMAGEKINDS_H
