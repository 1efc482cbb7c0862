//===- Wmma.cpp - wmma.load, wmma.mma, wmma.store -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Warp-level matrix operations (PTX ISA, 9.7.15.3 and 9.7.15.4). Which lane holds which element is left open by the
// ISA; here element p of a matrix, counted by rows, is element p mod (elements of a lane) of lane p / (elements of a
// lane). Where a fragment has room for more elements than the matrix has (f16: 16 a lane), the matrix is repeated.
// Elements of less than a byte (s4, u4, b1) travel as the bytes that hold them, which lie along k.
//
//===----------------------------------------------------------------------===//

//|
//|   m16n16k16 A of f16: 256 elements, 8 registers of 2 elements a lane: 512 places, every element twice.
//|   Element (2, 3) is number 35: lane 2 (35 / 16), element 3, the upper half of its register 1; and lane 18.

#include "runtime/simulator/exec/Access.h"
#include "runtime/simulator/exec/Half.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace imbrex::simulator {
namespace {

/// A fragment: what an instruction names it, and its place among the operands.
struct Tile {
  unsigned rows = 0, columns = 0; ///< Elements.
  unsigned elementBytes = 4;
  unsigned registers = 0, registerBytes = 4;

  unsigned perLane() const { return registers * registerBytes / elementBytes; }
  unsigned count() const { return rows * columns; }
};

struct Shape {
  unsigned m, n, k;
};
constexpr Shape kShapes[] = {{16, 16, 16}, {8, 32, 16}, {32, 8, 16}, {16, 16, 8}, {8, 8, 4}, {8, 8, 32}, {8, 8, 128}};
constexpr unsigned kTf32Shape = 3, kDoubleShape = 4, kNibbleShape = 5, kBitShape = 6;

/// An element type of A and B. Those of less than a byte: the type of a byte of them, and how many it holds.
struct Element {
  Type type = Type::None;
  uint8_t packed = 1;
};

enum class Bits : uint8_t { None, Xor, And };

/// Place of element `p` of a fragment whose first operand is `slots`.
uint8_t *elementPlace(Warp &warp, const Tile &f, const uint32_t *slots, unsigned p) {
  unsigned lane = p / f.perLane(), element = p % f.perLane(), inRegister = f.registerBytes / f.elementBytes;
  return warp.registers.data() + slots[element / inRegister] + size_t(lane) * f.registerBytes +
         element % inRegister * f.elementBytes;
}

unsigned elementBits(Type type) { return type == Type::TF32 ? 32 : bitsOf(type); }

/// The registers of the ISA's table of fragments (9.7.15.3).
bool fragmentOf(char which, const Shape &s, const Element &element, Tile &f) {
  Type type = element.type;
  f.rows = which == 'b' ? s.k / element.packed : s.m;
  f.columns = which == 'a' ? s.k / element.packed : s.n;
  f.elementBytes = std::max(elementBits(type) / 8, 1u);
  f.registerBytes = type == Type::F64 ? 8 : 4;
  bool accumulator = which == 'c' || which == 'd';
  unsigned bits = f.count() * elementBits(type) / 32; // A lane's, if nothing is repeated.
  if (type == Type::F16 && !accumulator)
    bits = 256;
  f.registers = bits / (8 * f.registerBytes);
  return f.registers != 0;
}

// Instruction::imm of a load or store.
struct Layout {
  uint8_t rows, columns, elementBytes, registers, registerBytes;
  bool columnMajor;
  uint8_t packed; ///< The stride counts elements, of which a byte holds so many.
};
static_assert(sizeof(Layout) <= 8);

Tile fragmentOf(const Layout &layout) {
  return {layout.rows, layout.columns, layout.elementBytes, layout.registers, layout.registerBytes};
}

/// op: registers, base, stride. count: registers; bytes 1: a store; target: the address's offset; flags: the space.
Step access(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  Layout layout;
  std::memcpy(&layout, &i.imm, sizeof(layout));
  Tile f = fragmentOf(layout);
  uint64_t base = laneAddress(warp, i.op[i.count], static_cast<uint64_t>(static_cast<int32_t>(i.target)), 0);
  uint32_t stride = warp.reg<uint32_t>(i.op[i.count + 1])[0] / layout.packed;
  for (unsigned p = 0; p < f.perLane() * 32; ++p) {
    unsigned q = p % f.count(), row = q / f.columns, column = q % f.columns, lane = p / f.perLane();
    if (i.bytes && p >= f.count())
      break;
    uint64_t element = layout.columnMajor ? uint64_t(column) * stride + row : uint64_t(row) * stride + column;
    uint64_t address = base + element * f.elementBytes;
    uint8_t *place = elementPlace(warp, f, i.op, p);
    if (i.bytes) {
      uint8_t *to = writeAny(warp, i, lane, spaceOf(i), address, f.elementBytes, place);
      if (!to)
        return Step::Fault;
      std::memcpy(to, place, f.elementBytes);
    } else {
      const uint8_t *from = readAny(warp, i, lane, spaceOf(i), address, f.elementBytes);
      if (!from)
        return Step::Fault;
      std::memcpy(place, from, f.elementBytes);
    }
  }
  return Step::Next;
}

float toFloat(const uint8_t *place, Type type) {
  uint32_t bits = 0;
  std::memcpy(&bits, place, type == Type::F16 || type == Type::BF16 ? 2 : 4);
  switch (type) {
  case Type::F16:
    return halfToFloat(static_cast<uint16_t>(bits));
  case Type::BF16:
    return bfloatToFloat(static_cast<uint16_t>(bits));
  case Type::TF32:
    return std::bit_cast<float>(bits & 0xFFFFE000);
  default:
    return std::bit_cast<float>(bits);
  }
}

// Instruction::imm of a product.
struct Product {
  uint8_t shape;
  Type to, left, right, from;
  uint8_t satfinite, packed;
  Bits bits;
};
static_assert(sizeof(Product) <= 8);

/// The four fragments and their first operands: D, A, B, C.
struct Operands {
  Tile d, a, b, c;
  const uint32_t *slots[4];
};

Operands operandsOf(const Instruction &i, const Product &product) {
  const Shape &s = kShapes[product.shape];
  Operands o;
  fragmentOf('d', s, {product.to}, o.d);
  fragmentOf('a', s, {product.left, product.packed}, o.a);
  fragmentOf('b', s, {product.right, product.packed}, o.b);
  fragmentOf('c', s, {product.from}, o.c);
  o.slots[0] = i.op;
  o.slots[1] = o.slots[0] + o.d.registers;
  o.slots[2] = o.slots[1] + o.a.registers;
  o.slots[3] = o.slots[2] + o.b.registers;
  return o;
}

Product productOf(const Instruction &i) {
  Product product;
  std::memcpy(&product, &i.imm, sizeof(product));
  return product;
}

/// D is written when all of it is known: it may share registers with C.
template <class Value, class Store> void storeAll(Warp &warp, const Operands &o, const Value *values, Store store) {
  for (unsigned p = 0; p < o.d.perLane() * 32; ++p)
    store(elementPlace(warp, o.d, o.slots[0], p), values[p % o.d.count()]);
}

/// Exact products are added one by one in f32, k ascending, as for mma.
Step multiplyFloats(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  Product product = productOf(i);
  const Shape &s = kShapes[product.shape];
  Operands o = operandsOf(i, product);
  float sums[32 * 32];
  for (unsigned row = 0; row < s.m; ++row)
    for (unsigned column = 0; column < s.n; ++column) {
      float sum = toFloat(elementPlace(warp, o.c, o.slots[3], row * s.n + column), product.from);
      for (unsigned k = 0; k < s.k; ++k)
        sum += toFloat(elementPlace(warp, o.a, o.slots[1], row * s.k + k), product.left) *
               toFloat(elementPlace(warp, o.b, o.slots[2], k * s.n + column), product.right);
      if (product.satfinite && !std::isnan(sum))
        sum = std::fmax(-65504.0f, std::fmin(65504.0f, sum));
      sums[row * s.n + column] = sum;
    }
  storeAll(warp, o, sums, [&](uint8_t *place, float value) {
    uint16_t half = floatToHalf(value);
    uint32_t bits = std::isnan(value) ? 0x7FFFFFFF : std::bit_cast<uint32_t>(value);
    std::memcpy(place, product.to == Type::F16 ? static_cast<const void *>(&half) : &bits, o.d.elementBytes);
  });
  return Step::Next;
}

Step multiplyDoubles(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  Product product = productOf(i);
  const Shape &s = kShapes[product.shape];
  Operands o = operandsOf(i, product);
  auto get = [&](const Tile &f, unsigned which, unsigned p) {
    double value;
    std::memcpy(&value, elementPlace(warp, f, o.slots[which], p), sizeof(value));
    return value;
  };
  double sums[8 * 8];
  for (unsigned row = 0; row < s.m; ++row)
    for (unsigned column = 0; column < s.n; ++column) {
      double sum = get(o.c, 3, row * s.n + column);
      for (unsigned k = 0; k < s.k; ++k)
        sum = std::fma(get(o.a, 1, row * s.k + k), get(o.b, 2, k * s.n + column), sum);
      sums[row * s.n + column] = sum;
    }
  storeAll(warp, o, sums, [](uint8_t *place, double value) { std::memcpy(place, &value, sizeof(value)); });
  return Step::Next;
}

/// Element `number` of those that byte `*place` holds.
int32_t elementOf(const uint8_t *place, unsigned number, const Element &element) {
  unsigned bits = 8u / element.packed, field = *place >> (number * bits) & ((1u << bits) - 1);
  bool negative = element.type == Type::S8 && field >> (bits - 1) & 1;
  return static_cast<int32_t>(field) - (negative ? 1 << bits : 0);
}

/// Of single bits x * y is x & y.
int64_t productOf(int32_t x, int32_t y, Bits bits) { return bits == Bits::Xor ? x ^ y : x * y; }

Step multiplyIntegers(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  Product product = productOf(i);
  const Shape &s = kShapes[product.shape];
  Operands o = operandsOf(i, product);
  Element left{product.left, product.packed}, right{product.right, product.packed};
  int32_t sums[32 * 32];
  for (unsigned row = 0; row < s.m; ++row)
    for (unsigned column = 0; column < s.n; ++column) {
      int32_t start;
      std::memcpy(&start, elementPlace(warp, o.c, o.slots[3], row * s.n + column), 4);
      int64_t sum = start;
      for (unsigned k = 0; k < s.k; ++k) {
        unsigned byte = k / product.packed, number = k % product.packed;
        sum +=
            productOf(elementOf(elementPlace(warp, o.a, o.slots[1], row * o.a.columns + byte), number, left),
                      elementOf(elementPlace(warp, o.b, o.slots[2], byte * s.n + column), number, right), product.bits);
      }
      if (product.satfinite)
        sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
      sums[row * s.n + column] = static_cast<int32_t>(static_cast<uint32_t>(sum));
    }
  storeAll(warp, o, sums, [](uint8_t *place, int32_t value) { std::memcpy(place, &value, sizeof(value)); });
  return Step::Next;
}

int takeShape(Decoder &d) {
  return d.takeOneOf({"m16n16k16", "m8n32k16", "m32n8k16", "m16n16k8", "m8n8k4", "m8n8k32", "m8n8k128"});
}

/// One of s4, u4 and b1; None if none is left.
Element takePacked(Decoder &d) {
  int which = d.takeOneOf({"s4", "u4", "b1"});
  return which < 0 ? Element() : Element{which == 0 ? Type::S8 : Type::U8, static_cast<uint8_t>(which == 2 ? 8 : 2)};
}

/// Whether a shape is one of the element's: m16n16k16 and its like have f16, bf16, s8 and u8.
bool fits(unsigned shape, const Element &element) {
  return (element.type == Type::TF32) == (shape == kTf32Shape) &&
         (element.type == Type::F64) == (shape == kDoubleShape) && (element.packed == 2) == (shape == kNibbleShape) &&
         (element.packed == 8) == (shape == kBitShape);
}

bool decodeAccess(Decoder &d, bool isStore) {
  char which = isStore ? (d.take("d") ? 'd' : 0) : d.take("a") ? 'a' : d.take("b") ? 'b' : d.take("c") ? 'c' : 0;
  int major = d.takeOneOf({"row", "col"}), shape = takeShape(d);
  Space space = d.takeSpace();
  bool isFactor = which == 'a' || which == 'b';
  Element element = isFactor ? takePacked(d) : Element();
  if (element.type == Type::None)
    element.type = d.takeType();
  Tile f;
  if (which == 0 || major < 0 || shape < 0 || elementBits(element.type) < 8 ||
      (isFactor && !fits(static_cast<unsigned>(shape), element)) || !fragmentOf(which, kShapes[shape], element, f))
    return d.fail("this fragment is not modelled");
  if (element.packed > 1 && (which == 'a') != (major == 0))
    return d.fail("A of less than a byte is .row, B .col; this is not modelled");
  Layout layout{static_cast<uint8_t>(f.rows),
                static_cast<uint8_t>(f.columns),
                static_cast<uint8_t>(f.elementBytes),
                static_cast<uint8_t>(f.registers),
                static_cast<uint8_t>(f.registerBytes),
                major == 1,
                element.packed};
  size_t value = isStore ? 1 : 0;
  Type registerType = f.registerBytes == 8 ? Type::F64 : Type::B32;
  if (!d.operands(2, 3) ||
      !(isStore ? d.readVector(value, registerType, f.registers) : d.writeVector(value, registerType, f.registers)))
    return false;
  if (!d.address(1 - value))
    return false;
  d.out.target = static_cast<uint32_t>(d.out.imm);
  std::memcpy(&d.out.imm, &layout, sizeof(layout));
  d.out.count = static_cast<uint16_t>(f.registers);
  d.out.bytes = isStore;
  d.out.flags = static_cast<uint32_t>(space) << kSpaceShift;
  if (space == Space::Generic || space == Space::Shared)
    d.noteSharedAccess(f.elementBytes);
  ptx::Operand width;
  width.kind = ptx::Operand::Integer;
  width.bits = (layout.columnMajor ? f.rows : f.columns) * element.packed;
  return d.read(d.operandCount() == 3 ? d.operand(2) : width, Type::U32) && d.finish(access);
}

/// Types of D, A, B and C in order; ".f32.f16" is D and C, with f16 factors.
void takeTypes(Decoder &d, Product &product) {
  product.to = d.takeType();
  product.packed = 1;
  if (Element left = takePacked(d), right = takePacked(d); left.type != Type::None) {
    bool same = left.type == right.type && left.packed == right.packed;
    product.left = left.type;
    product.right = same ? right.type : Type::None;
    product.packed = left.packed;
    product.from = d.takeType();
    return;
  }
  Type second = d.takeType(), third = d.takeType(), fourth = d.takeType();
  bool plain = third == Type::None;
  product.left = plain ? Type::F16 : second;
  product.right = plain ? Type::F16 : third;
  product.from = plain ? second : fourth;
}

Handler pickProduct(const Product &product) {
  auto all = [&](Type factors, Type sums) {
    return product.left == factors && product.right == factors && product.to == sums && product.from == sums;
  };
  auto isSum = [](Type type) { return type == Type::F32 || type == Type::F16; };
  if (all(Type::S8, Type::S32) || all(Type::U8, Type::S32))
    return multiplyIntegers;
  if (all(Type::F64, Type::F64))
    return multiplyDoubles;
  bool isFloat = product.left == Type::F16 || product.left == Type::BF16 || product.left == Type::TF32;
  return isFloat && product.left == product.right && isSum(product.to) && isSum(product.from) ? multiplyFloats
                                                                                              : nullptr;
}

bool decodeProduct(Decoder &d) {
  Product product{};
  if (int bits = d.takeOneOf({"xor", "and"}); bits >= 0)
    product.bits = bits == 0 ? Bits::Xor : Bits::And;
  bool hasCount = d.take("popc");
  int left = d.takeOneOf({"row", "col"}), right = d.takeOneOf({"row", "col"}), shape = takeShape(d);
  product.shape = static_cast<uint8_t>(std::max(shape, 0));
  takeTypes(d, product);
  product.satfinite = d.take("satfinite");
  d.take("rn");
  Handler handler = pickProduct(product);
  bool isBits = product.packed == 8, agrees = isBits == hasCount && isBits == (product.bits != Bits::None);
  bool isStraight = product.packed == 1 || (left == 0 && right == 1);
  if (left < 0 || right < 0 || shape < 0 || !fits(product.shape, {product.left, product.packed}) || !handler ||
      !agrees || !isStraight || !d.operands(4))
    return d.fail("this shape or these types are not modelled");
  Tile f[4];
  const Shape &s = kShapes[shape];
  if (!fragmentOf('d', s, {product.to}, f[0]) || !fragmentOf('a', s, {product.left, product.packed}, f[1]) ||
      !fragmentOf('b', s, {product.right, product.packed}, f[2]) || !fragmentOf('c', s, {product.from}, f[3]))
    return d.fail("this fragment is not modelled");
  std::memcpy(&d.out.imm, &product, sizeof(product));
  auto typeOf = [](const Tile &fragment, Type type) {
    return fragment.registerBytes == 8 ? Type::F64 : type == Type::F32 ? Type::F32 : Type::B32;
  };
  return d.writeVector(0, typeOf(f[0], product.to), f[0].registers) &&
         d.readVector(1, typeOf(f[1], product.left), f[1].registers) &&
         d.readVector(2, typeOf(f[2], product.right), f[2].registers) &&
         d.readVector(3, typeOf(f[3], product.from), f[3].registers) && d.finish(handler);
}

bool decodeWmma(Decoder &d) {
  int kind = d.takeOneOf({"load", "mma", "store"});
  if (!d.take("sync") || !d.take("aligned"))
    return d.fail("needs .sync.aligned");
  d.rule(Rule::Use);
  if (kind == 1)
    return decodeProduct(d);
  return kind < 0 ? d.fail("is neither load, mma nor store") : decodeAccess(d, kind == 2);
}

constexpr Opcode kOpcodes[] = {{"wmma", decodeWmma}};

} // namespace

std::span<const Opcode> wmmaOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
