//===- MaskGenerator.h - Random masks and what they show --------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A mask as text, and its value at a place in 128 bits, which never reads the text. Constants go up to the edges of
// i32; a table that a mask reads is 0 outside of it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_COMPILER_TILE_MASKGENERATOR_H
#define IMBREX_TESTS_COMPILER_TILE_MASKGENERATOR_H

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace imbrex::test {

struct Position {
  int64_t q, k, Sq, Sk;
};
struct Extents {
  int64_t Sq, Sk;
};

/// An expression as text, and its value.
template <typename T> struct Term {
  std::string text;
  std::function<T(const Position &)> value;
};
using Number = Term<__int128>;
using Truth = Term<bool>;

/// What masks read as `t`.
inline constexpr std::array<int, 23> kMaskTable{2, 0,  5, -1, 3, 3, 17, 0,  1, 9, -4, 2,
                                                2, 30, 0, 7,  7, 1, -2, 12, 0, 3, 5};

/// Writes random masks.
class MaskGenerator {
public:
  explicit MaskGenerator(uint64_t seed) : random(seed) {}

  Truth mask() {
    Truth all = chance(15) ? either(comparison(), comparison()) : comparison();
    for (int64_t more = pick(0, 2); more > 0; --more)
      all = both(all, chance(20) ? either(comparison(), comparison()) : comparison());
    return all;
  }
  /// Of positions of packed heads, small numbers: each comparison bounds the loop over keys, or the rows.
  Truth packed() {
    Truth all = chance(20) ? either(packedComparison(), packedComparison()) : packedComparison();
    return chance(50) ? both(all, packedComparison()) : all;
  }
  /// Of positions times small numbers: rows that are left, and keys that the first and the last of them see.
  Truth multiplied() {
    Number k = times("at.k", [](const Position &at) { return at.k; }, chance(40) ? pick(2, 4) : 1);
    Number q = times("at.q", [](const Position &at) { return at.q; }, pick(1, 3));
    Truth keys = chance(50) ? compared(q, k) : compared(k, q);
    Number rows = times("at.q", [](const Position &at) { return at.q; }, pick(2, 5)), some = near(pick(-20, 150));
    return chance(70) ? both(chance(50) ? compared(rows, some) : compared(some, rows), keys) : keys;
  }
  /// Columns and what is added to them against what differs from row to row and is no sum.
  Truth besideRows() {
    auto one = [&] {
      const Number k = addedTo(times("at.k", [](const Position &at) { return at.k; }, pick(1, 3)));
      const Number rows = addedTo(noSumOfRows());
      return chance(50) ? compared(k, rows) : compared(rows, k);
    };
    const Truth first = one();
    return chance(40) ? chance(30) ? either(first, one()) : both(first, one()) : first;
  }
  /// By least, largest and absolute values and by choices, near the edges of i32 and not.
  Truth spelled() {
    auto one = [&] { return chance(20) ? chosenTruth() : spelledComparison(); };
    Truth all = one();
    for (int64_t more = pick(0, 2); more > 0; --more)
      all = chance(25) ? either(all, one()) : both(all, one());
    return all;
  }
  /// Of positions as u32, which wrap.
  Truth withoutASign() {
    Truth all = withoutASignComparison();
    if (chance(60))
      all = chance(30) ? either(all, comparison()) : both(all, comparison());
    return chance(30) ? both(withoutASignComparison(), all) : all;
  }
  /// Of positions and of what a table holds.
  Truth tabled() {
    Truth all = tabledComparison();
    if (chance(60))
      all = chance(30) ? either(all, comparison()) : both(all, comparison());
    return chance(30) ? either(all, tabledComparison()) : chance(40) ? both(tabledComparison(), all) : all;
  }
  int64_t pick(int64_t low, int64_t high) { return low + int64_t(random() % uint64_t(high - low + 1)); }

private:
  bool chance(int percent) { return pick(1, 100) <= percent; }

  int64_t constant() {
    switch (pick(0, 4)) {
    case 0:
      return INT32_MAX - pick(0, 100);
    case 1:
      return INT32_MIN + pick(0, 100);
    case 2:
      return pick(INT32_MIN, INT32_MAX);
    default:
      return pick(-60, 60);
    }
  }
  static Number near(int64_t number) {
    return {std::to_string(number), [=](const Position &) { return number; }};
  }
  Number times(const std::string &name, const std::function<int64_t(const Position &)> &position, int64_t factor) {
    int64_t behind = pick(-20, 20);
    return {"(" + name + " * " + std::to_string(factor) + " + " + std::to_string(behind) + ")",
            [=](const Position &at) { return __int128(position(at)) * factor + behind; }};
  }
  Number field() {
    switch (pick(0, 5)) {
    case 0:
      return {"at.Sq", [](const Position &at) { return at.Sq; }};
    case 1:
      return {"(at.Sk - at.Sq)", [](const Position &at) { return at.Sk - at.Sq; }};
    case 2:
    case 3:
      return {"at.q", [](const Position &at) { return at.q; }};
    default:
      return {"at.k", [](const Position &at) { return at.k; }};
    }
  }
  static __int128 quotient(__int128 x, __int128 y) { return y == 0 ? 0 : x / y; }
  static __int128 remainder(__int128 x, __int128 y) { return y == 0 ? 0 : x % y; }
  static __int128 roundedUp(__int128 x, __int128 y) { return x / y + (x % y != 0 && (x < 0) == (y < 0)); }

  /// By a constant that is not 0, or by a field that may be.
  Number divided(const Number &x) {
    int64_t c = constant(), divisor = chance(60) ? pick(1, 16) : c == 0 ? 7 : c;
    std::string by = ", " + std::to_string(divisor) + ")";
    Number y = field();
    switch (pick(0, 5)) {
    case 0:
      return {"(" + x.text + " / " + std::to_string(divisor) + ")",
              [=](const Position &at) { return quotient(x.value(at), divisor); }};
    case 1:
      return {"(" + x.text + " % " + std::to_string(divisor) + ")",
              [=](const Position &at) { return remainder(x.value(at), divisor); }};
    case 2:
      return {"(" + x.text + " / " + y.text + ")",
              [=](const Position &at) { return quotient(x.value(at), y.value(at)); }};
    case 3:
      return {"(" + x.text + " % " + y.text + ")",
              [=](const Position &at) { return remainder(x.value(at), y.value(at)); }};
    default:
      return {"cdiv(" + x.text + by, [=](const Position &at) { return roundedUp(x.value(at), divisor); }};
    }
  }
  Number chosen(const Number &x) {
    Number y = field(), z = field();
    switch (pick(0, 3)) {
    case 0:
      return {"abs(" + x.text + ")", [=](const Position &at) { return x.value(at) < 0 ? -x.value(at) : x.value(at); }};
    case 1:
      return largest(x, y);
    case 2:
      return {"(-" + x.text + ")", [=](const Position &at) { return -x.value(at); }};
    default:
      return {"where(" + y.text + " < " + z.text + ", " + x.text + ", " + y.text + ")",
              [=](const Position &at) { return y.value(at) < z.value(at) ? x.value(at) : y.value(at); }};
    }
  }
  Number change(const Number &x) {
    if (chance(35))
      return divided(x);
    if (chance(20))
      return chosen(x);
    int64_t c = constant(), small = pick(-3, 5);
    Number y = field();
    switch (pick(0, 7)) {
    case 0:
      return {"(" + x.text + " + " + y.text + ")", [=](const Position &at) { return x.value(at) + y.value(at); }};
    case 1:
      return {"(" + x.text + " - " + y.text + ")", [=](const Position &at) { return x.value(at) - y.value(at); }};
    case 2:
      return {"(" + x.text + " * " + std::to_string(small) + ")",
              [=](const Position &at) { return x.value(at) * small; }};
    case 3:
      return {"min(" + x.text + ", " + std::to_string(c) + ")",
              [=](const Position &at) { return std::min<__int128>(x.value(at), c); }};
    case 4:
      return {"(" + std::to_string(c) + " - " + x.text + ")", [=](const Position &at) { return c - x.value(at); }};
    default:
      return {"(" + x.text + " + " + std::to_string(c) + ")", [=](const Position &at) { return x.value(at) + c; }};
    }
  }
  /// Moved by a constant, mostly a small one, and perhaps by an extent.
  Number addedTo(const Number &x) {
    const int64_t by = chance(85) ? pick(-60, 60) : constant();
    const Number moved{"(" + x.text + " + " + std::to_string(by) + ")",
                       [=](const Position &at) { return x.value(at) + by; }};
    if (!chance(30))
      return moved;
    return {"(" + moved.text + " - at.Sk)", [=](const Position &at) { return moved.value(at) - at.Sk; }};
  }
  /// A quotient, a remainder, an absolute value, a least value or a choice that rows make.
  Number noSumOfRows() {
    const Number x = times("at.q", [](const Position &at) { return at.q; }, pick(1, 4));
    const int64_t by = pick(2, 9), some = chance(70) ? pick(-60, 60) : constant();
    const std::string divisor = std::to_string(by), bound = std::to_string(some);
    switch (pick(0, 5)) {
    case 0:
      return {"(" + x.text + " / " + divisor + ")", [=](const Position &at) { return quotient(x.value(at), by); }};
    case 1:
      return {"(" + x.text + " % " + divisor + ")", [=](const Position &at) { return remainder(x.value(at), by); }};
    case 2:
      return {"((at.Sk + " + bound + ") / " + x.text + ")",
              [=](const Position &at) { return quotient(at.Sk + some, x.value(at)); }};
    case 3:
      return {"abs(" + x.text + ")", [=](const Position &at) { return x.value(at) < 0 ? -x.value(at) : x.value(at); }};
    case 4:
      return {"min(" + x.text + ", " + bound + ")",
              [=](const Position &at) { return std::min<__int128>(x.value(at), some); }};
    default:
      return {"where(at.q < " + divisor + ", " + x.text + ", " + bound + ")",
              [=](const Position &at) { return at.q < by ? x.value(at) : some; }};
    }
  }
  Number number() {
    Number x = field();
    for (int64_t more = pick(0, 3); more > 0; --more)
      x = change(x);
    return x;
  }
  Truth comparison() {
    Number x = number();
    return compared(x, number());
  }
  Truth compared(const Number &x, const Number &y) {
    switch (pick(0, 11)) {
    case 0:
      return {"(" + x.text + " == " + y.text + ")", [=](const Position &at) { return x.value(at) == y.value(at); }};
    case 1:
      return {"(" + x.text + " != " + y.text + ")", [=](const Position &at) { return x.value(at) != y.value(at); }};
    case 2:
    case 3:
      return {"(" + x.text + " < " + y.text + ")", [=](const Position &at) { return x.value(at) < y.value(at); }};
    case 4:
    case 5:
      return {"(" + x.text + " > " + y.text + ")", [=](const Position &at) { return x.value(at) > y.value(at); }};
    case 6:
    case 7:
    case 8:
      return {"(" + x.text + " <= " + y.text + ")", [=](const Position &at) { return x.value(at) <= y.value(at); }};
    default:
      return {"(" + x.text + " >= " + y.text + ")", [=](const Position &at) { return x.value(at) >= y.value(at); }};
    }
  }
  Truth packedComparison() {
    int64_t divisor = pick(2, 7), before = pick(-24, 12), behind = pick(-6, 12), sign = pick(0, 3) == 0 ? -1 : 1;
    Number k{"at.k", [](const Position &at) { return at.k; }};
    Number by = chance(30) ? field() : Number{"0", [](const Position &) { return 0; }};
    std::string dividend = before == 0 ? "at.q" : "(at.q + " + std::to_string(before) + ")";
    Number divided{
        dividend + " / " + std::to_string(divisor) + (sign < 0 ? " - (" : " + (") + by.text + " + " +
            std::to_string(behind) + ")",
        [=](const Position &at) { return quotient(at.q + before, divisor) + sign * (by.value(at) + behind); }};
    if (chance(15)) // of the keys
      divided = {"at.k / " + std::to_string(divisor) + " + " + std::to_string(behind),
                 [=](const Position &at) { return quotient(at.k, divisor) + behind; }};
    return chance(50) ? compared(divided, k) : compared(k, divided);
  }
  static Number least(const Number &x, const Number &y) {
    return {"min(" + x.text + ", " + y.text + ")",
            [=](const Position &at) { return std::min(x.value(at), y.value(at)); }};
  }
  static Number largest(const Number &x, const Number &y) {
    return {"max(" + x.text + ", " + y.text + ")",
            [=](const Position &at) { return std::max(x.value(at), y.value(at)); }};
  }
  static Number chosen(const Truth &which, const Number &x, const Number &y) {
    return {"where(" + which.text + ", " + x.text + ", " + y.text + ")",
            [=](const Position &at) { return which.value(at) ? x.value(at) : y.value(at); }};
  }
  /// The least or largest of two, an absolute value, or a choice, perhaps of one another.
  Number spelledNumber(int depth) {
    // A choice of literals is one, and so is its absolute value, which must fit i32.
    Number x = depth > 0 && chance(40) ? spelledNumber(depth - 1) : shifted(),
           y = chance(50) ? shifted() : near(std::max<int64_t>(constant(), -INT32_MAX));
    Truth which = chance(50) ? compared(shifted(), shifted()) : compared(shifted(), near(constant()));
    const int64_t small = pick(-3, 9);
    switch (pick(0, 5)) {
    case 0:
      return least(x, y);
    case 1:
      return largest(y, x);
    case 2:
      return {"abs(" + x.text + ")", [=](const Position &at) { return x.value(at) < 0 ? -x.value(at) : x.value(at); }};
    case 3:
      return {"cast<i32>(" + which.text + ")", [=](const Position &at) { return which.value(at); }};
    case 4:
      return chosen(which, x, near(small));
    default:
      return chosen(which, near(2), y);
    }
  }
  /// A position or a difference of two, moved by little or by much.
  Number shifted() {
    int64_t by = constant();
    Number x = field(), y = field();
    if (chance(40))
      x = {"(" + x.text + " - " + y.text + ")", [=](const Position &at) { return x.value(at) - y.value(at); }};
    return {"(" + x.text + " + " + std::to_string(by) + ")", [=](const Position &at) { return x.value(at) + by; }};
  }
  Truth spelledComparison() {
    Number x = spelledNumber(2), y = chance(50) ? near(constant()) : shifted();
    Truth all = chance(50) ? compared(x, y) : compared(y, x);
    return chance(25) ? Truth{"(!" + all.text + ")", [=](const Position &at) { return !all.value(at); }} : all;
  }
  /// A choice between truths, some of which are the same everywhere.
  Truth chosenTruth() {
    auto side = [&] {
      if (chance(50))
        return spelledComparison();
      const bool holds = chance(50);
      const Truth certain{holds ? "true" : "false", [=](const Position &) { return holds; }};
      return chance(60) ? certain : holds ? either(certain, spelledComparison()) : both(certain, spelledComparison());
    };
    const Truth which = spelledComparison(), yes = side(), no = side();
    return {"where(" + which.text + ", " + yes.text + ", " + no.text + ")",
            [=](const Position &at) { return which.value(at) ? yes.value(at) : no.value(at); }};
  }
  static Number asU32(const Number &x) {
    return {"cast<u32>(" + x.text + ")", [=](const Position &at) { return __int128(uint32_t(x.value(at))); }};
  }
  /// A position, the least or largest of two, or a choice.
  Number numberWithoutASign() {
    Number x = asU32(shifted()), y = asU32(chance(50) ? shifted() : near(pick(0, 40)));
    Truth which = chance(50) ? compared(x, y) : compared(shifted(), shifted());
    switch (pick(0, 4)) {
    case 0:
      return least(x, y);
    case 1:
      return largest(x, y);
    case 2:
      return {"cast<u32>(" + which.text + ")", [=](const Position &at) { return which.value(at); }};
    case 3:
      return chosen(which, x, y);
    default:
      return x;
    }
  }
  Truth withoutASignComparison() {
    Number x = numberWithoutASign(),
           y = asU32(chance(50) ? near(uint32_t(chance(70) ? pick(0, 4) : constant())) : shifted());
    return chance(50) ? compared(x, y) : compared(y, x);
  }
  /// What the table holds at a place near the query or the key, or outside of the table.
  Number entry() {
    int64_t by = pick(2, 9), on = pick(-9, 9);
    std::string small = std::to_string(by);
    Number index = choose({{"at.k", [](const Position &at) { return at.k; }},
                           {"at.q", [](const Position &at) { return at.q; }},
                           {"at.k / " + small, [=](const Position &at) { return at.k / by; }},
                           {"at.q % " + small, [=](const Position &at) { return at.q % by; }},
                           {"at.q - at.k", [](const Position &at) { return at.q - at.k; }},
                           {"at.k + (" + std::to_string(on) + ")", [=](const Position &at) { return at.k + on; }},
                           {"at.Sk - at.Sq", [](const Position &at) { return at.Sk - at.Sq; }}});
    return {"(load t[" + index.text + "])", [=](const Position &at) {
              __int128 i = index.value(at);
              return i < 0 || i >= int64_t(kMaskTable.size()) ? 0 : kMaskTable[size_t(i)];
            }};
  }
  /// Two entries (documents), an entry and a number, or a position and one that an entry moves (prefixes, windows).
  Truth tabledComparison() {
    Number x = entry(), y = chance(40) ? entry() : number();
    if (chance(40)) {
      Number from = field();
      x = {"(" + from.text + " + " + x.text + ")", [=](const Position &at) { return from.value(at) + x.value(at); }};
    }
    return chance(50) ? compared(x, y) : compared(y, x);
  }
  Number choose(const std::vector<Number> &numbers) { return numbers[size_t(pick(0, int64_t(numbers.size()) - 1))]; }

  static Truth both(const Truth &x, const Truth &y) {
    return {x.text + " && " + y.text, [=](const Position &at) { return x.value(at) && y.value(at); }};
  }
  static Truth either(const Truth &x, const Truth &y) {
    return {"(" + x.text + " || " + y.text + ")", [=](const Position &at) { return x.value(at) || y.value(at); }};
  }

  std::mt19937_64 random;
};

} // namespace imbrex::test

#endif // IMBREX_TESTS_COMPILER_TILE_MASKGENERATOR_H
