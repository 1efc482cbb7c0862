//===- Assemble.h - From PTX to machine code --------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One interface over what turns PTX into machine code: the `ptxas` program (run without a shell, in a
// private temporary directory), the driver when it loads PTX, or nothing at all for a simulated device,
// which executes the PTX. An Assembler is immutable and safe to use from several threads; it reads no
// environment. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_ASSEMBLE_H
#define IMBREX_RUNTIME_ASSEMBLE_H

#include "runtime/Result.h"
#include <string_view>

namespace imbrex {

struct AssembledKernel {
  std::string machineCode; ///< empty: PTX is loaded as it is
  std::string log;         ///< the assembler's own words
  /// By the assembler's account; 0 where it gives none (the driver is asked after loading instead).
  unsigned registers = 0, sharedBytes = 0, spillStoreBytes = 0, spillLoadBytes = 0;
  /// Registers that a thread was to have at most, because fewer bytes are spilled with them than with all (`ptxas` is
  /// asked again where it spills a few); 0 where all it could have were its own choice.
  unsigned ceiling = 0;
  /// Messages C7501 to C7599: the assembler found the synchronisation of asynchronous instructions wanting
  /// and repaired it, at a price. Correct kernels have none.
  std::vector<std::string> repairs;

  unsigned spilledBytes() const { return spillStoreBytes + spillLoadBytes; }
};

class Assembler {
public:
  static Result<void> checkLevel(unsigned level);
  /// The program at `path`; asks it for its version. Temporary files live below `temporaryDirectory`.
  /// `level`: 0 to 3, its optimisation (-O3); a lower one is there to tell a fault of ptxas from one of the PTX.
  static Result<Assembler> ptxas(std::string path, std::string temporaryDirectory = "/tmp", unsigned level = 3);
  /// The first executable file `ptxas` in these directories, or nullopt.
  static std::optional<std::string> findPtxas(const std::vector<std::string> &directories);
  /// The driver compiles PTX at load; its version is the assembler's.
  static Assembler driver(int driverVersion);
  /// A simulated device executes the PTX.
  static Assembler none();

  /// Kind, version, and what else tells two assemblers apart: part of every cache key.
  const std::string &identity() const { return id; }
  /// `target` as in `.target`: "sm_90a". ErrorKind::Assemble carries the log as its report.
  /// `lineTable`: the machine code tells which line of the kernel's text each instruction came from (ptxas -lineinfo;
  /// the instructions are the same).
  Result<AssembledKernel> assemble(const std::string &ptx, std::string_view target, bool lineTable = false) const;

private:
  Result<AssembledKernel> assembleOnce(const std::string &ptx, std::string_view target, bool lineTable) const;

  std::string program; ///< empty: nothing to run
  std::string temporaryDirectory;
  unsigned level = 3;
  std::string id;
};

/// Reads registers, shared and spill bytes and C75xx messages from what `ptxas -v` printed.
void parseAssemblerLog(std::string_view log, AssembledKernel &kernel);

} // namespace imbrex

#endif // IMBREX_RUNTIME_ASSEMBLE_H
