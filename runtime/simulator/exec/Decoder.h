//===- Decoder.h - From a parsed instruction to a handler -------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an opcode family uses to decode one instruction: take modifiers, resolve operands to register
// slots, choose a handler. Whatever a family does not take is an error that names it, so nothing is
// ever silently ignored.
//
//===----------------------------------------------------------------------===//

//|
//|   bool decodeNot(Decoder &d) {          // not.b32 d, a;
//|     Type type = d.takeType();
//|     return d.operands(2) && d.write(0, type) && d.read(1, type) && d.finish(handlerFor(type));
//|   }

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_DECODER_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_DECODER_H

#include "runtime/simulator/exec/Program.h"
#include "runtime/simulator/ptx/Module.h"

#include <initializer_list>
#include <span>

namespace imbrex::simulator {

enum class Type : uint8_t {
  None,
  Pred,
  B8,
  B16,
  B32,
  B64,
  B128,
  U8,
  U16,
  U32,
  U64,
  S8,
  S16,
  S32,
  S64,
  F16,
  F16x2,
  BF16,
  BF16x2,
  TF32,
  F32,
  F64,
  U16x2,
  S16x2,
  E4M3x2,
  E5M2x2,
  E4M3,
  E5M2,
};

/// Width of a register of that type; 1 for Pred, 0 for None.
unsigned bitsOf(Type type);
bool isSigned(Type type);
bool isFloat(Type type);
bool isInteger(Type type); ///< Signed, unsigned or untyped bits, not packed.
bool isBits(Type type);    ///< B8 to B64: no number.

using ptx::Space;

/// Where the generic address space shows the other spaces; global addresses are their own.
constexpr uint64_t kSharedWindow = uint64_t(1) << 40, kLocalWindow = uint64_t(2) << 40,
                   kParamWindow = uint64_t(3) << 40;
constexpr uint64_t kWindowBytes = uint64_t(1) << 32;
/// What a pointer to the module's function number n holds: kFunctionBase + n * kFunctionStep. Nothing is stored there.
constexpr uint64_t kFunctionBase = uint64_t(5) << 40, kFunctionStep = 16;

/// An address known when a module is loaded.
struct SymbolAddress {
  Space space = Space::Global;
  uint64_t address = 0;
};

class KernelDecoder;

class Decoder {
public:
  Decoder(KernelDecoder &kernel, const ptx::Instruction &source, Instruction &out);

  const ptx::Instruction &source;
  Instruction &out;

  /// Takes the modifier if present.
  bool take(std::string_view modifier);
  /// Whether the modifier is there and not taken yet.
  bool has(std::string_view modifier);
  /// Takes the first of these that is present, and returns its position in the list; -1 if none is.
  int takeOneOf(std::initializer_list<std::string_view> modifiers);
  /// Takes the first modifier left that is a type; Type::None if none is.
  Type takeType();
  /// Takes a state space ("shared", "shared::cta" ...); Generic if none is named.
  Space takeSpace();

  bool operands(size_t least, size_t most = 0);
  size_t operandCount() const { return source.operands.size(); }
  const ptx::Operand &operand(size_t i) const { return source.operands[i]; }

  /// Each adds to the instruction's operand list, in the order of the calls.
  bool read(const ptx::Operand &operand, Type type, bool wider = false);
  bool read(size_t i, Type type, bool wider = false) { return read(operand(i), type, wider); }
  bool write(const ptx::Operand &operand, Type type, bool wider = false);
  bool write(size_t i, Type type, bool wider = false) { return write(operand(i), type, wider); }
  /// A predicate source: adds its slot and its flip (0, or ~0 for "!p").
  bool readPredicate(const ptx::Operand &operand);
  bool readPredicate(size_t i) { return readPredicate(operand(i)); }
  /// The elements of a vector operand of exactly `count` elements.
  bool readVector(size_t i, Type type, size_t count);
  bool writeVector(size_t i, Type type, size_t count);
  /// "[base+offset]": adds the base's slot; the offset goes to out.imm.
  bool address(size_t i);
  /// The same for an instruction with several addresses: adds the offset (32 bits, signed) too.
  bool addressWithOffset(size_t i);
  /// "[base, {c0, c1}]": as addressWithOffset, then the coordinates.
  bool tensorAddress(size_t i, size_t dimensions);
  /// read(), or the address of a variable in a function's frame: its slot, and out.imm to add.
  bool readValue(size_t i, Type type);
  /// Whether the operand is an address in the frame of a function or of a call: a variable of .local or .param.
  bool isLocalOperand(size_t i) const;
  /// What becomes of undefined bits (exec/Instruction.h); Rule::Compute if never called.
  void rule(Rule rule, uint16_t controls = 0) {
    out.rule = rule;
    out.controls = controls;
  }
  /// Adds any number as an operand of the handler.
  void extra(uint32_t value);
  /// Bits of a register operand, 0 if it is no register.
  unsigned width(const ptx::Operand &operand) const;
  /// The body's carry flag as an operand.
  void addCarry(bool reads, bool writes);
  /// Registers that shared memory may see an access of that many bytes.
  void noteSharedAccess(unsigned bytes);
  /// An integer immediate; false (with an error) if the operand is none.
  bool immediate(size_t i, uint64_t &value);

