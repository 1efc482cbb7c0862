//===- Decoder.cpp - From a parsed instruction to a handler ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Modifiers, operands, immediates and slots. Which opcode means what is the families' business.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/KernelDecoder.h"

#include <algorithm>
#include <cstring>

namespace imbrex::simulator {

unsigned bitsOf(Type type) {
  switch (type) {
  case Type::None:
    return 0;
  case Type::Pred:
    return 1;
  case Type::B8:
  case Type::U8:
  case Type::S8:
  case Type::E4M3:
  case Type::E5M2:
    return 8;
  case Type::B16:
  case Type::U16:
  case Type::S16:
  case Type::F16:
  case Type::BF16:
  case Type::E4M3x2:
  case Type::E5M2x2:
    return 16;
  case Type::B64:
  case Type::U64:
  case Type::S64:
  case Type::F64:
    return 64;
  case Type::B128:
    return 128;
  default:
    return 32;
  }
}

bool isSigned(Type type) { return type == Type::S8 || type == Type::S16 || type == Type::S32 || type == Type::S64; }

bool isFloat(Type type) { return type == Type::F16 || type == Type::BF16 || type == Type::F32 || type == Type::F64; }

bool isInteger(Type type) { return type >= Type::B8 && type <= Type::S64 && type != Type::B128; }

bool isBits(Type type) { return type >= Type::B8 && type <= Type::B64; }

KernelDecoder::KernelDecoder(const ptx::Kernel &source, Program &target) : kernel(source), program(target) {
  uint32_t alwaysTrue = newSlot(1);
  std::memset(program.registerImage.data() + alwaysTrue, 0xFF, 4);
  // Wide registers first, so that each slot is aligned to a cache line.
  for (const ptx::Register &reg : kernel.registers) {
    slots.push_back(newSlot(reg.bits));
    program.registerCount += reg.bits >= 64 ? reg.bits / 32 : reg.bits > 1 ? 1 : 0;
  }
  discardSlot = newSlot(128);
}

uint32_t KernelDecoder::newSlot(unsigned bits) {
  uint32_t offset = static_cast<uint32_t>(program.registerImage.size());
  uint32_t bytes = bits == 1 ? 4 : 32 * std::max(bits, 16u) / 8; // Handlers see 8 bits as 16.
  if (bits != 1)
    offset = (offset + 63) / 64 * 64;
  program.registerImage.resize(offset + bytes);
  return offset;
}

uint32_t KernelDecoder::constant(uint64_t value, unsigned bits) {
  if (bits < 64 && bits > 1)
    value &= (uint64_t(1) << bits) - 1;
  auto [entry, fresh] = constants.try_emplace({bits, value}, 0);
  if (!fresh)
    return entry->second;
  entry->second = newSlot(bits);
  uint8_t *bytes = program.registerImage.data() + entry->second;
  if (bits == 1)
    std::memset(bytes, value ? 0xFF : 0, 4);
  else
    for (unsigned lane = 0; lane < 32; ++lane)
      std::memcpy(bytes + lane * bits / 8, &value, std::min(bits / 8, 8u)); // Upper half of 128 bits: 0.
  return entry->second;
}

std::optional<uint32_t> KernelDecoder::special(const std::string &name, unsigned bits) {
  static constexpr std::pair<std::string_view, Special> kNames[] = {{"%tid.x", Special::TidX},
                                                                    {"%tid.y", Special::TidY},
                                                                    {"%tid.z", Special::TidZ},
                                                                    {"%ntid.x", Special::NtidX},
                                                                    {"%ntid.y", Special::NtidY},
                                                                    {"%ntid.z", Special::NtidZ},
                                                                    {"%ctaid.x", Special::CtaidX},
                                                                    {"%ctaid.y", Special::CtaidY},
                                                                    {"%ctaid.z", Special::CtaidZ},
                                                                    {"%nctaid.x", Special::NctaidX},
                                                                    {"%nctaid.y", Special::NctaidY},
                                                                    {"%nctaid.z", Special::NctaidZ},
                                                                    {"%laneid", Special::LaneId},
                                                                    {"%warpid", Special::WarpId},
                                                                    {"%nwarpid", Special::NWarpId},
                                                                    {"%smid", Special::SmId},
                                                                    {"%nsmid", Special::NSmId},
                                                                    {"%gridid", Special::GridId},
                                                                    {"%lanemask_eq", Special::MaskEq},
                                                                    {"%lanemask_lt", Special::MaskLt},
                                                                    {"%lanemask_le", Special::MaskLe},
                                                                    {"%lanemask_gt", Special::MaskGt},
                                                                    {"%lanemask_ge", Special::MaskGe},
                                                                    {"%dynamic_smem_size", Special::DynamicShared},
                                                                    {"%total_smem_size", Special::TotalShared}};
  if (bits != 32 && bits != 64)
    return std::nullopt;
  for (const auto &[known, which] : kNames) {
    if (known != name)
      continue;
    auto [entry, fresh] = specials.try_emplace({bits, which}, 0);
    if (fresh) {
      entry->second = newSlot(bits);
      program.specials.push_back({which, entry->second, bits / 8});
    }
    return entry->second;
  }
  return std::nullopt;
}

Decoder::Decoder(KernelDecoder &owner, const ptx::Instruction &parsed, Instruction &decoded)
    : source(parsed), out(decoded), kernel(owner) {
  out.firstOperand = static_cast<uint32_t>(kernel.pool.size());
}

bool Decoder::fail(const std::string &message) {
  if (!kernel.error.empty())
    return false;
  std::string words = source.opcode;
  for (const std::string &modifier : source.modifiers)
    words += "." + modifier;
  kernel.error = "PTX line " + std::to_string(source.line) + ": '" + words + "': " + message;
  return false;
}

bool Decoder::take(std::string_view modifier) {
  for (size_t i = 0; i < source.modifiers.size(); ++i)
    if (!(taken >> i & 1) && source.modifiers[i] == modifier) {
      taken |= uint64_t(1) << i;
      return true;
    }
  return false;
}

int Decoder::takeOneOf(std::initializer_list<std::string_view> modifiers) {
  int position = 0;
  for (std::string_view modifier : modifiers) {
    if (take(modifier))
      return position;
    ++position;
  }
  return -1;
}

Type Decoder::takeType() {
  static constexpr std::pair<std::string_view, Type> kTypes[] = {
      {"pred", Type::Pred},     {"b8", Type::B8},         {"b16", Type::B16},     {"b32", Type::B32},
      {"b64", Type::B64},       {"b128", Type::B128},     {"u8", Type::U8},       {"u16", Type::U16},
      {"u32", Type::U32},       {"u64", Type::U64},       {"s8", Type::S8},       {"s16", Type::S16},
      {"s32", Type::S32},       {"s64", Type::S64},       {"f16", Type::F16},     {"f16x2", Type::F16x2},
      {"bf16", Type::BF16},     {"bf16x2", Type::BF16x2}, {"tf32", Type::TF32},   {"f32", Type::F32},
      {"f64", Type::F64},       {"u16x2", Type::U16x2},   {"s16x2", Type::S16x2}, {"e4m3x2", Type::E4M3x2},
      {"e5m2x2", Type::E5M2x2}, {"e4m3", Type::E4M3},     {"e5m2", Type::E5M2}};
  for (size_t i = 0; i < source.modifiers.size(); ++i)
    for (const auto &[name, type] : kTypes)
      if (!(taken >> i & 1) && source.modifiers[i] == name) {
        taken |= uint64_t(1) << i;
        return type;
      }
  return Type::None;
}

Space Decoder::takeSpace() {
  static constexpr std::pair<std::string_view, Space> kSpaces[] = {
      {"global", Space::Global}, {"shared", Space::Shared}, {"shared::cta", Space::Shared},
      {"local", Space::Local},   {"param", Space::Param},   {"param::entry", Space::Param},
      {"const", Space::Const}};
  for (const auto &[name, space] : kSpaces)
    if (take(name))
      return space;
  return Space::Generic;
}

bool Decoder::operands(size_t least, size_t most) {
  size_t count = operandCount();
  return (count >= least && count <= std::max(least, most)) ||
         fail("has " + std::to_string(count) + " operands, not " + std::to_string(least));
}

unsigned Decoder::width(const ptx::Operand &operand) const {
  return operand.kind == ptx::Operand::Register ? kernel.bitsOfRegister(operand.number) : 0;
}

void Decoder::extra(uint32_t value) { kernel.pool.push_back(value); }

namespace {

/// An immediate's bits in the instruction's own type.
uint64_t immediateBits(const ptx::Operand &operand, Type type) {
  uint64_t bits = operand.bits;
  if (operand.kind == ptx::Operand::Double && type != Type::F64 && bitsOf(type) == 32) {
    double wide;
    std::memcpy(&wide, &bits, sizeof(wide));
    float narrow = static_cast<float>(wide);
    bits = 0;
    std::memcpy(&bits, &narrow, sizeof(narrow));
  } else if (operand.kind == ptx::Operand::Single && bitsOf(type) == 64) {
    float narrow;
    std::memcpy(&narrow, &bits, sizeof(narrow));
    double wide = narrow;
    std::memcpy(&bits, &wide, sizeof(wide));
  }
  return bits;
}

} // namespace

bool Decoder::addRegister(const ptx::Operand &operand, Type type, bool wider) {
  unsigned bits = bitsOf(type), have = kernel.bitsOfRegister(operand.number);
  if (have != bits && !(wider && have > bits && bits > 1))
    return fail("register " + operand.name + " has " + std::to_string(have) + " bits, the instruction wants " +
                std::to_string(bits));
  extra(kernel.slotOf(operand.number));
  return true;
}

bool Decoder::read(const ptx::Operand &operand, Type type, bool wider) {
  unsigned bits = bitsOf(type);
  switch (operand.kind) {
  case ptx::Operand::Register:
    return addRegister(operand, type, wider);
  case ptx::Operand::Integer:
  case ptx::Operand::Single:
  case ptx::Operand::Double:
    if (operand.kind == ptx::Operand::Integer ? isFloat(type) : isInteger(type) && !isBits(type))
      return fail("an integer and a floating-point literal do not stand for each other");
    extra(kernel.constant(immediateBits(operand, type), std::max(bits, bits == 8 ? 16u : 1u)));
    return true;
  case ptx::Operand::Special: {
    if (operand.name == "WARP_SZ") {
      extra(kernel.constant(32, bits));
      return true;
    }
    auto slot = kernel.special(operand.name, bits);
    if (!slot)
      return fail("special register " + operand.name + " is not modelled here");
    extra(*slot);
    return true;
  }
  case ptx::Operand::Symbol: {
    auto found = kernel.symbols.find(operand.name);
    if (found == kernel.symbols.end())
      return fail("unknown name '" + operand.name + "'");
    extra(kernel.constant(found->second.address + static_cast<uint64_t>(operand.offset), bits));
    return true;
  }
  default:
    return fail("an operand has a form that this instruction does not take");
  }
}

bool Decoder::write(const ptx::Operand &operand, Type type, bool wider) {
  if (operand.kind == ptx::Operand::Sink) {
    extra(kernel.discard());
    return true;
  }
  if (operand.kind != ptx::Operand::Register)
    return fail("the destination must be a register");
  return addRegister(operand, type, wider);
}

bool Decoder::readPredicate(const ptx::Operand &operand) {
  bool immediate = operand.kind == ptx::Operand::Integer;
  if (!immediate && width(operand) != 1)
    return fail("a predicate register is expected");
  extra(immediate ? kernel.constant(operand.bits != 0, 1) : kernel.slotOf(operand.number));
  extra(operand.negated ? ~0u : 0);
  return true;
}

bool Decoder::readVector(size_t i, Type type, size_t count) {
  if (count == 1 && operand(i).kind != ptx::Operand::Vector)
    return read(i, type);
  if (operand(i).kind != ptx::Operand::Vector || operand(i).elements.size() != count)
    return fail("operand " + std::to_string(i + 1) + " must have " + std::to_string(count) + " elements");
  for (const ptx::Operand &element : operand(i).elements)
    if (!read(element, type))
      return false;
  return true;
}

bool Decoder::writeVector(size_t i, Type type, size_t count) {
  if (count == 1 && operand(i).kind != ptx::Operand::Vector)
    return write(i, type);
  if (operand(i).kind != ptx::Operand::Vector || operand(i).elements.size() != count)
    return fail("operand " + std::to_string(i + 1) + " must have " + std::to_string(count) + " elements");
  for (const ptx::Operand &element : operand(i).elements)
    if (!write(element, type))
      return false;
  return true;
}

bool Decoder::address(size_t i) {
  const ptx::Operand &operand = source.operands[i];
  if (operand.kind != ptx::Operand::Address || !operand.elements.empty())
    return fail("operand " + std::to_string(i + 1) + " must be an address");
  uint64_t base = 0;
  out.imm = static_cast<uint64_t>(operand.offset);
  if (operand.baseIsRegister) {
    unsigned bits = kernel.bitsOfRegister(operand.number);
    if (bits != 32 && bits != 64)
      return fail("an address register must have 32 or 64 bits");
    extra(kernel.slotOf(operand.number) | (bits == 32 ? 1 : 0)); // Slots are 64-byte aligned: bit 0 is free.
    return true;
  }
  if (!operand.name.empty()) {
    auto found = kernel.symbols.find(operand.name);
    if (found == kernel.symbols.end())
      return fail("unknown name '" + operand.name + "'");
    base = found->second.address;
  }
  extra(kernel.constant(base, 64));
  return true;
}

void Decoder::noteSharedAccess(unsigned bytes) {
  while (kernel.program.granuleLog2 > 0 && bytes < (1u << kernel.program.granuleLog2))
    --kernel.program.granuleLog2;
}

bool Decoder::immediate(size_t i, uint64_t &value) {
  if (operand(i).kind != ptx::Operand::Integer)
    return fail("operand " + std::to_string(i + 1) + " must be an integer literal");
  value = operand(i).bits;
  return true;
}

bool Decoder::finish(Handler handler) {
  for (size_t i = 0; i < source.modifiers.size(); ++i)
    if (!(taken >> i & 1))
      return fail("modifier '." + source.modifiers[i] + "' is not modelled for '" + source.opcode + "'");
  if (!handler)
    return fail("this combination of type and modifiers is not modelled");
  out.run = handler;
  return true;
}

} // namespace imbrex::simulator
