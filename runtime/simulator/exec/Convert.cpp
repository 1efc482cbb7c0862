//===- Convert.cpp - cvt --------------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, cvt: between all integer widths, f16, bf16, f32, f64 and tf32, every rounding, .sat,
// .ftz, .relu and .satfinite, the packed 16-bit pairs and the packed 8-bit formats. A scalar goes
// through one 64-bit intermediate: an integer, or a double, which holds every source exactly.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Elementwise.h"
#include "runtime/simulator/exec/FloatMath.h"
#include "runtime/simulator/exec/Half.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

namespace imbrex::simulator {
namespace {

// Instruction::imm of a conversion.
struct Conversion {
  Type to, from;
  uint8_t toBits, fromBits; ///< Widths of the registers, which may be wider than the types.
  Rounding rounding;
  bool toInteger; ///< .rni and the like between floats.
  uint8_t modifiers;
};
static_assert(sizeof(Conversion) <= 8);
constexpr uint8_t kSatFinite = 16;

Conversion conversionOf(const Instruction &i) {
  Conversion conversion;
  std::memcpy(&conversion, &i.imm, sizeof(conversion));
  return conversion;
}

template <class T> void loadAs(Warp &warp, uint32_t slot, unsigned bits, int64_t *out) {
  auto loop = [&](auto *from) {
    for (unsigned lane = 0; lane < 32; ++lane)
      out[lane] = static_cast<int64_t>(static_cast<T>(from[lane]));
  };
  if (bits == 16)
    loop(warp.reg<uint16_t>(slot));
  else if (bits == 32)
    loop(warp.reg<uint32_t>(slot));
  else
    loop(warp.reg<uint64_t>(slot));
}

void loadIntegers(Warp &warp, uint32_t slot, const Conversion &c, int64_t *out) {
  switch (c.from) {
  case Type::U8:
    return loadAs<uint8_t>(warp, slot, c.fromBits, out);
  case Type::S8:
    return loadAs<int8_t>(warp, slot, c.fromBits, out);
  case Type::U16:
    return loadAs<uint16_t>(warp, slot, c.fromBits, out);
  case Type::S16:
    return loadAs<int16_t>(warp, slot, c.fromBits, out);
  case Type::U32:
    return loadAs<uint32_t>(warp, slot, c.fromBits, out);
  case Type::S32:
    return loadAs<int32_t>(warp, slot, c.fromBits, out);
  default:
    return loadAs<int64_t>(warp, slot, c.fromBits, out);
  }
}

template <class T> void storeAs(Warp &warp, uint32_t slot, unsigned bits, const int64_t *values, uint32_t lanes) {
  auto loop = [&](auto *to) {
    forLanes(lanes, [&](unsigned lane) {
      to[lane] = static_cast<std::remove_reference_t<decltype(*to)>>(static_cast<T>(values[lane]));
    });
  };
  if (bits == 16)
    loop(warp.reg<uint16_t>(slot));
  else if (bits == 32)
    loop(warp.reg<uint32_t>(slot));
  else
    loop(warp.reg<uint64_t>(slot));
}

/// Truncates to the type and extends to the register.
void storeIntegers(Warp &warp, uint32_t slot, const Conversion &c, const int64_t *values, uint32_t lanes) {
  switch (c.to) {
  case Type::U8:
    return storeAs<uint8_t>(warp, slot, c.toBits, values, lanes);
  case Type::S8:
    return storeAs<int8_t>(warp, slot, c.toBits, values, lanes);
  case Type::U16:
    return storeAs<uint16_t>(warp, slot, c.toBits, values, lanes);
  case Type::S16:
    return storeAs<int16_t>(warp, slot, c.toBits, values, lanes);
  case Type::U32:
    return storeAs<uint32_t>(warp, slot, c.toBits, values, lanes);
  case Type::S32:
    return storeAs<int32_t>(warp, slot, c.toBits, values, lanes);
  default:
    return storeAs<int64_t>(warp, slot, c.toBits, values, lanes);
  }
}

/// The range of an integer type as doubles that are exact or just outside.
void limitsOf(Type type, __int128 &low, __int128 &high) {
  unsigned bits = bitsOf(type);
  __int128 one = 1;
  low = isSigned(type) ? -(one << (bits - 1)) : 0;
  high = (one << (isSigned(type) ? bits - 1 : bits)) - 1;
}

Step integerToInteger(Warp &warp, const Instruction &i, uint32_t lanes) {
  Conversion c = conversionOf(i);
  int64_t values[32];
  loadIntegers(warp, i.op[1], c, values);
  if (c.modifiers & kSat) {
    __int128 low, high;
    limitsOf(c.to, low, high);
    for (int64_t &value : values) {
      __int128 exact = c.from == Type::U64 ? __int128(static_cast<uint64_t>(value)) : __int128(value);
      value = static_cast<int64_t>(exact < low ? low : exact > high ? high : exact);
    }
  }
  storeIntegers(warp, i.op[0], c, values, lanes);
  return Step::Next;
}

void loadFloats(Warp &warp, uint32_t slot, const Conversion &c, double *out) {
  for (unsigned lane = 0; lane < 32; ++lane)
    switch (c.from) {
    case Type::F16:
      out[lane] = halfToFloat(warp.reg<uint16_t>(slot)[lane]);
      break;
    case Type::BF16:
      out[lane] = bfloatToFloat(warp.reg<uint16_t>(slot)[lane]);
      break;
    case Type::F32: {
      float value = warp.reg<float>(slot)[lane];
      out[lane] = c.modifiers & kFtz ? flushed(value) : value;
      break;
    }
    default:
      out[lane] = warp.reg<double>(slot)[lane];
      break;
    }
}

double roundToInteger(double value, Rounding rounding) {
  switch (rounding) {
  case Rounding::Zero:
    return std::trunc(value);
  case Rounding::Down:
    return std::floor(value);
  case Rounding::Up:
    return std::ceil(value);
  case Rounding::NearestAway:
    return std::round(value);
  case Rounding::NearestEven:
    return std::nearbyint(value);
  }
  return value;
}

float toSingle(double value, const Conversion &c) {
  float result = std::bit_cast<float>(encodeFloat(value, kSingle, c.rounding));
  return c.modifiers & kFtz ? flushed(result) : result;
}

void storeFloats(Warp &warp, uint32_t slot, const Conversion &c, const double *values, uint32_t lanes) {
  forLanes(lanes, [&](unsigned lane) {
    double value = values[lane];
    if (c.modifiers & kSat)
      value = saturated(value);
    if (c.modifiers & kRelu && value <= 0)
      value = 0;
    switch (c.to) {
    case Type::F16:
      warp.reg<uint16_t>(slot)[lane] = static_cast<uint16_t>(encodeFloat(value, kHalf, c.rounding));
      break;
    case Type::BF16:
      warp.reg<uint16_t>(slot)[lane] = static_cast<uint16_t>(encodeFloat(value, kBFloat, c.rounding));
      break;
    case Type::TF32:
      warp.reg<uint32_t>(slot)[lane] = encodeFloat(value, FloatFormat{8, 10}, c.rounding) << 13;
      break;
    case Type::F32:
      warp.reg<float>(slot)[lane] = toSingle(value, c);
      break;
    default:
      warp.reg<double>(slot)[lane] = canonical(value);
      break;
    }
  });
}

Step floatToFloat(Warp &warp, const Instruction &i, uint32_t lanes) {
  Conversion c = conversionOf(i);
  double values[32];
  loadFloats(warp, i.op[1], c, values);
  if (c.toInteger)
    for (double &value : values)
      value = roundToInteger(value, c.rounding);
  storeFloats(warp, i.op[0], c, values, lanes);
  return Step::Next;
}

/// What a NaN becomes: 0, or the top bit where one of the types has 64 bits as the ISA counts them.
__int128 nanAsInteger(const Conversion &c) {
  bool wide = c.from == Type::F64 || bitsOf(c.to) == 64;
  return wide ? __int128(1) << (bitsOf(c.to) - 1) : 0;
}

/// What does not fit becomes the nearest end of the range.
Step floatToInteger(Warp &warp, const Instruction &i, uint32_t lanes) {
  Conversion c = conversionOf(i);
  double values[32];
  int64_t results[32];
  loadFloats(warp, i.op[1], c, values);
  __int128 low, high;
  limitsOf(c.to, low, high);
  double least = static_cast<double>(low), most = static_cast<double>(high);
  for (unsigned lane = 0; lane < 32; ++lane) {
    double value = roundToInteger(values[lane], c.rounding);
    __int128 exact = value != value   ? nanAsInteger(c)
                     : value <= least ? low
                     : value >= most  ? high
                                      : static_cast<__int128>(value);
    results[lane] = static_cast<int64_t>(exact);
  }
  storeIntegers(warp, i.op[0], c, results, lanes);
  return Step::Next;
}

/// A 64-bit integer as a double that still rounds to the right float, f16 or bf16: bits that the double
/// cannot hold are gathered in one sticky bit.
double stickyDouble(int64_t value, bool isUnsigned) {
  bool negative = !isUnsigned && value < 0;
  uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  if (magnitude >> 53)
    magnitude = (magnitude & ~uint64_t(0xFFF)) | (magnitude & 0xFFF ? 0x800 : 0);
  double result = static_cast<double>(magnitude);
  return negative ? -result : result;
}

/// A 64-bit integer as the nearest double, or the next one in the rounding's direction.
double integerToDouble(int64_t value, bool isUnsigned, Rounding rounding) {
  bool negative = !isUnsigned && value < 0;
  uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  double result = static_cast<double>(magnitude);
  if (magnitude >> 53 != 0 && rounding != Rounding::NearestEven) {
    uint64_t unit = uint64_t(1) << (11 - std::countl_zero(magnitude)), lost = magnitude & (unit - 1);
    bool away = lost != 0 && rounding == (negative ? Rounding::Down : Rounding::Up);
    result = static_cast<double>(magnitude - lost) + (away ? static_cast<double>(unit) : 0.0);
  }
  return negative ? -result : result;
}

Step integerToFloat(Warp &warp, const Instruction &i, uint32_t lanes) {
  Conversion c = conversionOf(i);
  int64_t values[32];
  double wide[32];
  loadIntegers(warp, i.op[1], c, values);
  bool isUnsigned = c.from == Type::U64;
  for (unsigned lane = 0; lane < 32; ++lane)
    wide[lane] = c.to == Type::F64 ? integerToDouble(values[lane], isUnsigned, c.rounding)
                                   : stickyDouble(values[lane], isUnsigned);
  storeFloats(warp, i.op[0], c, wide, lanes);
  return Step::Next;
}

/// op: d, a (upper half), b (lower half). The pair every attention kernel uses, so it has its own loop.
template <bool BFloat> Step packPair(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t *d = warp.reg<uint32_t>(i.op[0]);
  const float *a = warp.reg<float>(i.op[1]), *b = warp.reg<float>(i.op[2]);
  forLanes(lanes, [&](unsigned lane) {
    float high = a[lane], low = b[lane];
    if (i.flags & kRelu) {
      high = high <= 0 ? 0 : high;
      low = low <= 0 ? 0 : low;
    }
    uint32_t upper = BFloat ? floatToBfloat(high) : floatToHalf(high);
    d[lane] = upper << 16 | (BFloat ? floatToBfloat(low) : floatToHalf(low));
  });
  return Step::Next;
}

template <bool BFloat> Step packPairTruncating(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t *d = warp.reg<uint32_t>(i.op[0]);
  const float *a = warp.reg<float>(i.op[1]), *b = warp.reg<float>(i.op[2]);
  constexpr FloatFormat kFormat = BFloat ? kBFloat : kHalf;
  forLanes(lanes, [&](unsigned lane) {
    float high = i.flags & kRelu && a[lane] <= 0 ? 0 : a[lane], low = i.flags & kRelu && b[lane] <= 0 ? 0 : b[lane];
    d[lane] = encodeFloat(high, kFormat, Rounding::Zero) << 16 | encodeFloat(low, kFormat, Rounding::Zero);
  });
  return Step::Next;
}

/// One value to an 8-bit format with .satfinite. e4m3 has bias 7 where a 5-bit exponent has 15: scaling
/// by 2^-8 makes the two encodings equal.
uint32_t encode8(float value, bool e4m3) {
  float most = e4m3 ? 448.0f : 57344.0f;
  if (value != value)
    return 0x7F;
  uint32_t sign = std::signbit(value) ? 0x80 : 0;
  float magnitude = std::fmin(std::fabs(value), most);
  return sign | (e4m3 ? encodeFloat(double(magnitude) * 0x1p-8, FloatFormat{5, 3}, Rounding::NearestEven)
                      : encodeFloat(magnitude, FloatFormat{5, 2}, Rounding::NearestEven));
}

/// op: d (16 bits), a, b.
template <bool E4M3> Step pack8(Warp &warp, const Instruction &i, uint32_t lanes) {
  forLanes(lanes, [&](unsigned lane) {
    float high = warp.reg<float>(i.op[1])[lane], low = warp.reg<float>(i.op[2])[lane];
    if (i.flags & kRelu) {
      high = high <= 0 ? 0 : high;
      low = low <= 0 ? 0 : low;
    }
    warp.reg<uint16_t>(i.op[0])[lane] = static_cast<uint16_t>(encode8(high, E4M3) << 8 | encode8(low, E4M3));
  });
  return Step::Next;
}

/// op: d (16 bits), a (f16x2).
template <bool E4M3> Step repack8(Warp &warp, const Instruction &i, uint32_t lanes) {
  forLanes(lanes, [&](unsigned lane) {
    uint32_t pair = warp.reg<uint32_t>(i.op[1])[lane];
    uint32_t bytes[2];
    for (unsigned half = 0; half < 2; ++half) {
      float value = halfToFloat(static_cast<uint16_t>(pair >> (16 * half)));
      bytes[half] = encode8(i.flags & kRelu && value <= 0 ? 0 : value, E4M3);
    }
    warp.reg<uint16_t>(i.op[0])[lane] = static_cast<uint16_t>(bytes[1] << 8 | bytes[0]);
  });
  return Step::Next;
}

/// cvt.pack (9.7.9.22): op: d, a, b, c. imm: the bits of a result; flags: whether it is signed. Both integers are
/// clamped; c's low bits go above them.
Step packIntegers(Warp &warp, const Instruction &i, uint32_t lanes) {
  unsigned bits = static_cast<unsigned>(i.imm);
  int64_t low = i.flags ? -(int64_t(1) << (bits - 1)) : 0, high = (int64_t(1) << (i.flags ? bits - 1 : bits)) - 1;
  forLanes(lanes, [&](unsigned lane) {
    uint64_t packed = bits < 16 ? uint64_t(warp.reg<uint32_t>(i.op[3])[lane]) << (2 * bits) : 0;
    for (unsigned k = 1; k <= 2; ++k) {
      int64_t value = std::clamp<int64_t>(warp.reg<int32_t>(i.op[k])[lane], low, high);
      packed |= (static_cast<uint64_t>(value) & ((uint64_t(1) << bits) - 1)) << (k == 1 ? bits : 0);
    }
    warp.reg<uint32_t>(i.op[0])[lane] = static_cast<uint32_t>(packed);
  });
  return Step::Next;
}

bool decodePack(Decoder &d) {
  int kind = d.takeOneOf({"u16", "s16", "u8", "s8", "u4", "s4", "u2", "s2"});
  bool fine = d.take("sat") && kind >= 0 && d.take("s32");
  bool hasThird = d.take("b32");
  d.out.imm = kind < 0 ? 0 : 16u >> (kind / 2);
  d.out.flags = static_cast<uint32_t>(kind & 1);
  if (!fine || hasThird != (kind >= 2) || !d.operands(hasThird ? 4 : 3))
    return d.fail("is no form of cvt.pack");
  if (!d.write(0, Type::B32) || !d.read(1, Type::S32) || !d.read(2, Type::S32))
    return false;
  return hasThird ? d.read(3, Type::B32) && d.finish(packIntegers) : (d.extra(0), d.finish(packIntegers));
}

/// op: d (f16x2), a (16 bits).
template <bool E4M3> Step unpack8(Warp &warp, const Instruction &i, uint32_t lanes) {
  auto decode = [](uint32_t code) {
    uint8_t byte = static_cast<uint8_t>(code);
    return uint32_t(floatToHalf(E4M3 ? e4m3ToFloat(byte) : e5m2ToFloat(byte)));
  };
  forLanes(lanes, [&](unsigned lane) {
    uint32_t codes = warp.reg<uint16_t>(i.op[1])[lane];
    uint32_t high = decode(codes >> 8), low = decode(codes & 255);
    warp.reg<uint32_t>(i.op[0])[lane] = high << 16 | low;
  });
  return Step::Next;
}

/// .satfinite (9.7.9, cvt): what is too large, and infinity, becomes the largest finite number; a NaN the canonical
/// one.
template <bool BFloat, Rounding Mode> Step packPairFinite(Warp &warp, const Instruction &i, uint32_t lanes) {
  constexpr FloatFormat kFormat = BFloat ? kBFloat : kHalf;
  constexpr uint32_t kInfinity = BFloat ? 0x7F80 : 0x7C00;
  auto encode = [&](float value) -> uint32_t {
    if (std::isnan(value))
      return 0x7FFF;
    if (i.flags & kRelu && value <= 0)
      return 0;
    uint32_t code = static_cast<uint32_t>(encodeFloat(value, kFormat, Mode));
    return (code & 0x7FFF) == kInfinity ? code - 1 : code;
  };
  uint32_t *d = warp.reg<uint32_t>(i.op[0]);
  const float *a = warp.reg<float>(i.op[1]), *b = warp.reg<float>(i.op[2]);
  forLanes(lanes, [&](unsigned lane) { d[lane] = encode(a[lane]) << 16 | encode(b[lane]); });
  return Step::Next;
}

/// The forms with packed results or sources, or null.
Handler packedHandler(Type to, Type from, Rounding rounding, uint8_t modifiers) {
  bool nearest = rounding == Rounding::NearestEven;
  if (from == Type::F32 && (to == Type::F16x2 || to == Type::BF16x2)) {
    bool bfloat = to == Type::BF16x2;
    if (modifiers & (kSat | kFtz) || (!nearest && rounding != Rounding::Zero))
      return nullptr;
    if (modifiers & kSatFinite)
      return bfloat ? (nearest ? packPairFinite<true, Rounding::NearestEven> : packPairFinite<true, Rounding::Zero>)
                    : (nearest ? packPairFinite<false, Rounding::NearestEven> : packPairFinite<false, Rounding::Zero>);
    if (nearest)
      return bfloat ? packPair<true> : packPair<false>;
    return bfloat ? packPairTruncating<true> : packPairTruncating<false>;
  }
  if (from == Type::F32 && nearest && modifiers & kSatFinite && (to == Type::E4M3x2 || to == Type::E5M2x2))
    return to == Type::E4M3x2 ? pack8<true> : pack8<false>;
  if (from == Type::F16x2 && nearest && modifiers & kSatFinite && (to == Type::E4M3x2 || to == Type::E5M2x2))
    return to == Type::E4M3x2 ? repack8<true> : repack8<false>;
  if (to == Type::F16x2 && nearest && !(modifiers & kRelu) && (from == Type::E4M3x2 || from == Type::E5M2x2))
    return from == Type::E4M3x2 ? unpack8<true> : unpack8<false>;
  return nullptr;
}

bool takeRounding(Decoder &d, Conversion &c) {
  int position = d.takeOneOf({"rn", "rz", "rm", "rp", "rna"});
  if (position < 0) {
    position = d.takeOneOf({"rni", "rzi", "rmi", "rpi"});
    c.toInteger = position >= 0;
  }
  c.rounding = static_cast<Rounding>(std::max(position, 0));
  return position >= 0;
}

/// PTX ISA, cvt: a float rounding where precision may be lost, an integer rounding from float to integer
/// and between floats of one size; none anywhere else.
bool roundingFits(const Conversion &c, bool hasRounding, bool fromFloat, bool toFloat) {
  if (fromFloat != toFloat)
    return hasRounding && c.toInteger == fromFloat;
  if (!fromFloat)
    return !hasRounding;
  if (c.toInteger)
    return c.to == c.from;
  bool loses = c.to == Type::TF32 || (bitsOf(c.to) <= bitsOf(c.from) && c.to != c.from);
  return hasRounding == loses;
}

bool decodeScalar(Decoder &d, Conversion &c, bool hasRounding) {
  bool fromFloat = isFloat(c.from), toFloat = isFloat(c.to) || c.to == Type::TF32;
  bool fine = (fromFloat || isInteger(c.from)) && (toFloat || isInteger(c.to)) && !(c.modifiers & kSatFinite) &&
              roundingFits(c, hasRounding, fromFloat, toFloat);
  if (c.rounding == Rounding::NearestAway)
    fine &= c.to == Type::TF32;
  if (c.to == Type::TF32)
    fine &= c.from == Type::F32;
  if (!fromFloat)
    fine &= !(c.modifiers & (kRelu | kFtz));
  if (!fine)
    return d.finish(nullptr);
  if (!d.operands(2) || !d.write(0, c.to, !toFloat) || !d.read(1, c.from, !fromFloat))
    return false;
  auto widthOf = [&](size_t operand, Type type) {
    return static_cast<uint8_t>(std::max({d.width(d.operand(operand)), bitsOf(type), 16u}));
  };
  c.toBits = widthOf(0, c.to);
  c.fromBits = widthOf(1, c.from);
  if (d.operand(1).kind == ptx::Operand::Special)
    c.fromBits = static_cast<uint8_t>(bitsOf(c.from));
  std::memcpy(&d.out.imm, &c, sizeof(c));
  if (!fromFloat && !toFloat && !(c.modifiers & kSat))
    d.rule(Rule::Move);
  return d.finish(fromFloat ? (toFloat ? floatToFloat : floatToInteger)
                            : (toFloat ? integerToFloat : integerToInteger));
}

bool decodeCvt(Decoder &d) {
  if (d.take("pack"))
    return decodePack(d);
  Conversion c{};
  bool hasRounding = takeRounding(d, c);
  c.modifiers = static_cast<uint8_t>((d.take("ftz") ? kFtz : 0) | (d.take("sat") ? kSat : 0) |
                                     (d.take("relu") ? kRelu : 0) | (d.take("satfinite") ? kSatFinite : 0));
  c.to = d.takeType();
  c.from = d.takeType();
  bool packed = c.from == Type::F16x2 || c.to == Type::F16x2 || c.to == Type::BF16x2 || c.to == Type::E4M3x2 ||
                c.to == Type::E5M2x2 || bitsOf(c.from) == 0;
  if (!packed)
    return decodeScalar(d, c, hasRounding);
  d.out.flags = c.modifiers & kRelu;
  bool pair = c.from == Type::F32;
  return d.operands(pair ? 3 : 2) && d.write(0, c.to) && d.read(1, c.from) && (!pair || d.read(2, c.from)) &&
         d.finish(hasRounding ? packedHandler(c.to, c.from, c.rounding, c.modifiers) : nullptr);
}

constexpr Opcode kOpcodes[] = {{"cvt", decodeCvt}};

} // namespace

std::span<const Opcode> convertOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
