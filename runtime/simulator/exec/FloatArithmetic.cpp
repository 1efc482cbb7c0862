//===- FloatArithmetic.cpp - add, mul, fma, min and max of floating point --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, floating-point and half-precision arithmetic. f32 and f64 use the machine's arithmetic,
// directed roundings its rounding mode. f16 and bf16 are computed in double, where every sum, product
// and fused product-sum of them rounds to the right 16-bit value, and are then rounded once.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Arithmetic.h"
#include "runtime/simulator/exec/Elementwise.h"
#include "runtime/simulator/exec/FloatLanes.h"
#include "runtime/simulator/exec/FloatMath.h"
#include "runtime/simulator/exec/Half.h"
#include "runtime/simulator/exec/KernelDecoder.h"

#include <cfenv>
#include <type_traits>

namespace imbrex::simulator {
namespace {

struct Add {
  template <class T> static T apply(T a, T b, uint32_t) { return a + b; }
};
struct Sub {
  template <class T> static T apply(T a, T b, uint32_t) { return a - b; }
};
struct Mul {
  template <class T> static T apply(T a, T b, uint32_t) { return a * b; }
};
struct Div {
  template <class T> static T apply(T a, T b, uint32_t) { return a / b; }
};
/// div.approx: a divisor above 2^126 gives zero, as the ISA says.
struct DivApprox {
  static float apply(float a, float b, uint32_t) {
    float magnitude = std::fabs(b);
    return magnitude > 0x1p126f && magnitude < INFINITY ? a * 0.0f : a / b;
  }
};
struct Min {
  template <class T> static T apply(T a, T b, uint32_t flags) { return minimum(a, b, flags & kNan); }
};
struct Max {
  template <class T> static T apply(T a, T b, uint32_t flags) { return maximum(a, b, flags & kNan); }
};

template <class T> T finished(T value, uint32_t flags) {
  value = canonical(value);
  if (flags & kFtz)
    value = flushed(value);
  return flags & kSat ? saturated(value) : value;
}

/// f32 and f64. Plain means that no modifier is set, the case worth vectorising.
template <class T, class Operation, bool Plain> Step float2(Warp &warp, const Instruction &i, uint32_t lanes) {
  T *d = warp.reg<T>(i.op[0]);
  const T *a = warp.reg<T>(i.op[1]), *b = warp.reg<T>(i.op[2]);
  uint32_t flags = Plain ? 0 : i.flags;
  forLanes(lanes, [&](unsigned lane) {
    T x = a[lane], y = b[lane];
    if (flags & kFtz) {
      x = flushed(x);
      y = flushed(y);
    }
    d[lane] = finished(static_cast<T>(Operation::apply(x, y, flags)), flags);
  });
  return Step::Next;
}

template <class T> Step fma3(Warp &warp, const Instruction &i, uint32_t lanes) {
  T *d = warp.reg<T>(i.op[0]);
  const T *a = warp.reg<T>(i.op[1]), *b = warp.reg<T>(i.op[2]), *c = warp.reg<T>(i.op[3]);
  if (i.flags & kFtz) {
    T x[32], y[32], z[32];
    for (unsigned lane = 0; lane < 32; ++lane) {
      x[lane] = flushed(a[lane]);
      y[lane] = flushed(b[lane]);
      z[lane] = flushed(c[lane]);
    }
    fmaLanes(d, x, y, z, lanes);
  } else {
    fmaLanes(d, a, b, c, lanes);
  }
  if (i.flags & (kFtz | kSat))
    forLanes(lanes, [&](unsigned lane) { d[lane] = finished(d[lane], i.flags); });
  return Step::Next;
}

/// Runs a handler with the machine's rounding mode set to imm.
template <Handler Inner> Step rounded(Warp &warp, const Instruction &i, uint32_t lanes) {
  int before = std::fegetround();
  std::fesetround(static_cast<int>(i.imm));
  Step step = Inner(warp, i, lanes);
  std::fesetround(before);
  return step;
}

// 16-bit formats: how to read and write one value.
struct HalfFormat {
  static double widen(uint16_t bits) { return halfToFloat(bits); }
  static uint16_t narrow(double value) {
    return static_cast<uint16_t>(encodeFloat(value, kHalf, Rounding::NearestEven));
  }
  static constexpr uint16_t kExponent = 0x7C00;
};
struct BFloatFormat {
  static double widen(uint16_t bits) { return bfloatToFloat(bits); }
  static uint16_t narrow(double value) {
    return static_cast<uint16_t>(encodeFloat(value, kBFloat, Rounding::NearestEven));
  }
  static constexpr uint16_t kExponent = 0x7F80;
};

template <class Format> double load16(uint16_t bits, uint32_t flags) {
  return Format::widen(flags & kFtz && !(bits & Format::kExponent) ? bits & 0x8000 : bits);
}

template <class Format> uint16_t store16(double value, uint32_t flags) {
  if (flags & kSat)
    value = saturated(value);
  if (flags & kRelu && value < 0)
    value = 0;
  uint16_t bits = Format::narrow(value);
  return flags & kFtz && !(bits & Format::kExponent) ? bits & 0x8000 : bits;
}

/// Lanes is 1 for a 16-bit register and 2 for a packed pair.
template <class Format, class Operation, class Register> Step half2(Warp &warp, const Instruction &i, uint32_t lanes) {
  Register *d = warp.reg<Register>(i.op[0]);
  const Register *a = warp.reg<Register>(i.op[1]), *b = warp.reg<Register>(i.op[2]);
  forLanes(lanes, [&](unsigned lane) {
    Register result = 0;
    for (unsigned shift = 0; shift < 8 * sizeof(Register); shift += 16) {
      double x = load16<Format>(static_cast<uint16_t>(a[lane] >> shift), i.flags);
      double y = load16<Format>(static_cast<uint16_t>(b[lane] >> shift), i.flags);
      result |= static_cast<Register>(Register(store16<Format>(Operation::apply(x, y, i.flags), i.flags)) << shift);
    }
    d[lane] = result;
  });
  return Step::Next;
}

/// x y + z rounded to odd: a last bit that was not exact is set, so that rounding once more, to a 16-bit
/// format, gives what one rounding of the exact sum gives. The product of two such values is exact.
double fmaToOdd(double x, double y, double z) {
  double product = x * y, sum = product + z;
  if (!std::isfinite(sum))
    return sum;
  double rest = sum - product, error = (product - (sum - rest)) + (z - rest);
  uint64_t bits = std::bit_cast<uint64_t>(sum);
  if (error == 0 || bits & 1)
    return sum;
  return std::bit_cast<double>((error > 0) == (sum > 0) ? bits + 1 : bits - 1);
}

template <class Format, class Register> Step half3(Warp &warp, const Instruction &i, uint32_t lanes) {
  Register *d = warp.reg<Register>(i.op[0]);
  const Register *a = warp.reg<Register>(i.op[1]), *b = warp.reg<Register>(i.op[2]), *c = warp.reg<Register>(i.op[3]);
  forLanes(lanes, [&](unsigned lane) {
    Register result = 0;
    for (unsigned shift = 0; shift < 8 * sizeof(Register); shift += 16) {
      double x = load16<Format>(static_cast<uint16_t>(a[lane] >> shift), i.flags);
      double y = load16<Format>(static_cast<uint16_t>(b[lane] >> shift), i.flags);
      double z = load16<Format>(static_cast<uint16_t>(c[lane] >> shift), i.flags);
      result |= static_cast<Register>(Register(store16<Format>(fmaToOdd(x, y, z), i.flags)) << shift);
    }
    d[lane] = result;
  });
  return Step::Next;
}

template <class Operation> Handler pick16(Type type) {
  switch (type) {
  case Type::F16:
    return half2<HalfFormat, Operation, uint16_t>;
  case Type::F16x2:
    return half2<HalfFormat, Operation, uint32_t>;
  case Type::BF16:
    return half2<BFloatFormat, Operation, uint16_t>;
  case Type::BF16x2:
    return half2<BFloatFormat, Operation, uint32_t>;
  default:
    return nullptr;
  }
}

Handler pickFma16(Type type) {
  switch (type) {
  case Type::F16:
    return half3<HalfFormat, uint16_t>;
  case Type::F16x2:
    return half3<HalfFormat, uint32_t>;
  case Type::BF16:
    return half3<BFloatFormat, uint16_t>;
  case Type::BF16x2:
    return half3<BFloatFormat, uint32_t>;
  default:
    return nullptr;
  }
}

template <class Operation> Handler pick2(Type type, uint32_t flags, bool directed) {
  if (type == Type::F32 && !directed)
    return flags ? float2<float, Operation, false> : float2<float, Operation, true>;
  if (type == Type::F64 && !directed)
    return float2<double, Operation, true>;
  if (type == Type::F32)
    return rounded<float2<float, Operation, false>>;
  if (type == Type::F64)
    return rounded<float2<double, Operation, true>>;
  return directed ? nullptr : pick16<Operation>(type);
}

/// neg and abs: imm is the mask to flip or keep; count 1 for abs; bytes of one value, for .ftz.
template <class Register> Step sign(Warp &warp, const Instruction &i, uint32_t lanes) {
  Register *d = warp.reg<Register>(i.op[0]);
  const Register *a = warp.reg<Register>(i.op[1]);
  Register mask = static_cast<Register>(i.imm);
  forLanes(lanes, [&](unsigned lane) {
    Register value = a[lane];
    for (unsigned shift = 0; i.flags & kFtz && shift < 8 * sizeof(Register); shift += 8 * i.bytes)
      if ((value >> shift & (i.bytes == 2 ? 0x7C00 : 0x7F800000)) == 0)
        value &= ~static_cast<Register>(((uint64_t(1) << (8 * i.bytes - 1)) - 1) << shift);
    d[lane] = i.count ? value & ~mask : value ^ mask;
  });
  return Step::Next;
}

bool decodeSign(Decoder &d, Type type, bool absolute) {
  d.out.count = absolute;
  bool packed = type == Type::F16x2 || type == Type::BF16x2;
  d.out.bytes = type == Type::F32 ? 4 : 2;
  if ((type == Type::F32 || type == Type::F16 || type == Type::F16x2) && d.take("ftz"))
    d.out.flags = kFtz;
  unsigned bits = bitsOf(type);
  d.out.imm = packed ? 0x80008000 : uint64_t(1) << (bits - 1);
  return finishUniform(d, type, 2, bits == 16 ? sign<uint16_t> : bits == 32 ? sign<uint32_t> : sign<uint64_t>);
}

/// Takes .rn, .rz, .rm or .rp; imm is the machine's name for it. True for a directed one.
bool takeDirected(Decoder &d, bool &named) {
  constexpr int kModes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
  int position = d.takeOneOf({"rn", "rz", "rm", "rp"});
  named = position >= 0;
  d.out.imm = static_cast<uint64_t>(position > 0 ? kModes[position] : FE_TONEAREST);
  return position > 0;
}

bool decodeFma(Decoder &d, Type type, bool directed) {
  if (d.take("relu")) {
    if (bitsOf(type) == 64 || type == Type::F32)
      return d.fail("modifier '.relu' is not modelled for this type");
    d.out.flags |= kRelu;
  }
  Handler handler = nullptr;
  if (type == Type::F32)
    handler = directed ? rounded<fma3<float>> : fma3<float>;
  else if (type == Type::F64)
    handler = directed ? rounded<fma3<double>> : fma3<double>;
  else if (!directed)
    handler = pickFma16(type);
  return finishUniform(d, type, 4, handler);
}

bool decodeDiv(Decoder &d, Type type, bool directed, bool named) {
  int approximation = type == Type::F32 ? d.takeOneOf({"approx", "full"}) : -1;
  if (type != Type::F32 && type != Type::F64)
    return d.fail("this type is not modelled");
  if ((approximation >= 0) == named)
    return d.fail("needs .approx, .full or a rounding");
  if (approximation == 0)
    return finishUniform(d, type, 3, float2<float, DivApprox, false>);
  return finishUniform(d, type, 3, pick2<Div>(type, d.out.flags, directed));
}

} // namespace

/// 9.7.3, mad: needs no rounding before PTX 2.0 and for sm_1x, where the device of today fuses it.
static bool isLegacyMad(Decoder &d) {
  const ptx::Module &module = d.owner().module;
  return d.source.opcode == "mad" &&
         (module.version < 20 || (module.target.starts_with("sm_1") && module.target.size() == 5));
}

bool decodeFloatOperator(Decoder &d, Operator op, Type type) {
  if (op == Operator::Neg || op == Operator::Abs)
    return decodeSign(d, type, op == Operator::Abs);
  bool named, directed = takeDirected(d, named);
  if (d.take("ftz"))
    d.out.flags |= kFtz;
  if (d.take("sat"))
    d.out.flags |= kSat;
  Type narrow = type == Type::F32 ? d.takeType() : Type::None;
  if (narrow == Type::F16 || narrow == Type::BF16)
    return decodeMixedFloat(d, op, narrow, directed);
  if (op == Operator::Mad && !named && !isLegacyMad(d))
    return d.fail("needs a rounding");
  switch (op) {
  case Operator::Add:
    return finishUniform(d, type, 3, pick2<Add>(type, d.out.flags, directed));
  case Operator::Sub:
    return finishUniform(d, type, 3, pick2<Sub>(type, d.out.flags, directed));
  case Operator::Mul:
    return finishUniform(d, type, 3, pick2<Mul>(type, d.out.flags, directed));
  case Operator::Mad:
    return decodeFma(d, type, directed);
  case Operator::Div:
    return decodeDiv(d, type, directed, named);
  case Operator::Min:
  case Operator::Max:
    if (d.take("NaN"))
      d.out.flags |= kNan;
    return finishUniform(d, type, 3,
                         op == Operator::Min ? pick2<Min>(type, d.out.flags, directed)
                                             : pick2<Max>(type, d.out.flags, directed));
  default:
    return d.fail("unknown operator");
  }
}

} // namespace imbrex::simulator
