//===- Page.h - An explanation as one page ----------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One HTML file that needs nothing else: style, program and data stand in it. The data is an Explanation as JSON
// (PageData.cpp); the program (page.js) draws it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_PAGE_PAGE_H
#define IMBREX_TOOLS_IMBREX_PAGE_PAGE_H

#include "tools/imbrex/Explanation.h"

namespace imbrex::tool {

/// What the page shows: toJson(Explanation), texts, the stages' columns with their links, timelines, registers.
llvm::json::Object pageData(const Explanation &explanation);

/// The page of such data, which may also hold `tuning` (TuneReport::toJson) and `against` (Against.h).
std::string pageOf(llvm::json::Object data);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_PAGE_PAGE_H
