//===- Values.cpp - Operands that find mistakes ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Floats are handled as bits: sign, exponent, fraction.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/Values.h"
#include "tests/support/Random.h"
#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

using namespace imbrex;
using namespace imbrex::recorded;
using imbrex::testing::Random;

static uint64_t ones(unsigned bits) { return bits >= 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1; }

unsigned ValueType::fractionBits() const { return kind == BFloat ? 7 : bits == 16 ? 10 : bits == 32 ? 23 : 52; }

std::optional<ValueType> recorded::valueType(std::string_view word) {
  ValueType type;
  if (word.ends_with("x2")) {
    type.count = 2;
    word.remove_suffix(2);
  }
  type.kind = ValueType::BFloat;
  if (!word.starts_with("bf")) {
    size_t kind = word.empty() ? word.npos : std::string_view("bsuf").find(word[0]);
    if (kind == word.npos)
      return std::nullopt;
    type.kind = ValueType::Kind(kind);
  }
  word.remove_prefix(type.kind == ValueType::BFloat ? 2 : 1);
  auto [end, status] = std::from_chars(word.data(), word.data() + word.size(), type.bits);
  bool known = type.bits == 8 || type.bits == 16 || type.bits == 32 || type.bits == 64;
  if (status != std::errc() || end != word.data() + word.size() || !known || (type.isFloat() && type.bits == 8) ||
      (type.kind == ValueType::BFloat && type.bits != 16))
    return std::nullopt;
  return type;
}

uint64_t recorded::checksum(std::string_view bytes) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (char byte : bytes)
    hash = (hash ^ uint8_t(byte)) * 0x100000001B3u;
  return hash;
}

bool recorded::isNan(ValueType type, uint64_t bits) {
  uint64_t infinity = ones(type.bits - 1 - type.fractionBits()) << type.fractionBits();
  return (bits & ones(type.bits - 1)) > infinity;
}

double recorded::toDouble(ValueType type, uint64_t bits) {
  if (type.bits == 64)
    return std::bit_cast<double>(bits);
  if (type.bits == 32)
    return std::bit_cast<float>(uint32_t(bits));
  if (type.kind == ValueType::BFloat)
    return std::bit_cast<float>(uint32_t(bits) << 16);
  int exponent = int(bits >> 10 & 31);
  double fraction = double(bits & 1023), sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31)
    return fraction ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(fraction + 1024, exponent - 25) : std::ldexp(fraction, -24));
}

//===----------------------------------------------------------------------===//
// Edges
//===----------------------------------------------------------------------===//

/// Magnitudes; signs are put on later.
static std::vector<uint64_t> floatEdges(ValueType type) {
  unsigned fraction = type.fractionBits(), exponent = type.bits - 1 - fraction;
  uint64_t one = uint64_t(1) << fraction, last = ones(exponent), bias = last / 2, quiet = one / 2;
  std::vector<uint64_t> edges = {0,
                                 1,
                                 2,
                                 one - 1,
                                 one,
                                 one + 1,
                                 (bias - 1) * one,
                                 bias * one - 1,
                                 bias * one,
                                 bias * one + 1,
                                 bias * one + quiet,
                                 (bias + 1) * one,
                                 (bias + 1) * one + quiet / 2,
                                 (bias + 1) * one + quiet,
                                 (last - 1) * one,
                                 last * one - 2,
                                 last * one - 1,
                                 last * one,           // infinity
                                 last * one + quiet,   // NaNs: quiet, with payloads, signalling
                                 last * one + one - 1, // ...
                                 last * one + quiet + 5,
                                 last * one + 1};
  // Where an integer or a narrower float ends: 2^e, the values beside it, and 2^e plus or minus a half.
  for (unsigned e : {7u, 8u, 10u, 11u, 15u, 16u, 23u, 24u, 31u, 32u, 53u, 63u, 64u, 126u, 127u})
    if (bias + e < last)
      for (int64_t beside : {-1, 0, 1})
        edges.push_back((bias + e) * one + uint64_t(beside));
  for (unsigned e : {7u, 15u, 31u})
    if (e + 1 <= fraction)
      edges.push_back((bias + e) * one + (one >> (e + 1)));
  for (unsigned e : {14u, 24u, 25u, 126u, 133u, 149u, 150u}) // subnormals of narrower floats, and half their least
    for (int64_t beside : {-1, 0, 1})
      if (e < bias)
        edges.push_back((bias - e) * one + uint64_t(beside));
  for (auto [e, kept] : {std::pair(16u, 10u), {128u, 7u}, {128u, 23u}}) // the largest, and where rounding leaves
    if (bias + e < last + (e == 128) && fraction > kept + 1) {          // the range of f16, bf16 and f32
      uint64_t end = (bias + e) * one;
      edges.push_back(end - (one >> kept));
      for (int64_t beside : {-1, 0, 1})
        edges.push_back(end - (one >> (kept + 1)) + uint64_t(beside));
    }
  return edges;
}

