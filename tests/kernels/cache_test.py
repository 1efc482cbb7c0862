#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""kernels/cache_append.tile beside plain Python: new rows behind those that dense, padded and paged caches hold, turned at
their positions or not, in order or of odd lengths. Whatever is no row of a sequence is NaN and stays so. See runs.py."""
import math, random, unittest

from runs import Runs

B, HK, D, DV = 4, 3, 8, 6
PAST, NEW = [7, 0, 4, 15], [2, 3, 0, 1]  # a page's end within the new rows, an empty cache, nothing new, a page's last row
NOW = [past + new for past, new in zip(PAST, NEW)]
OFFSETS = [sum(NEW[:b]) for b in range(B + 1)]
BASE = 500.0


def array(type_, shape, values):
    values = iter(values)
    return type_, shape, lambda _: next(values)


class Cache:
    """A cache of rows that count up; `place(b, position)` is where a row lies in its storage of `rows` rows."""

    def __init__(self, width, rows, place):
        self.width, self.place = width, place
        self.values = [math.nan] * (rows * HK * width)
        for b in range(B):
            for position in range(PAST[b]):
                for c in range(HK * width):
                    self.values[place(b, position) * HK * width + c] = b * 64 + position + c / 64

    def with_new(self, row_of):
        """`row_of(b, s)`: HK * width numbers that are new row s of sequence b."""
        values = list(self.values)
        for b in range(B):
            for s in range(NEW[b]):
                at = self.place(b, PAST[b] + s) * HK * self.width
                values[at:at + HK * self.width] = row_of(b, s)
        return values


def turned(row, position, width, features, interleaved):
    """Heads of `width` features, the first `features` of each turned."""
    row = list(row)
    for head in range(0, len(row), width):
        for p in range(features // 2):
            i, j = (2 * p, 2 * p + 1) if interleaved else (p, p + features // 2)
            angle = position * BASE ** (-2 * p / features)
            x, y = row[head + i], row[head + j]
            row[head + i] = x * math.cos(angle) - y * math.sin(angle)
            row[head + j] = x * math.sin(angle) + y * math.cos(angle)
    return row


class CacheAppend(Runs):
    FOLDER = "kernels"
    HOOKS = {"cosine": "cos(angle_of(base)(position, pair))", "sine": "sin(angle_of(base)(position, pair))"}

    def file_of(self, kernel):
        return "cache_append.tile"

    def same(self, got, want, limit):
        self.assertEqual(len(got), len(want))
        for i, (x, y) in enumerate(zip(got, want)):
            self.assertTrue(abs(x - y) <= limit * (1 + abs(y)) or (math.isnan(x) and math.isnan(y)), "%d: %r, expected %r" % (i, x, y))

    def check(self, storage, rows, place, shape, extra, features, interleaved, device, tables=False):
        source = random.Random(rows + features)
        new = {width: [[source.gauss(0, 1) for _ in range(HK * width)] for _ in range(OFFSETS[B])] for width in (D, DV)}
        keys, values = Cache(D, rows, place), Cache(DV, rows, place)
        inputs = {}
        for name, width, cache in ("K", D, keys), ("V", DV, values):
            inputs["%sN ragged 0" % name] = array("f32", (OFFSETS[B], HK, width), [x for row in new[width] for x in row])
            inputs["%sN ragged 1" % name] = array("i32", (B + 1,), OFFSETS)
            inputs["%s %s 0" % (name, storage)] = array("f32", shape + (HK, width), cache.values)
            for i, (extents, numbers) in enumerate(extra):
                inputs["%s %s %d" % (name, storage, i + 1)] = array("i32", extents, numbers)
        hooks, scalars = ({}, {}) if not features else (self.HOOKS, {"base": BASE})
        if tables:
            hooks, scalars = {"cosine": "table(cosines)(position, pair)", "sine": "table(sines)(position, pair)"}, {}
            for name, function in ("cosines", math.cos), ("sines", math.sin):
                inputs[name] = array("f32", (max(NOW), features // 2), [function(s * BASE ** (-2 * p / features))
                                                                         for s in range(max(NOW)) for p in range(features // 2)])
        found = self.run_kernel("cache_append", {"K": 0, "V": 0}, inputs, scalars,
                                ["T=f32", "R=%d" % features, "INTERLEAVED=%d" % interleaved], device, hooks)
        row = lambda width, b, s: new[width][OFFSETS[b] + s]
        self.same(found["V"], values.with_new(lambda b, s: row(DV, b, s)), 1e-7)
        self.same(found["K"], keys.with_new(lambda b, s: turned(row(D, b, s), PAST[b] + s, D, features, interleaved)), 2e-6)

    def test_padded(self):
        most = max(NOW) + 2
        for device, _ in self.on_devices():
            for features, interleaved in (0, 0), (D, 1), (4, 0):
                self.check("padded", B * most, lambda b, s: b * most + s, (B, most), [((B,), NOW)], features, interleaved, device)

    def test_paged(self):
        for page in 1, 5, 16:
            columns = -(-max(NOW) // page) + 1
            pages = B * columns + 2
            order = random.Random(page).sample(range(pages), B * columns)
            place = lambda b, s: order[b * columns + s // page] * page + s % page
            for (device, _), features, interleaved in zip(self.on_devices(), (D, 4), (0, 1)):
                self.check("paged", pages * page, place, (pages, page), [((B, columns), order), ((B,), NOW)], features,
                           interleaved, device, tables=page == 5)

    def test_queries(self):
        """Queries are the last of their sequences, and turn as the keys there do."""
        heads, rows = 5, 2
        for (device, _), interleaved in zip(self.on_devices(), (0, 1)):
            source = random.Random(7)
            q = [[source.gauss(0, 1) for _ in range(heads * D)] for _ in range(B * rows)]
            inputs = {"Q": array("f32", (B, rows, heads, D), [x for row in q for x in row]),
                      "K padded 0": array("f32", (B, max(NOW), 1, D), [math.nan] * B * max(NOW) * D),
                      "K padded 1": array("i32", (B,), NOW)}
            found = self.run_kernel("rotary_queries", {"QT": 0}, inputs, {"base": BASE},
                                    ["T=f32", "R=6", "INTERLEAVED=%d" % interleaved], device, self.HOOKS)
            want = [x for b in range(B) for s in range(rows)
                    for x in turned(q[b * rows + s], NOW[b] - rows + s, D, 6, interleaved)]
            self.same(found["QT"], want, 2e-6)

    def test_lengths(self):
        for device, _ in self.on_devices():
            inputs = {"KN ragged 0": array("f32", (OFFSETS[B], 1, 1), [0] * OFFSETS[B]),
                      "KN ragged 1": array("i32", (B + 1,), OFFSETS), "Lengths": array("i32", (B,), PAST)}
            self.assertEqual(self.run_kernel("cache_advance", {"Lengths": 0}, inputs, (), (), device)["Lengths"], NOW)


if __name__ == "__main__":
    unittest.main()
