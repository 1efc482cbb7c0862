//===- RunMode.h - What a test program was asked for --------- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The flags of end-to-end test programs, beside GoogleTest's own. Read once, by Main.cpp, before any test:
//
//   --long          whole lists where the ordinary run takes a sample
//   --device NAME   this device alone ("cuda:0", "sim:h200"), which must open; default: every device there is
//   --root DIR      where kernels/ and tests/ lie; default: the source tree that was built
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_RUNMODE_H
#define IMBREX_TESTS_SUPPORT_RUNMODE_H

#include <string>

namespace imbrex::testing {

struct RunMode {
  bool isLong = false;
  std::string device; ///< "": every device
  std::string root;   ///< no slash at its end
};

/// The mode of this process; set by Main.cpp.
RunMode &runMode();

inline bool isLongRun() { return runMode().isLong; }
/// The path of a file of the tree: inRoot("kernels/attention_forward.tile").
inline std::string inRoot(const std::string &path) { return runMode().root + "/" + path; }

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_RUNMODE_H
