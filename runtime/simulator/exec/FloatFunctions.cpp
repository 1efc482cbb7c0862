//===- FloatFunctions.cpp - rcp, sqrt, ex2, lg2, sin, cos, tanh and others --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, approximate and exact functions of one argument, copysign and testp. Approximations are
// computed more exactly than the ISA's stated error; .ftz flushes argument and result. Functions of
// 16-bit values are computed in float and rounded.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Elementwise.h"
#include "runtime/simulator/exec/FloatLanes.h"
#include "runtime/simulator/exec/FloatMath.h"
#include "runtime/simulator/exec/Half.h"

#include <cfenv>

namespace imbrex::simulator {
namespace {

struct Reciprocal {
  template <class T> static T apply(T a) { return T(1) / a; }
};
struct SquareRoot {
  template <class T> static T apply(T a) { return std::sqrt(a); }
};
struct ReciprocalRoot {
  static float apply(float a) { return static_cast<float>(1.0 / std::sqrt(double(a))); }
  static double apply(double a) { return 1.0 / std::sqrt(a); }
};
struct Exp2 {
  static float apply(float a) { return std::exp2(a); }
};
struct Log2 {
  static float apply(float a) { return std::log2(a); }
};
struct Sine {
  static float apply(float a) { return static_cast<float>(std::sin(double(a))); }
};
struct Cosine {
  static float apply(float a) { return static_cast<float>(std::cos(double(a))); }
};
struct Tanh {
  static float apply(float a) { return static_cast<float>(std::tanh(double(a))); }
};

template <class T, class Function> Step function1(Warp &warp, const Instruction &i, uint32_t lanes) {
  T *d = warp.reg<T>(i.op[0]);
  const T *a = warp.reg<T>(i.op[1]);
  forLanes(lanes, [&](unsigned lane) {
    T x = i.flags & kFtz ? flushed(a[lane]) : a[lane];
    T y = canonical(static_cast<T>(Function::apply(x)));
    d[lane] = i.flags & kFtz ? flushed(y) : y;
  });
  return Step::Next;
}

/// rcp.approx.ftz.f64 and rsqrt.approx.ftz.f64 keep the upper 32 bits.
template <class Function> Step upperHalf(Warp &warp, const Instruction &i, uint32_t lanes) {
  double *d = warp.reg<double>(i.op[0]);
  const double *a = warp.reg<double>(i.op[1]);
  forLanes(lanes, [&](unsigned lane) {
    uint64_t bits = std::bit_cast<uint64_t>(canonical(Function::apply(a[lane])));
    d[lane] = std::bit_cast<double>(bits & 0xFFFFFFFF00000000);
  });
  return Step::Next;
}

template <class Function, bool BFloat, class Register>
Step halfFunction(Warp &warp, const Instruction &i, uint32_t lanes) {
  Register *d = warp.reg<Register>(i.op[0]);
  const Register *a = warp.reg<Register>(i.op[1]);
  forLanes(lanes, [&](unsigned lane) {
    Register result = 0;
    for (unsigned shift = 0; shift < 8 * sizeof(Register); shift += 16) {
      uint16_t bits = static_cast<uint16_t>(a[lane] >> shift);
      float y = Function::apply(BFloat ? bfloatToFloat(bits) : halfToFloat(bits));
      uint16_t narrow = BFloat ? floatToBfloat(i.flags & kFtz ? flushed(y) : y) : floatToHalf(y);
      result |= static_cast<Register>(Register(narrow) << shift);
    }
    d[lane] = result;
  });
  return Step::Next;
}

template <class Function> Handler pickHalf(Type type) {
  switch (type) {
  case Type::F16:
    return halfFunction<Function, false, uint16_t>;
  case Type::F16x2:
    return halfFunction<Function, false, uint32_t>;
  case Type::BF16:
    return halfFunction<Function, true, uint16_t>;
  case Type::BF16x2:
    return halfFunction<Function, true, uint32_t>;
  default:
    return nullptr;
  }
}

Step exp2Single(Warp &warp, const Instruction &i, uint32_t lanes) {
  float *d = warp.reg<float>(i.op[0]);
  const float *a = warp.reg<float>(i.op[1]);
  exp2Lanes(d, a, lanes); // A flushed argument has the same result: 1.
  if (i.flags & kFtz)
    forLanes(lanes, [&](unsigned lane) { d[lane] = flushed(d[lane]); });
  return Step::Next;
}

template <Handler Inner> Step rounded(Warp &warp, const Instruction &i, uint32_t lanes) {
  int before = std::fegetround();
  std::fesetround(static_cast<int>(i.imm));
  Step step = Inner(warp, i, lanes);
  std::fesetround(before);
  return step;
}

/// rcp and sqrt: .approx, or a rounding.
template <class Function> bool decodeExact(Decoder &d) {
  constexpr int kModes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
  bool approximate = d.take("approx");
  int rounding = d.takeOneOf({"rn", "rz", "rm", "rp"});
  if (!approximate && rounding < 0)
    return d.fail("needs .approx or a rounding");
  d.out.imm = static_cast<uint64_t>(rounding > 0 ? kModes[rounding] : FE_TONEAREST);
  d.out.flags = d.take("ftz") ? kFtz : 0;
  Type type = d.takeType();
  Handler handler = nullptr;
  if (type == Type::F32)
    handler = rounding > 0 ? rounded<function1<float, Function>> : function1<float, Function>;
  else if (type == Type::F64 && approximate)
    handler = upperHalf<Function>;
  else if (type == Type::F64)
    handler = rounding > 0 ? rounded<function1<double, Function>> : function1<double, Function>;
  return finishUniform(d, type, 2, handler);
}

bool decodeRsqrt(Decoder &d) {
  bool approximate = d.take("approx");
  d.out.flags = d.take("ftz") ? kFtz : 0;
  Type type = d.takeType();
  Handler handler = type == Type::F32   ? function1<float, ReciprocalRoot>
                    : type != Type::F64 ? nullptr
                    : d.out.flags       ? upperHalf<ReciprocalRoot>
                                        : function1<double, ReciprocalRoot>;
  return finishUniform(d, type, 2, approximate ? handler : nullptr);
}

template <class Function> bool decodeApproximate(Decoder &d) {
  if (!d.take("approx"))
    return d.fail("needs .approx");
  d.out.flags = d.take("ftz") ? kFtz : 0;
  Type type = d.takeType();
  return finishUniform(d, type, 2, type == Type::F32 ? function1<float, Function> : nullptr);
}

bool decodeEx2(Decoder &d) {
  d.take("approx");
  d.out.flags = d.take("ftz") ? kFtz : 0;
  Type type = d.takeType();
  return finishUniform(d, type, 2, type == Type::F32 ? exp2Single : pickHalf<Exp2>(type));
}

bool decodeTanh(Decoder &d) {
  d.take("approx");
  Type type = d.takeType();
  return finishUniform(d, type, 2, type == Type::F32 ? function1<float, Tanh> : pickHalf<Tanh>(type));
}

/// The sign of a, the magnitude of b.
template <class T> struct CopySign {
  static T apply(T a, T b) {
    constexpr T sign = T(1) << (8 * sizeof(T) - 1);
    return (a & sign) | (b & ~sign);
  }
};

bool decodeCopysign(Decoder &d) {
  Type type = d.takeType();
  Handler handler = type == Type::F32   ? map2<uint32_t, uint32_t, uint32_t, CopySign<uint32_t>>
                    : type == Type::F64 ? map2<uint64_t, uint64_t, uint64_t, CopySign<uint64_t>>
                                        : nullptr;
  return finishUniform(d, type, 3, handler);
}

/// op: p, a. imm: which property.
template <class T> Step testProperty(Warp &warp, const Instruction &i, uint32_t lanes) {
  const T *a = warp.reg<T>(i.op[1]);
  uint32_t result = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    bool holds[] = {std::isfinite(a[lane]), std::isinf(a[lane]),    !std::isnan(a[lane]),
                    std::isnan(a[lane]),    std::isnormal(a[lane]), std::fpclassify(a[lane]) == FP_SUBNORMAL};
    result |= uint32_t(holds[i.imm]) << lane;
  }
  uint32_t &d = warp.pred(i.op[0]);
  d = (d & ~lanes) | (result & lanes);
  return Step::Next;
}

bool decodeTestp(Decoder &d) {
  int property = d.takeOneOf({"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
  Type type = d.takeType();
  if (property < 0)
    return d.fail("needs a property");
  d.out.imm = static_cast<uint64_t>(property);
  return d.operands(2) && d.write(0, Type::Pred) && d.read(1, type) &&
         d.finish(type == Type::F32   ? testProperty<float>
                  : type == Type::F64 ? testProperty<double>
                                      : nullptr);
}

constexpr Opcode kOpcodes[] = {{"rcp", decodeExact<Reciprocal>},
                               {"sqrt", decodeExact<SquareRoot>},
                               {"rsqrt", decodeRsqrt},
                               {"ex2", decodeEx2},
                               {"lg2", decodeApproximate<Log2>},
                               {"sin", decodeApproximate<Sine>},
                               {"cos", decodeApproximate<Cosine>},
                               {"tanh", decodeTanh},
                               {"copysign", decodeCopysign},
                               {"testp", decodeTestp}};

} // namespace

std::span<const Opcode> floatOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
