//===- Against.h - Two kernels beside each other ----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What differs between two explanations: settings, figures of the launch, of the hottest loop and of its model,
// instructions by line of the text, and lines of each stage. Both are the data of a page (Page.h), so that one may be
// of another version of the compiler.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_AGAINST_H
#define IMBREX_TOOLS_IMBREX_AGAINST_H

#include "tools/imbrex/CommandLine.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace imbrex::tool {

/// The data of the kernel that request.against asks for; nullopt after printing why there is none. Each word is
/// NAME=VALUE (a setting, a hook of the file, target=SM, without=PASS), another kernel text, or a page that
/// `imbrex explain --html` wrote.
std::optional<llvm::json::Object> otherData(const Request &request);

/// {"other", "facts": [{name, here, other, less}], "lines": [{line, here, other, changes}],
///  "columns": [{stage, same, added, removed}, or {stage, more_than} where too much differs]}. Adds to `here`'s columns
///  what the page shows: `fresh` and `gone`.
llvm::json::Object compare(llvm::json::Object &here, const llvm::json::Object &other, const std::string &otherName);

void printComparison(const llvm::json::Object &comparison, llvm::raw_ostream &os);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_AGAINST_H
