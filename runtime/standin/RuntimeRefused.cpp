//===- RuntimeRefused.cpp - What the runtime library does not model -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the .def. All of these return an error; the one entry near them that returns a struct is here too.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/Runtime.h"

using namespace imbrex::standin;

#define IMBREX_REFUSED(name)                                                                                           \
  extern "C" [[gnu::visibility("default"), gnu::weak]] int name() { return remember(refuse(#name)); }
#include "runtime/standin/RuntimeRefused.def"

namespace {
struct ChannelDesc {
  int x, y, z, w, kind;
};
} // namespace

extern "C" [[gnu::visibility("default")]] ChannelDesc cudaCreateChannelDesc(int x, int y, int z, int w, int kind) {
  return {x, y, z, w, kind};
}
