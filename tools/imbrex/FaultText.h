//===- FaultText.h - A simulated fault as a compiler's error ----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns the simulated device's report into diagnostics with places.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_FAULTTEXT_H
#define IMBREX_TOOLS_IMBREX_FAULTTEXT_H

#include <string>

namespace imbrex::tool {

/// `report` as DriverTable::faultReport gives it, of a module whose PTX is `text` in `file`:
///
///   FILE.ptx:19: error: out of bounds in kernel 'k': ...     each PTX line that it names, with its text
///   kernel.tile:7:3: note: from here                         each source line, where `.loc` tells one
///
/// A report without places comes back as "error: ...". Ends with a line feed.
std::string renderFault(const std::string &report, const std::string &file, const std::string &text);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_FAULTTEXT_H
