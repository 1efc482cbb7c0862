//===- Kinds.cpp - What an instruction occupies ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tables of opcodes: PTX by the ISA's chapters, machine code by what ptxas emits for sm_80 to sm_120.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/Kinds.h"
#include "dialects/layout/Warp.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Regex.h"

using namespace imbrex::score;
using imbrex::layout::kWarpThreads;
using llvm::StringRef;

StringRef imbrex::score::name(Kind kind) {
  static constexpr StringRef kNames[kKinds] = {
      "tensor",  "ldmatrix", "shared",  "global",  "copy",      "function", "mul",  "fma",    "add",   "max/min",
      "convert", "select",   "shuffle", "integer", "integer64", "move",     "sync", "branch", "local", "other"};
  return kNames[unsigned(kind)];
}

static bool isFloat(const Instruction &i) {
  static constexpr StringRef kFloats[] = {"f16", "f16x2", "bf16", "bf16x2", "f32", "f32x2", "f64"};
  return llvm::any_of(kFloats, [&](StringRef type) { return i.hasModifier(type); });
}

static bool is64(const Instruction &i) {
  return i.hasModifier("s64") || i.hasModifier("u64") || i.hasModifier("b64") || i.hasModifier("wide");
}

/// Kinds that the opcode alone decides.
static std::optional<Kind> plainPtxKind(StringRef base) {
  return llvm::StringSwitch<std::optional<Kind>>(base)
      .Cases({"mma", "wmma"}, Kind::Tensor)
      .Case("ldmatrix", Kind::Ldmatrix)
      .Cases({"stmatrix", "mapa"}, Kind::Shared)
      .Cases({"ex2", "lg2", "rcp", "rsqrt", "sqrt"}, Kind::Function)
      .Cases({"tanh", "sin", "cos", "div"}, Kind::Function)
      .Cases({"selp", "slct", "copysign", "testp"}, Kind::Select)
      .Case("shfl", Kind::Shuffle)
      .Cases({"mov", "cvta", "setmaxnreg"}, Kind::Move)
      .Cases({"bar", "barrier", "mbarrier", "fence", "membar"}, Kind::Sync)
      .Cases({"nanosleep", "griddepcontrol", "activemask"}, Kind::Sync)
      .Cases({"bra", "brx", "ret", "exit", "call", "trap"}, Kind::Branch)
      .Default(std::nullopt);
}

static Kind memoryKind(const Instruction &i) {
  StringRef opcode = i.opcode;
  if (i.hasModifier("param"))
    return Kind::Move;
  if (i.hasModifier("local"))
    return Kind::Local;
  return opcode.contains(".shared") ? Kind::Shared : Kind::Global;
}

static Kind ptxKind(const Instruction &i) {
  StringRef base = i.base(), opcode = i.opcode;
  if (std::optional<Kind> kind = plainPtxKind(base))
    return *kind;
  if (base == "wgmma")
    return i.hasModifier("mma_async") ? Kind::Tensor : Kind::Sync;
  if (base == "cp")
    return opcode.contains("commit") || opcode.contains("wait") || opcode.contains("mbarrier.arrive") ? Kind::Sync
                                                                                                      : Kind::Copy;
  if (base == "ld" || base == "st" || base == "atom" || base == "red" || base == "ldu")
    return memoryKind(i);
  bool real = isFloat(i);
  Kind integer = is64(i) ? Kind::Integer64 : Kind::Integer;
  return llvm::StringSwitch<Kind>(base)
      .Case("mul", real ? Kind::Mul : integer)
      .Case("fma", Kind::Fma)
      .Case("mad", real ? Kind::Fma : integer)
      .Cases({"add", "sub"}, real ? Kind::Add : integer)
      .Cases({"max", "min"}, real ? Kind::MaxMin : integer)
      .Cases({"abs", "neg"}, real ? Kind::Mul : integer)
      .Cases({"setp", "set"}, real ? Kind::Select : integer)
      .Cases({"and", "or", "xor", "not", "lop3"}, i.hasModifier("pred") ? Kind::Select : integer)
      .Cases({"shl", "shr", "shf", "bfe", "bfi"}, integer)
      .Cases({"bfind", "brev", "clz", "popc", "bmsk"}, integer)
      .Cases({"rem", "vote", "redux", "elect", "match"}, integer)
      .Case("cvt", real ? Kind::Convert : integer)
      .Case("prmt", Kind::Convert)
      .Default(Kind::Other);
}

