//===- RunMode.h - What a test program was asked for --------- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The flags of end-to-end test programs, beside GoogleTest's own. Read once, by Main.cpp, before any test:
//
//   --long          whole lists where the ordinary run takes a sample
//   --part I/N      with --long, of each grid the I-th of N parts (from 1), which cost about the same
//   --cache DIR     compiled kernels are kept there from run to run; default: nowhere
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
  unsigned part = 1, parts = 1;
  std::string device; ///< "": every device
  std::string cache;  ///< "": none
  std::string root;   ///< no slash at its end
};

/// The mode of this process; set by Main.cpp.
RunMode &runMode();

inline bool isLongRun() { return runMode().isLong; }
/// The path of a file of the tree: inRoot("kernels/attention_forward.tile").
inline std::string inRoot(const std::string &path) { return runMode().root + "/" + path; }

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_RUNMODE_H
