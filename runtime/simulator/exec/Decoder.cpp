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

KernelDecoder::KernelDecoder(const ptx::Module &parsed, const ptx::Kernel &kernel, Program &target)
    : module(parsed), program(target) {
  uint32_t alwaysTrue = newSlot(1);
  std::memset(program.registerImage.data() + alwaysTrue, 0xFF, 4);
  addBody(kernel);
  discardSlot = newSlot(128);
}

void KernelDecoder::addBody(const ptx::Kernel &source) {
  Body &body = bodies.emplace_back();
  body.source = &source;
  for (const ptx::Register &reg : source.registers) {
    body.slots.push_back(newSlot(reg.bits));
    program.registerCount += reg.bits >= 64 ? reg.bits / 32 : reg.bits > 1 ? 1 : 0;
  }
  if (source.isFunction)
    body.frameSlot = newSlot(64);
}

int KernelDecoder::findFunction(const std::string &name) const {
  auto alias = module.aliases.find(name);
  const std::string &wanted = alias == module.aliases.end() ? name : alias->second;
  for (size_t i = 1; i < bodies.size(); ++i)
    if (bodies[i].source->name == wanted)
      return static_cast<int>(i) - 1;
  return -1;
}

RegisterUse KernelDecoder::registerUse(int number, bool isResult, bool isAddress) const {
  unsigned bits = bitsOfRegister(number);
  uint8_t bytes = bits == 1 ? 0 : static_cast<uint8_t>(std::max(bits, 16u) / 8);
  return {slotOf(number), number, bytes, isResult, isAddress};
}

