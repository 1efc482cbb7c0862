#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tiles of indices and parts of views, end to end: language/views.tile. Shapes are odd on purpose. See runs.py."""
import unittest

from runs import Runs, integers, normals


class Views(Runs):
    FOLDER = "tests/kernels/language"

    def file_of(self, kernel):
        return "views.tile"

    def test_gathers(self):
        n, d, e, m, s = 21, 40, 32, 45, 70
        for device, settings in self.on_devices(["T=f16"], ["T=f16", "BM=16", "BK=32", "warps=1", "stages=3"], ["T=f32", "stages=1"]):
            type_ = settings[0][2:]
            inputs = {"X": normals(n, d, type=type_), "W": normals(d, e, type=type_), "rows": integers(m, low=-3, high=n + 2),
                      "bias": normals(2, m, e)}
            found = self.run_kernel("gathers", {"Y": 0, "Z": "%dx%d" % (s, e)}, inputs, (), settings, device)
            x, w, rows, bias = (found["in"][name] for name in ("X", "W", "rows", "bias"))
            for i, row in enumerate(rows):
                for c in (0, 7, 31):
                    inside = 0 <= row < n
                    want = sum(x[row * d + k] * w[k * e + c] for k in range(d)) * inside if inside else 0
                    want += bias[(m + i) * e + c]
                    self.assertAlmostEqual(found["Y"][i * e + c], want, delta=2e-4)
                    if 2 * i + 1 < s:
                        self.assertEqual(found["Z"][(2 * i + 1) * e + c], found["Y"][i * e + c])

    def test_parts(self):
        starts, heads = [0, 13, 13, 50, 66], 2
        for device, settings in self.on_devices(["T=f16"], ["T=f32", "warps=1", "stages=3"]):
            type_ = settings[0][2:]
            values = iter(starts)
            inputs = {"X": normals(66, heads, 32, type=type_), "W": normals(32, 32, type=type_),
                      "starts": ("i32", (5,), lambda _: next(values))}
            found = self.run_kernel("parts", {"Y": 0, "S": "4"}, inputs, (), settings, device)
            x, w = found["in"]["X"], found["in"]["W"]
            for row in range(66):
                for h in range(heads):
                    at = (row * heads + h) * 32
                    self.assertAlmostEqual(found["Y"][at + 5], sum(x[at + k] * w[k * 32 + 5] for k in range(32)), delta=2e-4)
            for b in range(4):
                first, last = starts[b] + 1, starts[b + 1] - 1
                inside = [x[(first + r) * heads * 32 + 3 + c] for r in range(2, 18) for c in range(8)
                          if first + r < last and 3 + c < 9]
                self.assertAlmostEqual(found["S"][b], sum(inside), delta=1e-4)

    def test_part_that_begins_before_its_view(self):
        for device, settings in self.on_devices(["T=f16"], ["T=f32", "warps=1"], ["T=f64", "stages=3"]):
            type_ = settings[0][2:]
            inputs = {"A": normals(32, 16, type=type_), "X": normals(48, 24, type=type_)}
            found = self.run_kernel("before", {"Y": "32x32", "Z": "32x32"}, inputs, (), settings, device)
            a, x = found["in"]["A"], found["in"]["X"]
            for i in range(32):
                for c in range(32):
                    columns = sum(a[i * 16 + k] * x[k * 24 + c - 3] for k in range(16) if 0 <= c - 3 < 20)
                    rows = sum(a[i * 16 + k] * x[(k - 2) * 24 + c] for k in range(16) if 0 <= k - 2 < 9 and c < 24)
                    self.assertAlmostEqual(found["Y"][i * 32 + c], columns, delta=2e-4)
                    self.assertAlmostEqual(found["Z"][i * 32 + c], rows, delta=2e-4)

    def test_two_dimensions_as_one(self):
        offsets, b, hk = [0, 13, 13, 40], 3, 2
        for device, (g, kind, *settings) in self.on_devices((3, "", "T=f16"), (3, " ragged", "T=f32", "warps=1"), (2, " ragged", "T=f16", "BM=32")):
            type_ = settings[0][2:]
            values = iter(offsets)
            q = {"Q": normals(b, 19, hk * g, 32, type=type_)}
            if kind:
                q = {"Q ragged 0": normals(40, hk * g, 32, type=type_), "Q ragged 1": ("i32", (4,), lambda _: next(values))}
            found = self.run_kernel("grouped", {"Y": 0, "First": 0}, {**q, "W": normals(32, 32, type=type_)}, (), ["G=%d" % g, *settings], device)
            x, w, h = found["in"]["Q" + kind + (" 0" if kind else "")], found["in"]["W"], hk * g
            for row in range(len(x) // 32):
                self.assertAlmostEqual(found["Y"][row * 32 + 5], sum(x[row * 32 + k] * w[k * 32 + 5] for k in range(32)), delta=5e-4)
            for k in range(b):
                first, last = (offsets[k], offsets[k + 1]) if kind else (19 * k, 19 * k + 19)
                for head in range(hk):
                    for n in range(5):
                        row = 3 * n - 3
                        at = first + row // g
                        want = x[(at * h + head * g + row % g) * 32 + 7] if row >= 0 and at < last else 0
                        self.assertEqual(found["First"][(k * hk + head) * 5 + n], want)


if __name__ == "__main__":
    unittest.main()
