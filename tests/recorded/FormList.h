//===- FormList.h - The list of forms ------------------------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tests/data/recorded/forms.txt: a line a form, sorted, after the first target that the form was emitted for.
//
//   sm_80   add.f32 b32, b32, b32
//   sm_100  fma.rn.f32.f16 b32, b16, b16, b32
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RECORDED_FORMLIST_H
#define IMBREX_TESTS_RECORDED_FORMLIST_H

#include <string>
#include <string_view>
#include <vector>

namespace imbrex::recorded {

struct ListedForm {
  std::string target, form;
};

std::string writeFormList(const std::vector<ListedForm> &forms);

/// In the text's order. `error` names the first line that is no form of a known target, and "" if there is none.
std::vector<ListedForm> parseFormList(std::string_view text, std::string &error);

/// Whether a device of that compute capability runs the form.
bool runsOn(const ListedForm &form, unsigned major, unsigned minor);

/// A file's bytes; false if it cannot be read.
bool readFile(const std::string &path, std::string &bytes);

} // namespace imbrex::recorded

#endif // IMBREX_TESTS_RECORDED_FORMLIST_H
