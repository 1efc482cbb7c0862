//===- KernelDecoder.h - A kernel while it is decoded -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Register slots, immediates, special registers and symbols of one kernel and of the functions that it may call.
// Each body has its own registers, labels and frame in local memory. Private to the decoder.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_KERNELDECODER_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_KERNELDECODER_H

#include "runtime/simulator/exec/Decoder.h"

#include <optional>

namespace imbrex::simulator {

/// The kernel or one of its functions.
struct Body {
  const ptx::Kernel *source = nullptr;
  std::vector<uint32_t> slots;           ///< Of its registers.
  std::map<std::string, uint32_t> frame; ///< Its .local and .param variables: byte in the frame.
  uint32_t frameSlot = 0;                ///< Functions: where the frame begins. The kernel's begins at 0.
  uint32_t carrySlot = 0;                ///< Condition code CC.CF, 0 before its first use.
  uint32_t first = 0;                    ///< Index of its first instruction.
  bool isFunction() const { return source->isFunction; }
};

/// The words that a decoder asked for and did not find.
struct AskedWords {
  std::vector<std::string> modifiers, types;
};

/// "%tid.x" and the others, but those of %envreg that are always 0.
std::vector<std::string_view> specialRegisterNames();

class KernelDecoder {
public:
  KernelDecoder(const ptx::Module &module, const ptx::Kernel &kernel, Program &program);

  /// Gives the function slots for its registers. Bodies are decoded one after the other; `current` is that one.
  void addBody(const ptx::Kernel &source);
  /// The function that `name` calls, through aliases: index into Program::functions, -1 if it is none of this kernel's.
  int findFunction(const std::string &name) const;

  /// Byte offset of a fresh slot for 32 values of `bits` bits (1: one lane mask).
  uint32_t newSlot(unsigned bits);
  uint32_t slotOf(int number) const { return bodies[current].slots[static_cast<size_t>(number)]; }
  unsigned bitsOfRegister(int number) const {
    return bodies[current].source->registers[static_cast<size_t>(number)].bits;
  }
  RegisterUse registerUse(int number, bool isResult = false, bool isAddress = false) const;
  /// Place of a variable in the current body's frame.
  std::optional<uint32_t> frameOffset(const std::string &name) const;
  /// A slot that holds `value` in every lane; one for each value and width.
  uint32_t constant(uint64_t value, unsigned bits);
  std::optional<uint32_t> special(const std::string &name, unsigned bits);
  /// The value of %reserved_smem_offset_*.
  std::optional<uint32_t> reservedShared(const std::string &name) const;
  static constexpr std::string_view kReservedPrefix = "%reserved_smem_offset_";
  static constexpr uint32_t kReservedBytes = 1024;
  uint32_t reservedBegin = 0;
  /// A place for results nobody wants.
  uint32_t discard() const { return discardSlot; }

  const ptx::Module &module;
  Program &program;
  std::vector<Body> bodies; ///< The kernel, then Program::functions in order.
  size_t current = 0;
  std::map<std::string, SymbolAddress> symbols; ///< Of the module, and the kernel's parameters and shared variables.
  std::vector<uint32_t> pool;
  std::vector<RegisterUse> uses;
  std::string error;
  /// Where not null, words are noted there and operands are taken to be right (Opcodes.h).
  AskedWords *asked = nullptr;

private:
  std::map<std::pair<unsigned, uint64_t>, uint32_t> constants;
  std::map<std::pair<unsigned, Special>, uint32_t> specials;
  uint32_t discardSlot = 0;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_KERNELDECODER_H
