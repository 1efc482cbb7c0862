#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""kernels/cache_append.tile and attention_append.tile beside plain Python: new rows behind those that dense, padded and paged
caches hold, turned at their positions or not, in order or of odd lengths, quantised, and attended to in the same launch.
Whatever is no row of a sequence is NaN and stays so. See runs.py."""
import math, random, unittest

from runs import Runs, array, value_of

B, HK, D, DV = 4, 3, 8, 6
PAST, NEW = [7, 0, 4, 15], [2, 3, 0, 1]  # a page's end within the new rows, an empty cache, nothing new, a page's last row
NOW = [past + new for past, new in zip(PAST, NEW)]
OFFSETS = [sum(NEW[:b]) for b in range(B + 1)]
BASE = 500.0
SQ, G = 2, 2


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
        return "attention_append.tile" if kernel == "attention_append" else "cache_append.tile"

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

    def scales(self, each, source):
        """(what a launch is given, the hook's function, the scale of (b, position, h))"""
        if each == "view":
            one = source.uniform(0.01, 0.02)
            return array("f32", (1,), [one]), "of_view(%s)", lambda b, s, h: one
        if each == "head":
            some = [source.uniform(0.005, 0.05) for _ in range(HK)]
            return array("f32", (HK,), some), "of_head(%s)", lambda b, s, h: some[h]
        block, blocks = 3, -(-max(NOW) // 3)
        some = [source.uniform(0.005, 0.05) for _ in range(B * blocks * HK)]
        return array("f32", (B, blocks, HK), some), "of_block(%%s, %d)" % block, lambda b, s, h: some[(b * blocks + s // block) * HK + h]

    def nearest(self, number, element, x):
        """No other element is nearer to x, but for what f32 rounds."""
        numbers = [value_of(other, element) for other in range(256) if element == "i8" or other & 0x7f < (0x7f if element == "f8e4m3" else 0x7c)]
        self.assertIn(number, numbers)
        self.assertLessEqual(abs(number - x), min(abs(y - x) for y in numbers) + 1e-5 * abs(x), x)

    def check_quantised(self, element, each, features, interleaved, device):
        most = max(NOW) + 2
        source = random.Random(element + each)
        new = {width: [[source.gauss(0, 1) for _ in range(HK * width)] for _ in range(OFFSETS[B])] for width in (D, DV)}
        inputs, hooks, scale_at = {}, dict(self.HOOKS) if features else {}, {}
        before = {}
        for name, width, hook, scales in ("K", D, "key_scale", "KS"), ("V", DV, "value_scale", "VS"):
            inputs["%sN ragged 0" % name] = array("f32", (OFFSETS[B], HK, width), [x for row in new[width] for x in row])
            inputs["%sN ragged 1" % name] = array("i32", (B + 1,), OFFSETS)
            before[name] = [source.randint(-128, 127) if element == "i8" else source.randint(0, 0x7b) for _ in range(B * most * HK * width)]
            inputs["%s padded 0" % name] = array("i8" if element == "i8" else "u8", (B, most, HK, width), before[name])
            inputs["%s padded 1" % name] = array("i32", (B,), NOW)
            inputs[scales], bound, scale_at[name] = self.scales(each, source)
            hooks[hook] = bound % scales + "(b, position, h)"
        found = self.run_kernel("cache_append_scaled", {"K": 0, "V": 0}, inputs, {"base": BASE} if features else {},
                                ["T=f32", "C=" + element, "R=%d" % features, "INTERLEAVED=%d" % interleaved], device, hooks)
        for name, width in ("K", D), ("V", DV):
            for b in range(B):
                for s in range(most):
                    at = (b * most + s) * HK * width
                    row = found[name][at:at + HK * width]  # as numbers
                    if not PAST[b] <= s < NOW[b]:
                        self.assertEqual(row, [value_of(x & 0xff, element) for x in before[name][at:at + HK * width]])
                        continue
                    want = new[width][OFFSETS[b] + s - PAST[b]]
                    want = turned(want, s, D, features, interleaved) if name == "K" else want
                    for i, (number, x) in enumerate(zip(row, want)):
                        self.nearest(number, element, x / scale_at[name](b, s, i // width))

    def test_quantised(self):
        cases = ("i8", "view", 0, 0), ("i8", "block", D, 1), ("f8e4m3", "head", 4, 0), ("f8e4m3", "block", 0, 0), ("f8e5m2", "view", D, 0)
        for (device, _), some in zip(self.on_devices(), (cases[::2], cases[1::2])):
            for case in some:
                self.check_quantised(*case, device)

    def attended(self, q, rows, b, i, h):
        """(o, lse) of query i, by all keys up to its own."""
        keys, values = rows
        seen = range(NOW[b] - SQ + i + 1)
        part = lambda row, width: row[h // G * width:(h // G + 1) * width]
        logits = [sum(x * y for x, y in zip(q, part(keys[s], D))) / math.sqrt(D) for s in seen]
        total = sum(map(math.exp, logits))
        return [sum(math.exp(x) * part(values[s], DV)[d] for x, s in zip(logits, seen)) / total for d in range(DV)], math.log(total)

    def check_attended(self, storage, rows, place, shape, extra, features, interleaved, parts, device):
        source = random.Random(rows + features)
        new = {width: [[source.gauss(0, 1) for _ in range(HK * width)] for _ in range(OFFSETS[B])] for width in (D, DV)}
        old = {width: {place(b, s): [source.gauss(0, 1) for _ in range(HK * width)] for b in range(B) for s in range(PAST[b])} for width in (D, DV)}
        queries = [[source.gauss(0, 1) for _ in range(HK * G * D)] for _ in range(B * SQ)]
        inputs = {"Q": array("f32", (B, SQ, HK * G, D), [x for row in queries for x in row])}
        for name, width in ("K", D), ("V", DV):
            inputs["%sN ragged 0" % name] = array("f32", (OFFSETS[B], HK, width), [x for row in new[width] for x in row])
            inputs["%sN ragged 1" % name] = array("i32", (B + 1,), OFFSETS)
            cache = [x for row in range(rows) for x in old[width].get(row, [math.nan] * (HK * width))]
            inputs["%s %s 0" % (name, storage)] = array("f32", shape + (HK, width), cache)
            for i, (extents, numbers) in enumerate(extra):
                inputs["%s %s %d" % (name, storage, i + 1)] = array("i32", extents, numbers)
        found = self.run_kernel("attention_append", {"K": 0, "V": 0, "O": "%dx%dx%dx%dx%d" % (parts, B, SQ, HK * G, DV),
                                                     "L": "%dx%dx%dx%d" % (parts, B, HK * G, SQ)},
                                inputs, {"base": BASE} if features else {},
                                ["T=f32", "U=f32", "R=%d" % features, "INTERLEAVED=%d" % interleaved], device,
                                {**(self.HOOKS if features else {}), "mask": "causal"})
        for b in range(B):
            at = lambda width, s: old[width][place(b, s)] if s < PAST[b] else new[width][OFFSETS[b] + s - PAST[b]]
            key = lambda s: at(D, s) if s < PAST[b] else turned(at(D, s), s, D, features, interleaved)
            both = [key(s) for s in range(NOW[b])], [at(DV, s) for s in range(NOW[b])]
            for name, width, want in ("K", D, both[0]), ("V", DV, both[1]):
                for s in range(NOW[b]):
                    lies = place(b, s) * HK * width
                    self.same(found[name][lies:lies + HK * width], want[s], 2e-6)
            for i in range(SQ):
                for h in range(HK * G):
                    q = queries[b * SQ + i][h * D:(h + 1) * D]
                    want, lse = self.attended(turned(q, NOW[b] - SQ + i, D, features, interleaved), both, b, i, h)
                    logs = [found["L"][((p * B + b) * HK * G + h) * SQ + i] for p in range(parts)]
                    shares = [math.exp(x - lse) for x in logs]
                    start = [(((p * B + b) * SQ + i) * HK * G + h) * DV for p in range(parts)]
                    self.same([sum(w * found["O"][x + d] for w, x in zip(shares, start)) for d in range(DV)], want, 1e-5)
                    self.assertAlmostEqual(sum(shares), 1, delta=1e-5)

    def test_attended(self):
        most = max(NOW) + 2
        order = random.Random(3).sample(range(B * 5 + 2), B * 5)
        padded = "padded", B * most, lambda b, s: b * most + s, (B, most), [((B,), NOW)]
        paged = "paged", (B * 5 + 2) * 5, lambda b, s: order[b * 5 + s // 5] * 5 + s % 5, (B * 5 + 2, 5), [((B, 5), order), ((B,), NOW)]
        for (device, _), some in zip(self.on_devices(), (((0, 0, 1), (4, 1, 3)), ((D, 0, 2), (D, 1, 1)))):
            for storage, (features, interleaved, parts) in zip((padded, paged), some):
                self.check_attended(*storage, features, interleaved, parts, device)

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
