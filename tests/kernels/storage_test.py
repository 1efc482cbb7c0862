#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""kernels/attention_forward.tile, and attention_bytes.tile by the copy engine, over padded, ragged and paged storage, beside attention in plain Python. What lies
outside the sequences holds NaN. Shapes are odd on purpose. See runs.py."""
import math, random, unittest

from runs import Runs, array

B, HK, G, D = 3, 2, 2, 16
H = HK * G
QUERIES, KEYS = [21, 0, 34], [37, 5, 0]  # lengths; of a dense view the largest
SETTINGS = (["T=f32"], ["T=f16", "BM=16", "BN=16", "warps=1", "stages=3"])


class Sequences:
    """`lengths` sequences of `heads` rows of D numbers, dealt out to each storage; what is not theirs is NaN."""

    def __init__(self, seed, lengths, heads):
        source = random.Random(seed)
        self.lengths, self.heads = lengths, heads
        self.rows = [[[source.gauss(0, 1) for _ in range(heads * D)] for _ in range(n)] for n in lengths]

    def in_quarters(self):
        """The same, rounded to what floats of 8 bits are too."""
        self.rows = [[[max(-3, min(3, round(4 * x) / 4)) for x in row] for row in rows] for rows in self.rows]
        return self

    def padded(self, name, type_):
        most = max(self.lengths) + 3
        values = [x for rows in self.rows for row in rows + [[math.nan] * self.heads * D] * (most - len(rows)) for x in row]
        return {name + " padded 0": array(type_, (B, most, self.heads, D), values),
                name + " padded 1": array("i32", (B,), self.lengths)}

    def ragged(self, name, type_):
        """A sequence of NaN before the first and one behind the last."""
        hidden, offsets = [[math.nan] * self.heads * D] * 2, [2]
        for n in self.lengths:
            offsets.append(offsets[-1] + n)
        values = [x for rows in [hidden] + self.rows + [hidden] for row in rows for x in row]
        return {name + " ragged 0": array(type_, (offsets[-1] + 2, self.heads, D), values),
                name + " ragged 1": array("i32", (B + 1,), offsets)}

    def paged(self, page):
        def arguments(name, type_):
            columns = max(-(-n // page) for n in self.lengths) + 1
            pages = B * columns
            order = random.Random(page).sample(range(pages), pages)
            pool = [[math.nan] * self.heads * D for _ in range(pages * page)]
            for b, rows in enumerate(self.rows):
                for s, row in enumerate(rows):
                    pool[order[b * columns + s // page] * page + s % page] = row
            return {name + " paged 0": array(type_, (pages, page, self.heads, D), [x for row in pool for x in row]),
                    name + " paged 1": array("i32", (B, columns), order),
                    name + " paged 2": array("i32", (B,), self.lengths)}
        return arguments


class Storage(Runs):
    FOLDER = "kernels"
    q, k, v = Sequences(1, QUERIES, H), Sequences(2, KEYS, HK), Sequences(3, KEYS, HK)

    def expected(self, b, i, h, isSeen):
        """Row i of sequence b and head h of O."""
        key = lambda x, j: x.rows[b][j][h // G * D:(h // G + 1) * D]
        q = self.q.rows[b][i][h * D:(h + 1) * D]
        seen = [j for j in range(KEYS[b]) if isSeen(i, j, QUERIES[b], KEYS[b])]
        logits = [sum(x * y for x, y in zip(q, key(self.k, j))) / math.sqrt(D) for j in seen]
        weights = [math.exp(s - max(logits)) for s in logits]
        total = sum(weights) or 1
        return [sum(w * key(self.v, j)[d] for w, j in zip(weights, seen)) / total for d in range(D)]

    def check(self, q, kv, row_of, device, setting, hooks=(), isSeen=lambda *_: True):
        """row_of(b, i) is the row of O that has query i of sequence b."""
        type_ = setting[0][2:]
        name, limit = "attention_forward", 2e-5 if type_ == "f32" else 4e-3
        if type_.startswith("f8"):  # arrays of f32, which are converted; weights are off by 2^-4 of themselves
            name, limit, type_ = "attention_bytes", 0.07, "f32"
        inputs = {**q("Q", type_), **kv(self.k, "K", type_), **kv(self.v, "V", type_)}
        found = self.run_kernel(name, {"O": 0}, inputs, (), setting, device, hooks)["O"]
        rows = set()
        for b, n in enumerate(QUERIES):
            for i in range(n):
                at = row_of(b, i)
                rows.add(at)
                for h in range(H):
                    self.near(found[(at * H + h) * D:(at * H + h + 1) * D], self.expected(b, i, h, isSeen), limit)
        for at in set(range(len(found) // H // D)) - rows:
            self.assertTrue(all(math.isnan(x) for x in found[at * H * D:(at + 1) * H * D]), "row %d is nobody's" % at)

    def test_padded(self):
        most = max(QUERIES) + 3
        for device, setting in self.on_devices(*SETTINGS):
            self.check(self.q.padded, Sequences.padded, lambda b, i: b * most + i, device, setting)

    def test_ragged(self):
        starts = [2 + sum(QUERIES[:b]) for b in range(B)]
        causal = lambda i, j, sq, sk: j <= i + sk - sq
        for device, setting in self.on_devices(*SETTINGS):
            self.check(self.q.ragged, Sequences.ragged, lambda b, i: starts[b] + i, device, setting,
                       {"mask": "causal"}, causal)

    def test_paged(self):
        """Pages of one row, of odd numbers, of whole tiles, of several tiles; with ragged queries."""
        starts = [2 + sum(QUERIES[:b]) for b in range(B)]
        window = lambda i, j, sq, sk: i + sk - sq - 9 <= j <= i + sk - sq + 2
        for page in (1, 5, 16, 64):
            for device, setting in self.on_devices(*SETTINGS):
                if page < 16 and device == "sim:h200" and setting[0] != "T=f8e4m3":
                    continue
                self.check(self.q.ragged, lambda x, *more: x.paged(page)(*more), lambda b, i: starts[b] + i, device,
                           setting, {"mask": "window(9, 2)"}, window)

    def test_paged_by_the_copy_engine(self):
        """Pages that hold several tiles, of which a tile takes several, that tiles do not begin with; and those of a few
        rows, which threads copy."""
        starts = [2 + sum(QUERIES[:b]) for b in range(B)]
        causal = lambda i, j, sq, sk: j <= i + sk - sq
        for page in (64, 16, 24, 8, 6):
            for bn in (16, 48):
                self.check(self.q.ragged, lambda x, *more: x.paged(page)(*more), lambda b, i: starts[b] + i, "sim:h200",
                           ["T=f16", "BM=64", "BN=%d" % bn, "warps=4", "stages=2"], {"mask": "causal"}, causal)


class BytesStorage(Storage):
    """Of 8 bits, where the warps that copy turn the values: also those of a tile that others have rows in."""
    q, k, v = (Sequences(seed, lengths, heads).in_quarters() for seed, lengths, heads in ((1, QUERIES, H), (2, KEYS, HK), (3, KEYS, HK)))
    SETTING = ["T=f8e4m3", "U=f32", "BM=64", "warps=4", "stages=2"]

    def on_devices(self, *_):
        return [("sim:h200", self.SETTING + ["BN=32"]), ("sim:h200", self.SETTING + ["BN=16", "stages=3"]),
                ("sim:h200", self.SETTING + ["BN=32", "stages=1"])]

    def test_paged_by_the_copy_engine(self):
        starts = [2 + sum(QUERIES[:b]) for b in range(B)]
        causal = lambda i, j, sq, sk: j <= i + sk - sq
        for page in (64, 16, 24, 8, 6):
            self.check(self.q.ragged, lambda x, *more: x.paged(page)(*more), lambda b, i: starts[b] + i, "sim:h200",
                       self.SETTING + ["BN=64"], {"mask": "causal"}, causal)


if __name__ == "__main__":
    unittest.main()