std::optional<uint32_t> KernelDecoder::frameOffset(const std::string &name) const {
  auto found = bodies[current].frame.find(name);
  return found == bodies[current].frame.end() ? std::nullopt : std::optional(found->second);
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

// 10.33 and on: shared memory that belongs to the system, here behind the static variables of a kernel that names it.
std::optional<uint32_t> KernelDecoder::reservedShared(const std::string &name) const {
  if (!name.starts_with(kReservedPrefix))
    return std::nullopt;
  std::string_view which = std::string_view(name).substr(kReservedPrefix.size());
  if (which == "cap")
    return kReservedBytes;
  if (which == "end")
    return reservedBegin + kReservedBytes;
  return which == "begin" || which == "0" || which == "1" ? std::optional(reservedBegin) : std::nullopt;
}

namespace {
constexpr std::pair<std::string_view, Special> kSpecials[] = {{"%tid.x", Special::TidX},
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
                                                              {"%total_smem_size", Special::TotalShared},
                                                              {"%envreg1", Special::Environment1},
                                                              {"%envreg2", Special::Environment2},
                                                              {"%clusterid.x", Special::ClusterIdX},
                                                              {"%clusterid.y", Special::ClusterIdY},
                                                              {"%clusterid.z", Special::ClusterIdZ},
                                                              {"%nclusterid.x", Special::NClusterIdX},
                                                              {"%nclusterid.y", Special::NClusterIdY},
                                                              {"%nclusterid.z", Special::NClusterIdZ},
                                                              {"%cluster_ctaid.x", Special::ClusterCtaidX},
                                                              {"%cluster_ctaid.y", Special::ClusterCtaidY},
                                                              {"%cluster_ctaid.z", Special::ClusterCtaidZ},
                                                              {"%cluster_nctaid.x", Special::ClusterNctaidX},
                                                              {"%cluster_nctaid.y", Special::ClusterNctaidY},
                                                              {"%cluster_nctaid.z", Special::ClusterNctaidZ},
                                                              {"%cluster_ctarank", Special::ClusterCtaRank},
                                                              {"%cluster_nctarank", Special::ClusterNctaRank}};

} // namespace

std::vector<std::string_view> specialRegisterNames() {
  std::vector<std::string_view> names;
  for (const auto &[name, which] : kSpecials)
    names.push_back(name);
  return names;
}

std::optional<uint32_t> KernelDecoder::special(const std::string &name, unsigned bits) {
  if (bits != 16 && bits != 32 && bits != 64)
    return std::nullopt;
  for (const auto &[known, which] : kSpecials) {
    if (known != name)
      continue;
    auto [entry, fresh] = specials.try_emplace({bits, which}, 0);
    if (fresh) {
      entry->second = newSlot(bits);
      program.specials.push_back({which, entry->second, bits / 8});
    }
    return entry->second;
  }
  if (auto offset = reservedShared(name))
    return constant(*offset, bits);
  // 10.27: what the driver says about the launch; here the first two alone say something.
  return name.starts_with("%envreg") ? std::optional(constant(0, bits)) : std::nullopt;
}

Decoder::Decoder(KernelDecoder &owner, const ptx::Instruction &parsed, Instruction &decoded)
    : source(parsed), out(decoded), kernel(owner) {
  out.firstOperand = static_cast<uint32_t>(kernel.pool.size());
  out.firstUse = static_cast<uint32_t>(kernel.uses.size());
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

size_t Decoder::find(std::string_view modifier) {
  for (size_t i = 0; i < source.modifiers.size(); ++i)
    if (!(taken >> i & 1) && source.modifiers[i] == modifier)
      return i;
  if (kernel.asked)
    kernel.asked->modifiers.emplace_back(modifier);
  return source.modifiers.size();
}

bool Decoder::has(std::string_view modifier) { return find(modifier) != source.modifiers.size(); }

bool Decoder::take(std::string_view modifier) {
  size_t i = find(modifier);
  if (i == source.modifiers.size())
    return false;
  taken |= uint64_t(1) << i;
  return true;
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
  for (const auto &[name, type] : kTypes)
    if (kernel.asked)
      kernel.asked->types.emplace_back(name);
  return Type::None;
}

Space Decoder::takeSpace() {
  static constexpr std::pair<std::string_view, Space> kSpaces[] = {
      {"global", Space::Global},      {"shared", Space::Shared},
      {"shared::cta", Space::Shared}, {"local", Space::Local},
      {"param", Space::Param},        {"param::entry", Space::Param},
      {"const", Space::Const},        {"shared::cluster", Space::SharedCluster}};
  for (const auto &[name, space] : kSpaces)
    if (take(name))
      return space;
  return Space::Generic;
}

bool Decoder::operands(size_t least, size_t most) {
  if (kernel.asked)
    return true;
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

bool Decoder::addRegister(const ptx::Operand &operand, Type type, bool wider, bool isResult) {
  if (operand.negated || !operand.selector.empty())
    return fail("register " + operand.name + " has a sign or a selector that this instruction does not take");
  unsigned bits = bitsOf(type), have = kernel.bitsOfRegister(operand.number);
  if (have != bits && !(wider && have > bits && bits > 1))
    return fail("register " + operand.name + " has " + std::to_string(have) + " bits, the instruction wants " +
                std::to_string(bits));
  extra(kernel.slotOf(operand.number));
  addUse(operand.number, isResult, false);
  return true;
}

void Decoder::addUse(int number, bool isResult, bool isAddress) {
  kernel.uses.push_back(kernel.registerUse(number, isResult, isAddress));
}

/// What a name that stands for no variable and no function is.
static std::string describeUnknown(const ptx::Module &module, const std::string &name) {
  for (const ptx::Kernel &other : module.kernels)
    if (other.name == name && !other.isFunction)
      return "'" + name + "' is a kernel: its address is for launches by the device, which are not modelled";
  return "unknown name '" + name + "'";
}

bool Decoder::read(const ptx::Operand &operand, Type type, bool wider) {
  if (kernel.asked)
    return true;
  unsigned bits = bitsOf(type);
  switch (operand.kind) {
  case ptx::Operand::Register:
    return addRegister(operand, type, wider, false);
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
    if (auto offset = kernel.frameOffset(operand.name); offset && kernel.bodies[kernel.current].frameSlot == 0) {
      extra(kernel.constant(*offset + static_cast<uint64_t>(operand.offset), bits));
      return true;
    }
    auto found = kernel.symbols.find(operand.name);
    if (found == kernel.symbols.end())
      return fail(describeUnknown(kernel.module, operand.name));
    extra(kernel.constant(found->second.address + static_cast<uint64_t>(operand.offset), bits));
    return true;
  }
  default:
    return fail("an operand has a form that this instruction does not take");
  }
}

bool Decoder::isLocalOperand(size_t i) const {
  const ptx::Operand &operand = source.operands[i];
  return operand.baseIsRegister ? kernel.bodies[kernel.current].isFunction()
                                : kernel.frameOffset(operand.name).has_value();
}

bool Decoder::readValue(size_t i, Type type) {
  auto offset = operand(i).kind == ptx::Operand::Symbol ? kernel.frameOffset(operand(i).name) : std::nullopt;
  uint32_t frame = kernel.bodies[kernel.current].frameSlot;
  if (!offset || frame == 0)
    return read(i, type);
  out.imm = *offset + static_cast<uint64_t>(operand(i).offset);
  extra(frame);
  return true;
}

bool Decoder::write(const ptx::Operand &operand, Type type, bool wider) {
  if (kernel.asked)
    return true;
  if (operand.kind == ptx::Operand::Sink) {
    extra(kernel.discard());
    return true;
  }
  if (operand.kind != ptx::Operand::Register)
    return fail("the destination must be a register");
  return addRegister(operand, type, wider, true);
}

bool Decoder::readPredicate(const ptx::Operand &operand) {
  if (kernel.asked)
    return true;
  bool immediate = operand.kind == ptx::Operand::Integer;
  if (!immediate && width(operand) != 1)
    return fail("a predicate register is expected");
  extra(immediate ? kernel.constant(operand.bits != 0, 1) : kernel.slotOf(operand.number));
  if (!immediate)
    addUse(operand.number, false, false);
  extra(operand.negated ? ~0u : 0);
  return true;
}

bool Decoder::readVector(size_t i, Type type, size_t count) {
  if (kernel.asked)
    return true;
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
  if (kernel.asked)
    return true;
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
  if (!source.operands[i].elements.empty())
    return fail("operand " + std::to_string(i + 1) + " must be an address");
  return addressBase(i);
}

bool Decoder::tensorAddress(size_t i, size_t dimensions) {
  if (kernel.asked)
    return true;
  const ptx::Operand &operand = source.operands[i];
  if (operand.elements.size() != 1 || operand.elements[0].kind != ptx::Operand::Vector ||
      operand.elements[0].elements.size() != dimensions)
    return fail("operand " + std::to_string(i + 1) + " must be a tensor map and " + std::to_string(dimensions) +
                " coordinates");
  if (!addressWithOffset(i))
    return false;
  for (const ptx::Operand &coordinate : operand.elements[0].elements)
    if (!read(coordinate, Type::B32))
      return false;
  return true;
}

bool Decoder::addressWithOffset(size_t i) {
  if (!addressBase(i))
    return false;
  extra(static_cast<uint32_t>(out.imm));
  return true;
}

bool Decoder::addressBase(size_t i) {
  if (kernel.asked)
    return true;
  const ptx::Operand &operand = source.operands[i];
  if (operand.kind != ptx::Operand::Address)
    return fail("operand " + std::to_string(i + 1) + " must be an address");
  uint64_t base = 0;
  out.imm = static_cast<uint64_t>(operand.offset);
  if (operand.baseIsRegister) {
    unsigned bits = kernel.bitsOfRegister(operand.number);
    if (bits != 32 && bits != 64)
      return fail("an address register must have 32 or 64 bits");
    addUse(operand.number, false, true);
    extra(kernel.slotOf(operand.number) | (bits == 32 ? 1 : 0)); // Slots are 64-byte aligned: bit 0 is free.
    return true;
  }
  if (auto offset = kernel.frameOffset(operand.name)) {
    out.imm += *offset;
    if (uint32_t frame = kernel.bodies[kernel.current].frameSlot) {
      extra(frame);
      return true;
    }
  } else if (!operand.name.empty()) {
    auto found = kernel.symbols.find(operand.name);
    if (found == kernel.symbols.end())
      return fail("unknown name '" + operand.name + "'");
    base = found->second.address;
  }
  extra(kernel.constant(base, 64));
  return true;
}

void Decoder::addCarry(bool reads, bool writes) {
  uint32_t &slot = kernel.bodies[kernel.current].carrySlot;
  if (slot == 0)
    slot = kernel.newSlot(1);
  extra(slot);
  if (reads)
    kernel.uses.push_back({slot, -1, 0, false, false});
  if (writes)
    kernel.uses.push_back({slot, -1, 0, true, false});
}

void Decoder::noteSharedAccess(unsigned bytes) {
  while (kernel.program.granuleLog2 > 0 && bytes < (1u << kernel.program.granuleLog2))
    --kernel.program.granuleLog2;
}

bool Decoder::immediate(size_t i, uint64_t &value) {
  if (kernel.asked)
    return true;
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
  out.useCount = static_cast<uint8_t>(kernel.uses.size() - out.firstUse);
  return kernel.uses.size() - out.firstUse < 256 || fail("names more than 255 registers");
}

} // namespace imbrex::simulator
