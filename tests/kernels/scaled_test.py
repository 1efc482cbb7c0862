#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""kernels/attention_forward.tile over keys and values of 8 and 16 bits times scales: dense, padded, ragged and paged, one
scale, one a head, one a block of positions, beside attention in plain Python, which makes the bits of the elements
itself. Elements and scales that belong to no sequence are NaN. See runs.py."""
import math, random, unittest

from runs import Runs, array, value_of

B, HK, G, D = 3, 2, 2, 16
H = HK * G
QUERIES, KEYS = 21, [37, 5, 0]
NAN8 = {"f8e4m3": 0x7f, "f8e5m2": 0x7e, "i8": 0}


class Elements:
    """Sequences of rows of bytes, HK * D each, and a scale for each block of positions of a sequence and head."""

    def __init__(self, seed, element, block):
        self.source, self.element, self.block = random.Random(seed), element, block
        self.rows = [[[self.byte() for _ in range(HK * D)] for _ in range(n)] for n in KEYS]
        self.scales = {}

    def byte(self):
        if self.element == "i8":
            return self.source.randint(0, 255)
        low, high = (0x20, 0x40) if self.element == "f8e4m3" else (0x30, 0x40)  # some are below 2^-6
        return self.source.choice((0, 0x80)) | self.source.randint(low, high)

    def scale(self, each, b, s, h):
        place = {"view": (), "heads": (h,), "blocks": (b, s // self.block, h)}[each]
        if place not in self.scales:
            self.scales[place] = 2.0 ** self.source.uniform(-1, 1) / (100 if self.element == "i8" else 1)
        return self.scales[place]

    def number(self, each, b, s, h, d):
        return value_of(self.rows[b][s][h * D + d], self.element) * self.scale(each, b, s, h)

    def array_of(self, shape, rows):
        """Bytes as the file has them; None is a row that is nobody's."""
        flat = [x for row in rows for x in (row or [NAN8[self.element]] * (HK * D))]
        if self.element == "i8":
            return array("i8", shape, [value_of(x, "i8") for x in flat])
        return array("u8", shape, flat)

    def scales_of(self, name, each):
        key = "%s scales %s%s" % (name, self.element, " %d" % self.block if each == "blocks" else "")
        if each == "view":
            return {key: array("f32", (1,), [self.scale(each, 0, 0, 0)])}
        if each == "heads":
            return {key: array("f32", (HK,), [self.scale(each, 0, 0, h) for h in range(HK)])}
        blocks = -(-max(KEYS) // self.block) + 1
        return {key: array("f32", (B, blocks, HK),
                           [self.scale(each, b, t * self.block, h) if t * self.block < KEYS[b] else math.nan
                            for b in range(B) for t in range(blocks) for h in range(HK)])}

    def stored(self, name, storage, page=0):
        if storage in ("dense", "padded"):
            most = max(KEYS) + (3 if storage == "padded" else 0)
            rows = [row for rows in self.rows for row in rows + [None] * (most - len(rows))]
            elements = self.array_of((B, most, HK, D), rows)
            return {name: elements} if storage == "dense" else {name + " padded 0": elements,
                                                                name + " padded 1": array("i32", (B,), KEYS)}
        if storage == "ragged":
            offsets = [2 + sum(KEYS[:b]) for b in range(B + 1)]
            rows = [None] * 2 + [row for rows in self.rows for row in rows] + [None] * 2
            return {name + " ragged 0": self.array_of((len(rows), HK, D), rows),
                    name + " ragged 1": array("i32", (B + 1,), offsets)}
        columns = -(-max(KEYS) // page) + 1
        order = random.Random(page).sample(range(B * columns), B * columns)
        pool = [None] * (B * columns * page)
        for b, rows in enumerate(self.rows):
            for s, row in enumerate(rows):
                pool[order[b * columns + s // page] * page + s % page] = row
        return {name + " paged 0": self.array_of((B * columns, page, HK, D), pool),
                name + " paged 1": array("i32", (B, columns), order), name + " paged 2": array("i32", (B,), KEYS)}


class Scaled(Runs):
    FOLDER = "kernels"

    def expected(self, q, k, v, each, b, i, h, length):
        seen = [j for j in range(length) if j <= i + length - QUERIES]
        query = q[((b * QUERIES + i) * H + h) * D:][:D]
        dot = lambda j: sum(x * k.number(each, b, j, h // G, d) for d, x in enumerate(query))
        logits = [dot(j) / math.sqrt(D) for j in seen]
        weights = [math.exp(s - max(logits)) for s in logits]
        return [sum(w * v.number(each, b, j, h // G, d) for w, j in zip(weights, seen)) / (sum(weights) or 1)
                for d in range(D)]

    def check(self, element, storage, each, block, device, setting, page=0):
        k, v = Elements(1, element, block), Elements(2, element, block)
        inputs = {"Q": ("f32" if setting[0] == "T=f32" else "f16", (B, QUERIES, H, D), lambda source: source.gauss(0, 1)),
                  **k.stored("K", storage, page), **k.scales_of("K", each),
                  **v.stored("V", storage, page), **v.scales_of("V", each)}
        found = self.run_kernel("attention_forward", {"O": 0}, inputs, (), setting, device, {"mask": "causal"})
        for b, n in enumerate(KEYS):
            if storage == "dense" and n < max(KEYS):
                continue  # what lies behind its rows is part of it
            for i in range(0, QUERIES, 4):
                for h in range(H):
                    at = ((b * QUERIES + i) * H + h) * D
                    self.near(found["O"][at:at + D], self.expected(found["in"]["Q"], k, v, each, b, i, h, n),
                              2e-5 if setting[0] == "T=f32" else 4e-3)

    def test_storages(self):
        """Every storage, every kind of scales, both floats and i8; tiles within a block and across blocks."""
        settings = ["T=f16", "BM=16", "BN=16", "warps=1", "stages=2"], ["T=f32", "BM=16", "BN=16", "warps=2"]
        cases = [("dense", "view", 0, 0), ("dense", "blocks", 16, 0), ("padded", "heads", 0, 0), ("ragged", "blocks", 32, 0),
                 ("ragged", "blocks", 5, 0), ("paged", "blocks", 16, 16), ("paged", "heads", 0, 5), ("paged", "blocks", 8, 64)]
        elements = ["f8e4m3", "i8", "f8e5m2"]
        for number, (storage, each, block, page) in enumerate(cases):
            for device, setting in self.on_devices(settings[number % 2]):
                self.check(elements[number % 3], storage, each, max(block, 1), device, setting, page)


if __name__ == "__main__":
    unittest.main()
