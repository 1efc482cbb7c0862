//===- Target.h - What a GPU architecture can do -------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every hardware fact the compiler uses that differs by architecture: one place. All have bf16, mma.sync
// m16n8k16, ldmatrix and 16-byte cp.async, which came with sm_80. No LLVM type: public.
// Sources: CUDA C++ Programming Guide, "Compute Capabilities"; PTX ISA, target notes of each instruction.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TARGET_H
#define IMBREX_COMPILER_TARGET_H

#include "compiler/DataType.h"
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imbrex {

/// Bytes of a kernel's parameters (PTX ISA, "Kernel Function Parameters"): in any version, and from kLargeParametersPtx
/// on.
inline constexpr unsigned kParameterBytes = 4096, kLargeParameterBytes = 32764, kLargeParametersPtx = 81;

/// Shared memory that each CTA takes beside its own (CUDA C++ Programming Guide, "Shared Memory" of each architecture):
/// an SM has as much more than a CTA may have.
inline constexpr unsigned kReservedSharedBytes = 1024;

/// The version of PTX that has red of vectors.
inline constexpr unsigned kVectorAddsPtx = 81;

/// PTX that knows cvt of floats of 8 bits on all targets that have it, and their mma.
inline constexpr unsigned kF8ConversionPtx = 81, kF8ProductPtx = 84;

struct Target {
  std::string name;     ///< "sm_80", "sm_90a": also the `.target` of the PTX
  unsigned sm = 80;     ///< 10 * major + minor
  unsigned ptxVersion;  ///< 80 for PTX ISA 8.0
  unsigned sharedBytes; ///< a CTA's limit, opt-in
  unsigned warpsPerCta = 32;
  /// Memory adds bf16, and vectors of 16 bytes (PTX ISA, "red": .bf16 and .vec, these from kVectorAddsPtx on).
  bool addsVectors = false;
  /// Registers of a thread at most, and of all threads of an SM, dealt out in eights.
  unsigned registersPerThread = 255, registersPerSm = 65536;

  /// The most bytes of several elements of `type` that memory adds to at once; 0 where it adds one by one.
  unsigned memoryAddBytes(DataType type) const;

  /// The most registers that each of the CTA's `threads` can have.
  unsigned registersFor(unsigned threads) const;

  /// Multiplies by warpgroups (PTX ISA, "wgmma": sm_90a alone).
  bool hasWgmma = false;

  /// Writes fragments of products to shared memory (PTX ISA, "stmatrix").
  bool hasStmatrix() const { return sm >= 90; }

  /// Converts and multiplies floats of 8 bits (PTX ISA, "cvt" and "mma" of .e4m3 and .e5m2).
  bool hasF8() const { return sm >= 89; }

  /// Has a unit for these products. sm_90 and sm_100 know `mma` of them, but their assembler converts each fragment to
  /// f16 at each product, and adds the sums apart: more instructions and registers than if the kernel converts. sm_90a
  /// has `wgmma`.
  bool hasF8Unit() const { return sm == 89 || sm >= 120 || hasWgmma; }

  /// "sm_80", "sm_86", "sm_89", "sm_90", "sm_90a", "sm_100", "sm_100a", "sm_120", "sm_120a"; nullopt if unknown.
  static std::optional<Target> parse(std::string_view name);
  /// The best known target for a device of compute capability major.minor.
  static std::optional<Target> forDevice(unsigned major, unsigned minor);
  static std::vector<std::string_view> names();
};

} // namespace imbrex

#endif // IMBREX_COMPILER_TARGET_H