static const llvm::StringMap<Kind> &machineKinds() {
  static const llvm::StringMap<Kind> kinds = [] {
    llvm::StringMap<Kind> map;
    auto add = [&](Kind kind, std::initializer_list<StringRef> opcodes) {
      for (StringRef opcode : opcodes)
        map[opcode] = kind;
    };
    add(Kind::Tensor, {"HGMMA", "QGMMA", "IGMMA", "BGMMA", "HMMA", "IMMA", "QMMA", "OMMA", "DMMA", "BMMA"});
    add(Kind::Ldmatrix, {"LDSM"});
    add(Kind::Shared, {"LDS", "STS", "STSM", "ATOMS"});
    add(Kind::Global, {"LDG", "STG", "LD", "ST", "ATOM", "ATOMG", "RED", "REDG", "UTMASTG"});
    add(Kind::Copy, {"LDGSTS", "UTMALDG", "UBLKCP"});
    add(Kind::Function, {"MUFU"});
    add(Kind::Mul, {"FMUL", "FMUL2", "DMUL", "HMUL2"});
    add(Kind::Fma, {"FFMA", "FFMA2", "DFMA", "HFMA2"});
    add(Kind::Add, {"FADD", "FADD2", "DADD"});
    add(Kind::MaxMin, {"FMNMX", "FMNMX3", "HMNMX2"});
    add(Kind::Convert, {"F2FP", "F2F", "F2I", "I2F", "PRMT", "HADD2", "I2FP", "FRND"});
    add(Kind::Select, {"FSEL", "SEL", "FSETP", "FSET", "PLOP3", "DSETP", "HSETP2", "FCHK"});
    add(Kind::Shuffle, {"SHFL"});
    add(Kind::Move, {"MOV", "UMOV", "CS2R", "S2R", "S2UR", "R2UR", "LDC", "LDCU", "ULDC", "USETMAXREG"});
    add(Kind::Sync, {"BAR", "DEPBAR", "LDGDEPBAR", "WARPSYNC", "SYNCS", "WARPGROUP", "BSSY", "BSYNC", "ARRIVES",
                     "NANOSLEEP", "MEMBAR", "FENCE", "ERRBAR", "BMOV", "UCGABAR_ARV", "UCGABAR_WAIT", "ACQBULK"});
    add(Kind::Branch, {"BRA", "CALL", "EXIT", "RET", "JMP", "BRX", "JMX"});
    add(Kind::Local, {"LDL", "STL"});
    add(Kind::Integer, {"IADD3", "IMAD",  "LEA",   "SHF",       "LOP3",   "ISETP",  "UIADD3", "UISETP", "USEL",
                        "USHF",  "ULEA",  "ULOP3", "UIMAD",     "IMNMX",  "VIADD",  "IADD",   "IABS",   "USGXT",
                        "SGXT",  "P2R",   "R2P",   "VIADDMNMX", "VIMNMX", "UPLOP3", "UP2UR",  "UR2UP",  "REDUX",
                        "VOTE",  "VOTEU", "ELECT", "POPC",      "FLO",    "BREV",   "BMSK",   "UFLO",   "UPOPC"});
    add(Kind::Integer64, {"IADD64", "ISETP64", "LEA64", "IMAD64"});
    add(Kind::Other, {"NOP"});
    return map;
  }();
  return kinds;
}

static Kind machineKind(const Instruction &i) {
  auto it = machineKinds().find(i.base());
  if (it == machineKinds().end())
    return Kind::Other;
  if (it->second != Kind::Integer)
    return it->second;
  if (i.base() == "IMAD" && i.hasModifier("MOV"))
    return Kind::Move;
  bool wide = i.hasModifier("WIDE") || i.hasModifier("X") || i.hasModifier("EX") || i.hasModifier("64");
  return wide ? Kind::Integer64 : Kind::Integer;
}

Kind imbrex::score::kindOf(Language language, const Instruction &instruction) {
  return language == Language::Ptx ? ptxKind(instruction) : machineKind(instruction);
}

/// 2 M N K of "m16n8k16", "64x128x16" or "16816"; 0 if the opcode has no such shape.
static int64_t productFlops(StringRef opcode) {
  static const llvm::Regex kPtx("\\.m([0-9]+)n([0-9]+)k([0-9]+)"), kGroup("\\.([0-9]+)x([0-9]+)x([0-9]+)");
  llvm::SmallVector<StringRef> parts;
  int64_t m = 0, n = 0, k = 0;
  if (kPtx.match(opcode, &parts) || kGroup.match(opcode, &parts)) {
    parts[1].getAsInteger(10, m), parts[2].getAsInteger(10, n), parts[3].getAsInteger(10, k);
    return 2 * m * n * k;
  }
  for (StringRef part : llvm::split(opcode, '.'))
    if (int64_t flops = llvm::StringSwitch<int64_t>(part)
                            .Case("16864", 2 * 16 * 8 * 64)
                            .Case("16832", 2 * 16 * 8 * 32)
                            .Case("16816", 2 * 16 * 8 * 16)
                            .Case("1688", 2 * 16 * 8 * 8)
                            .Case("1684", 2 * 16 * 8 * 4)
                            .Case("884", 2 * 8 * 8 * 4)
                            .Default(0))
      return flops;
  return opcode.starts_with("DMMA") ? 2 * 8 * 8 * 4 : 0;
}

