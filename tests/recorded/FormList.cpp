//===- FormList.cpp - The list of forms -----------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two words a line, with blanks between.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/FormList.h"
#include "compiler/Target.h"
#include "tests/recorded/Form.h"
#include <fstream>
#include <sstream>

using namespace imbrex;
using namespace imbrex::recorded;

static constexpr size_t kTargetWidth = 8;

std::string recorded::writeFormList(const std::vector<ListedForm> &forms) {
  std::string text;
  for (const ListedForm &listed : forms)
    text += listed.target + std::string(kTargetWidth - listed.target.size(), ' ') + listed.form + "\n";
  return text;
}

std::vector<ListedForm> recorded::parseFormList(std::string_view text, std::string &error) {
  std::vector<ListedForm> forms;
  error.clear();
  while (!text.empty() && error.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    size_t blank = std::min(line.find(' '), line.size()),
           word = std::min(line.find_first_not_of(' ', blank), line.size());
    ListedForm listed{std::string(line.substr(0, blank)), std::string(line.substr(word))};
    std::optional<Form> form = Form::parse(listed.form);
    if (!Target::parse(listed.target) || !form || form->text() != listed.form)
      error = "'" + std::string(line) + "' is no form";
    forms.push_back(std::move(listed));
  }
  return forms;
}

bool recorded::runsOn(const ListedForm &form, unsigned major, unsigned minor) {
  std::optional<Target> target = Target::parse(form.target);
  return target && target->sm <= 10 * major + minor;
}

bool recorded::readFile(const std::string &path, std::string &bytes) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  bytes = text.str();
  return file.good();
}