  /// Sets the handler; an error if it is null or a modifier was not taken.
  bool finish(Handler handler);
  bool fail(const std::string &message);
  KernelDecoder &owner() { return kernel; }

private:
  /// Position of a modifier that is not taken yet; the number of modifiers if it is not there.
  size_t find(std::string_view modifier);
  /// Adds the register's slot if its width fits.
  bool addressBase(size_t i);
  bool addRegister(const ptx::Operand &operand, Type type, bool wider, bool isResult);

  void addUse(int number, bool isResult, bool isAddress);

  KernelDecoder &kernel;
  uint64_t taken = 0; ///< Bit i: modifier i was taken.
};

/// An opcode's first word and the function that decodes it.
struct Opcode {
  std::string_view name;
  bool (*decode)(Decoder &decoder);
};

/// The families; exec/<Family>.cpp each.
std::span<const Opcode> integerOpcodes();
std::span<const Opcode> bitOpcodes();
std::span<const Opcode> compareOpcodes();
std::span<const Opcode> arithmeticOpcodes();
std::span<const Opcode> floatOpcodes();
std::span<const Opcode> convertOpcodes();
std::span<const Opcode> moveOpcodes();
std::span<const Opcode> memoryOpcodes();
std::span<const Opcode> atomicOpcodes();
std::span<const Opcode> carryOpcodes();
std::span<const Opcode> fieldOpcodes();
std::span<const Opcode> videoOpcodes();
std::span<const Opcode> scalarVideoOpcodes();
std::span<const Opcode> wmmaOpcodes();
std::span<const Opcode> controlOpcodes();
std::span<const Opcode> callOpcodes();
std::span<const Opcode> barrierOpcodes();
std::span<const Opcode> warpOpcodes();
std::span<const Opcode> matrixOpcodes();
std::span<const Opcode> copyOpcodes();
std::span<const Opcode> matrixMemoryOpcodes();
std::span<const Opcode> clusterOpcodes();
std::span<const Opcode> mbarrierOpcodes();
std::span<const Opcode> warpgroupOpcodes();
std::span<const Opcode> registerOpcodes();
std::span<const Opcode> tensorMapOpcodes();

/// Families inside an opcode's word: what follows is taken by a file of its own.
bool decodeClusterBarrier(Decoder &d); ///< barrier.cluster
bool decodeCopyArrive(Decoder &d);     ///< cp.async.mbarrier.arrive
bool decodeBulkCopy(Decoder &d);       ///< cp.async.bulk, cp.reduce.async.bulk
bool decodeProxyFence(Decoder &d);     ///< fence.proxy, fence.mbarrier_init
bool decodeStoreAsync(Decoder &d);     ///< st.async
bool decodeReduceAsync(Decoder &d);    ///< red.async

/// Decodes one kernel. `symbols` are the module's variables in global and constant memory; `shared`
/// its .shared variables. Null with `error` set ("PTX line N: ...") if anything is not modelled.
std::shared_ptr<const Program> decodeKernel(const ptx::Module &module, const ptx::Kernel &kernel,
                                            const std::map<std::string, SymbolAddress> &symbols,
                                            std::shared_ptr<const SourceText> source, std::string &error);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_DECODER_H
