//===- KernelReport.h - What the compiler made of a kernel ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared memory, layouts and the instructions of the main loop, taken from the stages' own data structures while
// they are there. What `imbrex explain` prints, with the interface and the remarks. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_KERNELREPORT_H
#define IMBREX_COMPILER_KERNELREPORT_H

#include "compiler/DataType.h"
#include <array>
#include <string>
#include <string_view>
#include <vector>

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
  /// Units of a multiprocessor among which a loop's time is divided.
  enum class Pipe { Tensor, Functions, Arithmetic, SharedMemory, GlobalMemory, Control };
  static constexpr unsigned kPipes = 6;

  unsigned registerLimit = 0;       ///< registers that a thread can have at most
  std::vector<Buffer> buffers = {}; ///< in program order
  std::vector<Layout> layouts = {}; ///< in program order, each once; of reads, loads, products and reductions
  /// By Pipe: instructions of the loop with the most products (without any: of the longest one), as LLVM's
  /// code generator gets them; zero where there is no loop.
  std::array<unsigned, kPipes> mainLoop = {};
};

/// "tensor", "exp and other functions", ...
std::string_view name(KernelReport::Pipe pipe);

} // namespace imbrex

#endif // IMBREX_COMPILER_KERNELREPORT_H
