//===- KernelReport.h - What the compiler made of a kernel ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared memory and layouts, taken from the stages' own data structures while they are there, and the static figures
// of the code. What `imbrex explain` prints, with the interface and the remarks. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_KERNELREPORT_H
#define IMBREX_COMPILER_KERNELREPORT_H

#include "compiler/DataType.h"
#include "compiler/KernelScore.h"

namespace imbrex {

struct KernelReport {
  /// A buffer in shared memory; those whose lives do not meet share bytes.
  struct Buffer {
    std::string holds; ///< the view that is copied into it; empty: it passes tiles between threads
    int64_t rows, columns;
    DataType type;
    unsigned span; ///< of the swizzle, in bytes (dialects/layout/SharedLayout.h)
    unsigned slots;
    int64_t offset, bytes; ///< in the CTA's shared memory: first byte, and bytes of all slots
  };
  /// How the results of an operation are spread over the threads.
  struct Layout {
    std::string operation; ///< "cta.dot"
    std::vector<int64_t> shape;
    DataType type;
    std::string layout; ///< as TileLayout::toString writes it
    bool operator==(const Layout &) const = default;
  };
  /// An operation whose accesses of shared memory meet a bank more often than they must.
  struct BankConflict {
    std::string operation; ///< "cta.write"
    unsigned line;         ///< of the kernel's text; 0 where it has none
    unsigned wavefronts;   ///< of one warp-wide access, beyond the fewest
    bool inLoop;           ///< again and again
  };

  unsigned registerLimit = 0;       ///< registers that a thread can have at most
  std::vector<Buffer> buffers = {}; ///< in program order
  std::vector<Layout> layouts = {}; ///< in program order, each once; of reads, loads, products and reductions
  std::vector<BankConflict> bankConflicts = {}; ///< in program order; empty: every access is free of them
  /// Of the PTX, then of machine code where it was disassembled. compile() leaves it empty: reading code takes
  /// longer than a launch can wait, so `imbrex explain` fills it.
  std::vector<score::KernelScore> scores = {};
};

} // namespace imbrex

#endif // IMBREX_COMPILER_KERNELREPORT_H
