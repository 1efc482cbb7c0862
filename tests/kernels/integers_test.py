#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Integers against Python's: casts to floats, and random expressions of all types with what Grammar.md says of
wrapping, division by zero, shifts, casts, numbers without sign and comparisons. The interpreter is no oracle for what
the frontend makes of the text, as it is handed that. See runs.py.

usage: integers_test.py IMBREX SOURCE_DIR [DEVICE] [--long]
"""
import math, random, sys, unittest

LONG = "--long" in sys.argv
sys.argv = [word for word in sys.argv if word != "--long"]
from runs import DEVICES, Runs

BITS = {"i8": 8, "i32": 32, "i64": 64, "u8": 8, "u32": 32}
LANES, EXPRESSIONS = 32, 12


def least(type_):
    return -(1 << (BITS[type_] - 1)) if type_[0] == "i" else 0


def most(type_):
    return (1 << (BITS[type_] - (type_[0] == "i"))) - 1


def wrap(value, type_):
    return (value - least(type_)) % (1 << BITS[type_]) + least(type_)


def divide(x, y):
    """Towards zero; 0 where y is 0."""
    return 0 if y == 0 else abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)


def divide_up(x, y):
    return int(x > 0) if y == 0 else -((-x) // y)


def shift(x, by, type_, left):
    if not 0 <= by < BITS[type_]:
        return -1 if not left and x < 0 else 0
    return x << by if left else x >> by


OPERATORS = {
    "+": lambda x, y, _: x + y, "-": lambda x, y, _: x - y, "*": lambda x, y, _: x * y,
    "/": lambda x, y, _: divide(x, y), "%": lambda x, y, _: x - divide(x, y) * y if y else 0,
    "&": lambda x, y, _: x & y, "|": lambda x, y, _: x | y, "^": lambda x, y, _: x ^ y,
    "<<": lambda x, y, type_: shift(x, y, type_, True), ">>": lambda x, y, type_: shift(x, y, type_, False),
}
CALLS = {"min": min, "max": max, "cdiv": divide_up}
COMPARISONS = {
    "<": lambda x, y: x < y, "<=": lambda x, y: x <= y, ">": lambda x, y: x > y, ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y, "!=": lambda x, y: x != y,
}


class Expressions:
    """Writes random expressions: a text, and what it is in lane i."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        edges = lambda t: [0, 1, 2, 3, most(t), most(t) - 1, least(t), least(t) + 1, wrap(-1, t)]
        self.inputs = {name + side: [self.random.choice(edges(name) + [self.random.randint(least(name), most(name))] * 3)
                                     for _ in range(LANES)] for name in BITS for side in "ab"}

    def literal(self, type_, least_value):
        """One that can be written: the smallest i64 has no text, as a minus is no part of a number."""
        value = max(self.random.choice([0, 1, 2, 3, 7, 100, most(type_), least(type_)]), least_value, -most("i64"))
        return "(%d)" % value, lambda i: value

    def value(self, type_, depth):
        if depth <= 0 or self.random.random() < 0.1:
            name = type_ + self.random.choice("ab")
            return name, self.inputs[name].__getitem__
        kind = self.random.randrange(8)
        if kind == 0:
            source = self.random.choice(list(BITS))
            text, of = self.value(source, depth - 1)
            return "cast<%s>(%s)" % (type_, text), lambda i: wrap(of(i), type_)
        if kind == 1:
            condition, holds = self.condition(depth - 1)
            (x, of_x), (y, of_y) = self.value(type_, depth - 1), self.literal(type_, least(type_))
            return "where(%s, %s, %s)" % (condition, x, y), lambda i: of_x(i) if holds(i) else of_y(i)
        x, of_x = self.value(type_, depth - 1)
        if kind == 2:
            return self.random.choice([("abs(%s)" % x, lambda i: wrap(abs(of_x(i)), type_)),
                                       ("(-%s)" % x, lambda i: wrap(-of_x(i), type_))])
        if kind == 3:
            word = self.random.choice(list(CALLS))
            y, of_y = self.value(type_, depth - 1)
            return "%s(%s, %s)" % (word, x, y), lambda i: wrap(CALLS[word](of_x(i), of_y(i)), type_)
        word = self.random.choice(list(OPERATORS))
        takes_literal = self.random.random() < 0.4 # not 0 as a divisor, which is an error
        y, of_y = self.literal(type_, 1 if word in "/%" else least(type_)) if takes_literal else self.value(type_, depth - 1)
        return "(%s %s %s)" % (x, word, y), lambda i: wrap(OPERATORS[word](of_x(i), of_y(i), type_), type_)

    def condition(self, depth):
        if depth > 0 and self.random.random() < 0.3:
            (x, of_x), (y, of_y) = self.condition(depth - 1), self.condition(depth - 1)
            return self.random.choice([("(%s && %s)" % (x, y), lambda i: of_x(i) and of_y(i)),
                                       ("!(%s || %s)" % (x, y), lambda i: not (of_x(i) or of_y(i)))])
        type_, word = self.random.choice(list(BITS)), self.random.choice(list(COMPARISONS))
        x, of_x = self.value(type_, depth)
        y, of_y = self.random.choice([self.value(type_, depth), self.literal(type_, least(type_))])
        return "(%s %s %s)" % (x, word, y), lambda i: COMPARISONS[word](of_x(i), of_y(i))


