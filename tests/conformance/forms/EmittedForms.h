//===- EmittedForms.h - The forms that the compiler emits ----- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles the shipped kernels, the lessons and random programs and collects the forms (tests/recorded/Form.h)
// of their PTX.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_CONFORMANCE_FORMS_EMITTEDFORMS_H
#define IMBREX_TESTS_CONFORMANCE_FORMS_EMITTEDFORMS_H

#include "compiler/CompileOptions.h"
#include "compiler/Diagnostics.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace imbrex::test {

struct Emitted {
  std::string target; ///< the first that it was emitted for
  std::string origin; ///< the kernel and settings that showed it there
};
using EmittedForms = std::map<std::string, Emitted>; ///< by the form's text

struct Specialisation {
  std::string file; ///< of the source tree
  CompileOptions options;
  std::string describe() const;
};

/// Types, head sizes, masks, scores, storages, tilings, alignments and targets of the kernels, in a fixed order.
std::vector<Specialisation> shippedSpecialisations();

/// Adds the forms of a specialisation or of the random program of a seed. "" or what went wrong. A tiling that
/// the target has too little shared memory for, or that takes too many operations, adds nothing.
std::string addForms(EmittedForms &forms, const Specialisation &specialisation);
std::string addForms(EmittedForms &forms, uint64_t seed);

} // namespace imbrex::test

#endif // IMBREX_TESTS_CONFORMANCE_FORMS_EMITTEDFORMS_H