static std::vector<uint64_t> integerEdges(unsigned bits) {
  uint64_t top = uint64_t(1) << (bits - 1), half = uint64_t(1) << (bits / 2);
  return {0,
          1,
          2,
          3,
          10,
          31,
          32,
          100,
          127,
          128,
          255,
          256,
          top - 2,
          top - 1,
          top,
          top + 1,
          half - 1,
          half,
          half + 1,
          ~half + 1,
          ~half,
          ~0ull,
          ~0ull - 1,
          ~0ull - 2,
          0x5555555555555555u,
          0xAAAAAAAAAAAAAAAAu,
          0x8080808080808080u,
          0x7F7F7F7F7F7F7F7Fu};
}

static uint64_t edge(ValueType type, Random &random, bool moderate) {
  if (!type.isFloat())
    return random.oneOf(integerEdges(type.bits)) & ones(type.bits);
  std::vector<uint64_t> edges = floatEdges(type);
  uint64_t sign = random.bits() & uint64_t(1) << (type.bits - 1);
  uint64_t made = random.oneOf(edges);
  // The lower five eighths of the range: sums of products stay finite. Few may be anything.
  while (moderate && made >= (uint64_t(5) << (type.bits - 4)) && random.below(256))
    made = random.oneOf(edges);
  return made | sign;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// A float in [2^-4, 2^4) or an integer in [-100, 100].
static uint64_t nearOne(ValueType type, Random &random) {
  if (!type.isFloat())
    return uint64_t(random.below(201) - 100) & ones(type.bits);
  unsigned fraction = type.fractionBits();
  uint64_t bias = ones(type.bits - 1 - fraction) / 2, exponent = bias + uint64_t(random.below(8)) - 4;
  return (random.bits() & (ones(fraction) | uint64_t(1) << (type.bits - 1))) | exponent << fraction;
}

/// The last bits at or beside the middle between two values of a narrower type.
static uint64_t tie(ValueType type, Random &random) {
  static constexpr unsigned kFloatDrops[] = {3, 13, 16, 29, 42, 45};
  unsigned drop = type.isFloat() ? random.oneOf(kFloatDrops) : unsigned(1 + random.below(type.bits - 2));
  if (drop >= type.bits - 2)
    drop = 3;
  uint64_t tail = (uint64_t(1) << (drop - 1)) + uint64_t(random.below(3)) - 1;
  uint64_t head = type.isFloat() ? nearOne(type, random) : random.bits() >> random.below(type.bits);
  return ((head & ~ones(drop)) | (tail & ones(drop))) & ones(type.bits);
}

/// The largest or smallest exponents; for integers few or many leading zeros.
static uint64_t extreme(ValueType type, Random &random) {
  if (!type.isFloat())
    return (random.bits() & ones(type.bits)) >> random.below(type.bits);
  unsigned fraction = type.fractionBits();
  uint64_t last = ones(type.bits - 1 - fraction);
  uint64_t exponent = random.below(2) ? last - 1 - uint64_t(random.below(3)) : uint64_t(random.below(4));
  return (random.bits() & (ones(fraction) | uint64_t(1) << (type.bits - 1))) | exponent << fraction;
}

/// A few units in the last place from `other`, its sign turned half of the time.
static uint64_t beside(ValueType type, uint64_t other, Random &random) {
  uint64_t made = other + uint64_t(random.below(5)) - 2;
  if (random.below(2))
    made ^= type.isFloat() ? uint64_t(1) << (type.bits - 1) : ~uint64_t(0);
  return made & ones(type.bits);
}

static uint64_t oneValue(ValueType type, size_t row, bool moderate, std::optional<uint64_t> first, Random &random) {
  switch (row % 8) {
  case 0:
  case 2:
  case 4:
  case 6:
    return random.below(5) ? edge(type, random, moderate) : nearOne(type, random);
  case 1:
    return moderate ? nearOne(type, random) : random.bits() & ones(type.bits);
  case 3:
    return first ? beside(type, *first, random) : nearOne(type, random);
  case 5:
    return tie(type, random);
  default:
    return moderate || row % 16 < 8 ? nearOne(type, random) : extreme(type, random);
  }
}

static uint64_t count(uint64_t most, Random &random) {
  static constexpr uint64_t kCounts[] = {0, 1, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 255};
  uint64_t made = random.below(2) ? random.oneOf(kCounts) : uint64_t(random.below(34));
  return made > most ? made % (most + 1) : made;
}

static uint64_t makeValue(const OperandPlan &plan, size_t row, std::optional<uint64_t> first, Random &random) {
  ValueType type = plan.type;
  if (plan.role == OperandPlan::Predicate)
    return random.bits() & 1;
  if (plan.role == OperandPlan::Count)
    return count(plan.most, random);
  if (plan.role == OperandPlan::Selector)
    return random.bits() & 0xFFFF;
  uint64_t made = 0;
  if (plan.role == OperandPlan::Moderate && type.kind == ValueType::Bits) { // four floats of 8 bits
    constexpr uint64_t kSmall = 0xBFBFBFBF; // the lower half of the exponents: sums stay finite; few may be anything
    made = random.bits() & ones(type.bits);
    return random.below(256) ? made & kSmall : made;
  }
  for (unsigned i = 0; i < type.count; ++i) {
    std::optional<uint64_t> beside;
    if (first)
      beside = *first >> (i * type.bits) & ones(type.bits);
    made |= oneValue(type, row, plan.role == OperandPlan::Moderate, beside, random) << (i * type.bits);
  }
  return made == 0 && plan.role == OperandPlan::Divisor ? 1 : made;
}

static bool sameType(ValueType a, ValueType b) { return a.kind == b.kind && a.bits == b.bits && a.count == b.count; }

std::vector<std::vector<uint64_t>> recorded::makeOperands(const std::vector<OperandPlan> &plans, size_t rows,
                                                          uint64_t seed) {
  std::vector<std::vector<uint64_t>> values(plans.size(), std::vector<uint64_t>(rows));
  Random random(seed);
  for (size_t row = 0; row < rows; ++row)
    for (size_t i = 0; i < plans.size(); ++i) {
      bool related = i > 0 && sameType(plans[0].type, plans[i].type);
      values[i][row] =
          makeValue(plans[i], row, related ? std::optional<uint64_t>(values[0][row]) : std::nullopt, random);
    }
  return values;
}

std::string recorded::literal(ValueType type, uint64_t bits) {
  if (!type.isFloat()) {
    uint64_t sign = uint64_t(1) << (type.bits - 1);
    bits &= ones(type.bits);
    return type.kind == ValueType::Unsigned ? std::to_string(bits) : std::to_string(int64_t((bits ^ sign) - sign));
  }
  char digits[17] = {};
  std::to_chars(digits, digits + 16, bits, 16);
  size_t width = type.bits / 4, length = std::string_view(digits).size();
  return (type.bits == 64 ? "0d" : "0f") + std::string(width - length, '0') + digits;
}