class Integers(Runs):
    def test_expressions(self):
        for seed in range(200 if LONG else 4):
            source = Expressions(seed)
            results = []
            for number in range(EXPRESSIONS):
                type_ = source.random.choice(list(BITS))
                results.append((type_,) + source.value(type_, 3))
            inputs = {"V" + name: (name[:-1], (LANES,), lambda _, each=iter(values): next(each))
                      for name, values in source.inputs.items()}
            text = "kernel integers(%s) tune { warps: {1, 2} = %d; } grid (1) |g| {\n%s%s}\n" % (
                ", ".join(["V%s: view<%s>[N]" % (name, name[:-1]) for name in source.inputs] +
                          ["O%d: out view<%s>[N]" % (k, row[0]) for k, row in enumerate(results)]), 1 + seed % 2,
                "".join("let %s = load V%s[0 :+ %d];\n" % (name, name, LANES) for name in source.inputs),
                "".join("store O%d[0 :+ %d] = %s;\n" % (k, LANES, row[1]) for k, row in enumerate(results)))
            found = self.run_kernel("integers", {"O%d" % k: str(LANES) for k in range(EXPRESSIONS)}, inputs, device=DEVICES[0], text=text)
            for k, (type_, expression, of) in enumerate(results):
                self.assertEqual(found["O%d" % k], [of(i) for i in range(LANES)], "seed %d: %s" % (seed, expression))


DIGITS, LARGEST = {"f16": 11, "bf16": 8, "f32": 24, "f64": 53}, {"f16": 65504}


def nearest(value, type_):
    """The float of `type_` nearest to an integer, to even in the middle."""
    size = abs(value)
    unit = 1 << max(size.bit_length() - DIGITS[type_], 0)
    low = size % unit
    size += (unit if 2 * low > unit or (2 * low == unit and size // unit % 2) else 0) - low
    return math.copysign(math.inf if size > LARGEST.get(type_, size) else size, value)


class Casts(Runs):
    def test_integers_are_rounded_once(self):
        source, sizes = random.Random(3), {"i32": 31, "u32": 32, "i64": 63}
        values = {type_: [least(type_), most(type_), 0, 1, -(type_[0] == "i")] for type_ in sizes}
        for type_, bits in sizes.items():
            while len(values[type_]) < 64: # next to the middle of two floats
                digits, top = source.choice([8, 11, 24]), source.randrange(26, bits)
                middle = (1 << top | source.getrandbits(top) | 1 << top - digits) >> (top - digits) << (top - digits)
                value = middle + source.choice([-1, 0, 1])
                values[type_].append(min(value, most(type_)) * source.choice([1, -1 if type_[0] == "i" else 1]))
        text = "kernel integers(%s) grid (1) |g| {\n%s}\n" % (
            ", ".join(["V%s: view<%s>[N]" % (type_, type_) for type_ in sizes] +
                      ["O%s%s: out view<%s>[N]" % (type_, to, to) for type_ in sizes for to in DIGITS]),
            "".join("store O%s%s[0 :+ 64] = cast<%s>(load V%s[0 :+ 64]);\n" % (type_, to, to, type_)
                    for type_ in sizes for to in DIGITS))
        for device in DEVICES:
            inputs = {"V" + type_: (type_, (64,), lambda _, each=iter(row): next(each)) for type_, row in values.items()}
            found = self.run_kernel("integers", {"O" + type_ + to: "64" for type_ in sizes for to in DIGITS}, inputs,
                                    device=device, text=text)
            for type_, row in values.items():
                for to in DIGITS:
                    self.assertEqual(found["O" + type_ + to], [nearest(value, to) for value in row], type_ + " to " + to)

    def test_bytes_are_words_of_four(self):
        """All bytes, eight a thread: as floats, moved by an integer behind the cast or by what is none, and their bits."""
        bytes_ = {"u": list(range(256)), "i": [wrap(x, "i8") for x in range(256)], "w": [(7 * x + 3) % 256 for x in range(256)]}
        results = []  # (type, expression, values)
        for name in "ui":
            for to in DIGITS:
                for moved in (0, -8, 131, -0.5) + ((1 << 20, (1 << 20) + 1) if to in ("f32", "f64") else ()):
                    behind = " %s %s" % ("-" if moved < 0 else "+", abs(moved)) if moved else ""
                    results.append((to, "cast<%s>(%s)%s" % (to, name, behind),
                                    [nearest(int(2 * (x + moved)), to) / 2 for x in bytes_[name]]))
        pairs = list(zip(bytes_["u"], bytes_["w"]))
        results += [("u8", "u & 15", [x & 15 for x, _ in pairs]), ("u8", "w & u", [x & y for x, y in pairs]),
                    ("u8", "u | w", [x | y for x, y in pairs]), ("u8", "u ^ w", [x ^ y for x, y in pairs])]
        for by in (0, 1, 4, 7, 8):
            results += [("u8", "u >> %d" % by, [x >> by for x, _ in pairs]), ("u8", "w << %d" % by, [(y << by) % 256 for _, y in pairs])]
        text = "kernel integers(U: view<u8>[256], I: view<i8>[256], W: view<u8>[256], %s) tune { warps: {1, 2} = 1; } grid (1) |g| {\n%s%s}\n" % (
            ", ".join("O%d: out view<%s>[256]" % (k, row[0]) for k, row in enumerate(results)),
            "let u = load U[0 :+ 256]; let i = load I[0 :+ 256]; let w = load W[0 :+ 256];\n",
            "".join("store O%d[0 :+ 256] = %s;\n" % (k, row[1]) for k, row in enumerate(results)))
        for device in DEVICES:
            inputs = {name.upper(): ("i8" if name == "i" else "u8", (256,), lambda _, each=iter(values): next(each))
                      for name, values in bytes_.items()}
            found = self.run_kernel("integers", {"O%d" % k: "256" for k in range(len(results))}, inputs, device=device, text=text)
            for k, (type_, expression, values) in enumerate(results):
                self.assertEqual(found["O%d" % k], values, type_ + " " + expression)


if __name__ == "__main__":
    unittest.main()
