//===- KernelReport.h - What the compiler made of a kernel ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared memory, layouts and loops, taken from the stages' own data structures while they are there, the stages' texts
// with the places that each line came from, and the static figures of the code. What `imbrex explain` prints and draws,
// with the interface and the remarks. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_KERNELREPORT_H
#define IMBREX_COMPILER_KERNELREPORT_H

#include "compiler/DataType.h"
#include "compiler/KernelScore.h"
#include "compiler/Stage.h"

namespace imbrex {

struct KernelReport {
  /// A place in one of the kernel's texts.
  struct Origin {
    unsigned text; ///< number in `texts`
    unsigned line; ///< from 1
    auto operator<=>(const Origin &) const = default;
  };
  /// The text of a stage, and where each of its lines came from.
  struct Listing {
    Stage stage;
    std::string text;
    std::vector<std::vector<Origin>> lines; ///< of each line of `text`: ascending, each once; often none or one
  };
  /// What an expression of the text is, by the operation of stage tile that begins there.
  struct TypedPlace {
    Origin origin;
    unsigned column;  ///< from 1
    std::string type; ///< "128x64 f32", "i32"
  };
  /// What an operation of stage cta does to a buffer.
  struct BufferUse {
    enum Kind : uint8_t { Write, Read, Copy, Arrival } kind; ///< Copy: one is started; Arrival: it is waited for
    unsigned position; ///< among the kernel's operations of stage cta, in program order
    unsigned line;     ///< of the kernel's text; 0 where it has none
  };
  /// A loop of stage cta. What the text says as one loop may have become several: ranges of it.
  struct LoopRange {
    unsigned line, depth;           ///< of the kernel's text; 1: in no other loop
    unsigned first, last;           ///< positions of its operations (BufferUse::position)
    std::string from, to, step;     ///< formulas over extents, the position in the grid and `where`
    std::vector<std::string> where; ///< "t0 = cdiv(Sk, 64)": what the formulas share
    bool tests;                     ///< a comparison of positions with a mask or a bound is made in it, an element each
  };
  /// A buffer in shared memory; those whose lives do not meet share bytes.
  struct Buffer {
    std::string holds; ///< the view that is copied into it, or computed on; empty: it passes tiles between threads
    int64_t rows, columns;
    DataType type;
    unsigned span; ///< of the swizzle, in bytes (dialects/layout/SharedLayout.h)
    unsigned slots;
    int64_t offset, bytes; ///< in the CTA's shared memory: first byte, and bytes of all slots
    int64_t barriers = -1; ///< byte of a queue's first barrier: one a slot of arrival, then of release; -1: none
    std::vector<BufferUse> uses = {}; ///< in program order
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
  unsigned computeWarps = 0;        ///< where warps have roles, those that compute; the others copy. 0: they have none
  unsigned computeRegisters = 0;    ///< of each of their threads, once the roles have parted
  std::vector<Buffer> buffers = {}; ///< in program order
  std::vector<Layout> layouts = {}; ///< in program order, each once; of reads, loads, products and reductions
  std::vector<BankConflict> bankConflicts = {}; ///< in program order; empty: every access is free of them
  // From here to `listings` empty unless it was asked for (Detail::explain), as are the buffers' uses.
  unsigned operations = 0;            ///< of stage cta: positions are 0 to this - 1
  std::vector<LoopRange> ranges = {}; ///< in program order
  /// Names of the texts that listings point to: the kernel's own, those it imports, its hooks' bindings.
  std::vector<std::string> texts = {};
  std::vector<Listing> listings = {}; ///< tile, cta, nvvm: those that were run; PTX carries its places itself (.loc)
  std::vector<TypedPlace> types = {}; ///< of stage tile, in program order; the last of one place is the expression's
  /// Of the PTX, then of machine code where it was disassembled. compile() leaves it empty: reading code takes
  /// longer than a launch can wait, so `imbrex explain` fills it.
  std::vector<score::KernelScore> scores = {};
};

} // namespace imbrex

#endif // IMBREX_COMPILER_KERNELREPORT_H