int64_t imbrex::score::flops(Language language, const Instruction &i) {
  Kind kind = kindOf(language, i);
  if (kind == Kind::Tensor)
    return productFlops(i.opcode);
  if (kind != Kind::Fma)
    return 0;
  bool pair = i.base() == "HFMA2" || i.base() == "FFMA2" || i.hasModifier("f16x2") || i.hasModifier("bf16x2") ||
              i.hasModifier("f32x2");
  return 2 * kWarpThreads * (pair ? 2 : 1);
}

double imbrex::score::tensorWork(Language language, const Instruction &i) {
  auto hasAnyOf = [&](std::initializer_list<StringRef> words) {
    return llvm::any_of(words, [&](StringRef word) { return i.hasModifier(word); });
  };
  static constexpr StringRef kByteProducts[] = {"QGMMA", "IGMMA", "QMMA", "IMMA"};
  const bool isOfBytes =
      llvm::is_contained(kByteProducts, StringRef(i.base())) || hasAnyOf({"e4m3", "e5m2", "s8", "u8"});
  const bool isOfTf32 = hasAnyOf({"tf32", "TF32"});
  return double(flops(language, i)) * (isOfTf32 ? 2 : isOfBytes ? 0.5 : 1);
}

double imbrex::score::warpgroupCycles(Language language, const Instruction &i) {
  constexpr double kRate = 4096;
  return tensorWork(language, i) / kRate;
}

double imbrex::score::warpgroupSharedCycles(Language language, const Instruction &i) {
  static const llvm::Regex kPtx("\\.m64n([0-9]+)k"), kMachine("\\.64x([0-9]+)x");
  constexpr double kRowBytes = 32, kRows = 64;
  llvm::SmallVector<StringRef> parts;
  double columns = 0;
  if (!(language == Language::Ptx ? kPtx : kMachine).match(i.opcode, &parts) || parts[1].getAsDouble(columns))
    return 0;
  const StringRef operands = i.operands;
  // "{sums}, {left}, right" and "R24, R84, gdesc[UR4], R24" have the left factor in registers.
  bool inRegisters =
      language == Language::Ptx ? operands.count('{') > 1 : operands.split(',').second.trim().starts_with("R");
  return (columns + (inRegisters ? 0 : kRows)) * kRowBytes / kSharedBytes;
}

/// Bits of each lane's access.
static int64_t accessBits(Language language, const Instruction &i) {
  if (language == Language::Sass) {
    for (auto [word, bits] :
         {std::pair<StringRef, int64_t>{"128", 128}, {"64", 64}, {"U16", 16}, {"U8", 8}, {"S16", 16}, {"S8", 8}})
      if (i.hasModifier(word))
        return bits;
    return 32;
  }
  int64_t bits = 32, lanes = 1;
  for (StringRef part : llvm::split(StringRef(i.opcode), '.')) {
    int64_t number;
    if (part.size() >= 2 && StringRef("bfsu").contains(part[0]) && !part.drop_front().getAsInteger(10, number))
      bits = number;
    if (part.size() == 2 && part[0] == 'v' && !part.drop_front().getAsInteger(10, number))
      lanes = number;
  }
  return bits * lanes;
}

int64_t imbrex::score::bytesMoved(Language language, const Instruction &i) {
  constexpr int64_t kMatrixBytes = 8 * 8 * 2;
  if (i.predicate == "@!PT") // never executed: ptxas pads with it
    return 0;
  switch (kindOf(language, i)) {
  case Kind::Ldmatrix:
    for (auto [word, count] : {std::pair<StringRef, int64_t>{"x4", 4}, {"4", 4}, {"x2", 2}, {"2", 2}})
      if (i.hasModifier(word))
        return count * kMatrixBytes;
    return kMatrixBytes;
  case Kind::Copy: {
    if (language == Language::Sass)
      return i.base() == "LDGSTS" ? accessBits(language, i) / 8 * kWarpThreads : 0;
    llvm::SmallVector<StringRef> operands;
    StringRef(i.operands).split(operands, ',');
    int64_t bytes;
    bool known = i.hasModifier("async") && !i.hasModifier("bulk") && operands.size() >= 3 &&
                 !operands[2].trim().getAsInteger(10, bytes);
    return known ? bytes * kWarpThreads : 0;
  }
  case Kind::Shared:
  case Kind::Global:
    return accessBits(language, i) / 8 * kWarpThreads;
  default:
    return 0;
  }
}
