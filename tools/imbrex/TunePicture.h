//===- TunePicture.h - A tuning run as a picture -------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Candidates by time, the fastest first, with the untuned kernel marked, and below them how many were refused and why.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_TUNEPICTURE_H
#define IMBREX_TOOLS_IMBREX_TUNEPICTURE_H

#include "runtime/Tune.h"

namespace imbrex::tool {

/// An SVG document. Its title says whether times were measured or are a model's.
std::string tunePicture(const TuneReport &report);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_TUNEPICTURE_H
