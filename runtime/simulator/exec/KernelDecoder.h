//===- KernelDecoder.h - A kernel while it is decoded -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Register slots, immediates, special registers and symbols of one kernel. Private to the decoder.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_KERNELDECODER_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_KERNELDECODER_H

#include "runtime/simulator/exec/Decoder.h"

#include <optional>

namespace imbrex::simulator {

class KernelDecoder {
public:
  KernelDecoder(const ptx::Kernel &kernel, Program &program);

  /// Byte offset of a fresh slot for 32 values of `bits` bits (1: one lane mask).
  uint32_t newSlot(unsigned bits);
  uint32_t slotOf(int number) const { return slots[static_cast<size_t>(number)]; }
  unsigned bitsOfRegister(int number) const { return kernel.registers[static_cast<size_t>(number)].bits; }
  /// A slot that holds `value` in every lane; one for each value and width.
  uint32_t constant(uint64_t value, unsigned bits);
  std::optional<uint32_t> special(const std::string &name, unsigned bits);
  /// A place for results nobody wants.
  uint32_t discard() const { return discardSlot; }
  const ptx::Kernel &kernel;
  Program &program;
  std::map<std::string, SymbolAddress> symbols;
  std::vector<uint32_t> pool;
  std::string error;

private:
  std::vector<uint32_t> slots;
  std::map<std::pair<unsigned, uint64_t>, uint32_t> constants;
  std::map<std::pair<unsigned, Special>, uint32_t> specials;
  uint32_t discardSlot = 0;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_KERNELDECODER_H
