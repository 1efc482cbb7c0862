#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the language can say, end to end: the kernels of language/. Shapes are odd on purpose. See runs.py."""
import itertools, json, math, os, unittest

from runs import ROOT, Runs, integers, normals


class Language(Runs):
    FOLDER = "tests/kernels/language"

    def file_of(self, kernel):
        if kernel == "turned":
            return "resident.tile"
        if kernel in ("late", "inside", "opening", "late_bytes", "turned_bytes", "scaled_first"):
            return "late_copies.tile"
        if kernel == "regathered":
            return "gathered.tile"
        return "in_place.tile" if kernel in ("products", "adds") else super().file_of(kernel).replace("_of.", ".")

    def test_functions(self):
        for device, setting in self.on_devices(["WIDE=0"], ["WIDE=1", "warps=2"]):
            found = self.run_kernel("functions", {"Most": 0, "Total": 0}, {"X": normals(13, 100)}, (), setting, device)
            rows = [found["in"]["X"][i * 100:i * 100 + 100] for i in range(13)]
            # both(x, y): a, b = 4 x, y / 4; c, d = b / 2, 2 a; gives d, c.
            self.near(found["Most"], [8 * max(row) for row in rows], 1e-6)
            self.near(found["Total"], [sum(math.exp(x - max(row)) for x in row) / 8 for row in rows], 1e-5)

    def test_combiners(self):
        for device, (rows, columns, warps) in self.on_devices((8, 32, 4), (3, 100, 2), (1, 300, 8), (40, 5, 1), (16, 48, 4)):
            n = max(2, 2 * rows - 1)
            found = self.run_kernel(
                "combiners", {"S": 0, "Best": 0, "At": 0, "Sums": "2x%d" % columns, "Last": "2x%d" % columns, "Whole": "2x3", "Columns": 0},
                {"A": normals(n, columns, scale=0.5), "X": normals(n, columns), "I": integers(n, columns)}, (),
                ["R=%d" % rows, "C=%d" % columns, "warps=%d" % warps], device)
            a, x, v = (found["in"][name] for name in "AXI")
            states, sums, best, at = [], [], [], []
            for r in range(n):
                decay, state, total = 1, 0, 0
                for c in range(columns):
                    decay, state = decay * a[r * columns + c], state * a[r * columns + c] + x[r * columns + c]
                    states.append(state + decay)
                row = x[r * columns:(r + 1) * columns]
                best.append(max(row)), at.append(row.index(max(row)))
            self.near(found["S"], states, 2e-5)
            self.assertEqual((found["Best"], found["At"]), (best, at))
            for i in range(2):
                present = range(i * rows, min(n, (i + 1) * rows))
                column = [sum(v[r * columns + c] for r in present) for c in range(columns)]
                self.assertEqual(found["Sums"][i * columns:(i + 1) * columns], column)
            down = [0] * columns
            for r in range(n):
                across = 0
                for c in range(columns):
                    down[c] = v[r * columns + c] + (down[c] if r % rows else 0)
                    across += v[r * columns + c]
                    sums.append(2 * across + down[c])
            self.assertEqual(found["Columns"], sums)
            self.assertAlmostEqual(found["Whole"][0], sum(x[:rows * columns]), delta=1e-3)

    def test_bits(self):
        words = integers(21, 8, type="u32", low=0, high=2**32 - 1)
        for device, _ in self.on_devices():
            inputs = {"X": words, "Y": words, "S": integers(21, 8, low=-2**31, high=2**31 - 1), "B": integers(21, 8, type="u8", low=0, high=255)}
            found = self.run_kernel("bits", dict.fromkeys("ACDEFGH", 0), inputs, {"k": 2**32 - 5}, (), device)
            x, y, s, b = (found["in"][name] for name in "XYSB")
            u32, mask = lambda v: v & 0xFFFFFFFF, 0xFFFFFFFF
            i32 = lambda v: (u32(v) ^ 2**31) - 2**31
            shl = lambda v, n: u32(v << n) if n < 32 else 0
            self.assertEqual(found["A"], [u32(((p & q) ^ 0xF0F0 | 2**32 - 5) + (p >> 7) - u32(q << 3)) for p, q in zip(x, y)])
            self.assertEqual(found["C"], [u32((p // (q | 1) if p < q else p % (q | 1)) + min(p, q) + (max(p, q) >> (q & 63)) + shl(p, q >> 26)) for p, q in zip(x, y)])
            self.assertEqual(found["D"], [i32((r >> (r & 63)) + shl(r, r & 63) + ((-1 if r < 0 else 0) & 5) + (p >> 1)) for r, p in zip(s, x)])
            self.assertEqual(found["E"], [((c >> 2) * 3 + p + 200 - c) & 255 for c, p in zip(b, x)])
            self.assertEqual(found["F"], [p + min(max(int(r * 4.5), 0), mask) + c for p, r, c in zip(x, s, b)])
            self.assertEqual(found["G"], [((p << 20 | c) + 2**63) % 2**64 - 2**63 for p, c in zip(x, b)])

    def test_random(self):
        with open(os.path.join(ROOT, "tests", "data", "philox", "answers.json")) as file:
            answers = json.load(file)
        n, bits = len(answers), None
        keys = iter([key - 2**64 if key >= 2**63 else key for key in (a["key"][0] | a["key"][1] << 32 for a in answers)] * 8)
        for device, settings in self.on_devices((), ["ROWS=16", "COLUMNS=100"], ["ROWS=1", "COLUMNS=32", "warps=1"]):
            counters = iter([answers[i]["counter"][k] for k in range(4) for i in range(n)])
            inputs = {"Key": ("i64", (n,), lambda _: next(keys)), "C": ("u32", (4, n), lambda _: next(counters))}
            found = self.run_kernel("random", {"W": 0, "Bits": "13x100"}, inputs, {"seed": 77}, settings, device)
            self.assertEqual(found["W"], [answers[i]["output"][k] for k in range(4) for i in range(n)])
            bits = bits or found["Bits"]
            self.assertEqual(found["Bits"], bits, "they depend on the sizes of tiles")

    def test_six_extents(self):
        for device, _ in self.on_devices():
            found = self.run_kernel("six_extents", {"Y": "3x2x3x4x2x2"}, {"X": integers(3, 2, low=0, high=0)}, {"c": 4}, (), device)
            places = itertools.product(range(3), range(2), range(3), range(4), range(2), range(2))
            self.assertEqual(found["Y"], [sum(at * 10**e for e, at in enumerate(place)) for place in places])

    def test_walk(self):
        for device, (walk, k, m, n) in self.on_devices((1, 1, 2, 9), (2, 2, 3, 27), (3, 1, 5, 28), (8, 2, 4, 27), (64, 1, 7, 3), (-1, 2, 3, 27)):
            found = self.run_kernel("walk", {"Y": "%dx%dx%d" % (k, m, n)}, {}, (), ["walk=%d" % walk], device)
            want = [(a * 100 + b) * 100 + c // 4 for a in range(k) for b in range(m) for c in range(n)]
            self.assertEqual(found["Y"], want)

    def test_resident(self):
        """More instances than a device has multiprocessors: each CTA goes through some, with products, copies ahead, shared
        memory and three extents of a grid. The bits are those of a CTA for each instance."""
        for device, _ in self.on_devices():
            inputs = {"A": normals(2, 97, 43, type="f16"), "B": normals(2, 43, 150, type="f16")}
            found = [self.run_kernel("resident", {"C": 0}, inputs, (), ["resident=%d" % resident, "walk=%d" % walk], device)["C"]
                     for resident, walk in ((0, 1), (1, 1), (1, 3), (1, -1))]
            self.assertEqual(found[1:], found[:1] * 3)
            n, m = 370, 400
            inputs = {"A": normals(3, 200, 40, type="f16"), "B": normals(3, 40, 450, type="f16")}
            rows = ["R=64", "W=32", "warps=4"]  # of a warpgroup, where there are such
            found = [self.run_kernel("resident", {"C": 0}, inputs, (), rows + ["resident=%d" % n], device)["C"] for n in (0, 1)]
            self.assertEqual(found[1], found[0])
            turned = self.run_kernel("turned", {"Y": 0}, {"X": normals(m, n)}, (), ["resident=1"], device)
            self.assertEqual(turned["Y"], [turned["in"]["X"][i * n + j] for j in range(n) for i in range(m)])

    def test_late_copies(self):
        """With a slot and with two for what is copied ahead."""
        for device, stages in self.on_devices(1, 2):
            inputs = {"Q": normals(70, 64, type="f16"), "K": normals(250, 64, type="f16"), "V": normals(250, 64, type="f16")}
            self.run_kernel("late", {"O": 0}, inputs, (), ["stages=%d" % stages], device)
            inputs = {"A": normals(70, 136, type="f16"), "B": normals(136, 72, type="f16"), "D": normals(72, 136, type="f16")}
            self.run_kernel("inside", {"C": 0}, inputs, (), ["stages=%d" % stages], device)
            inputs = {name: normals(rows, 64, type="f16") for name, rows in (("A", 64), ("B", 130), ("D", 130), ("E", 300))}
            self.run_kernel("opening", {"C": 0}, inputs, (), ["stages=%d" % stages], device)

    def test_both_ways(self):
        """A tile is no other in the layout of its transpose."""
        for device, warps in self.on_devices(1, 4, 8):
            inputs = {"X": normals(128, 64, type="f16"), "Y": normals(128, 64, type="f16")}
            self.run_kernel("both_ways", {"A": 0, "B": 0, "C": 0}, inputs, (), ["warps=%d" % warps], device)

    def test_late_bytes(self):
        """On Hopper alone tiles of bytes are written anew by those that copy: each number of slots, each size of tile."""
        def floats(*shape):
            """Of 8 bits, from 2^-3 to 2 and their negatives."""
            return "u8", shape, lambda source: source.choice((0, 128)) + source.randint(32, 64)
        inputs = {"Q": floats(70, 64), "K": floats(250, 64), "V": floats(250, 64)}
        for BN, stages in [(32, 1), (32, 2), (192, 1), (192, 2), (192, 4), (224, 1), (224, 3), (224, 4)]:
            self.run_kernel("late_bytes", {"O": 0}, inputs, (), ["BN=%d" % BN, "stages=%d" % stages], "sim:h200")
        inputs = {"A": floats(70, 64), "D": floats(3, 64, 64), "E": floats(3, 64, 64)}
        for stages in (1, 2, 4):
            self.run_kernel("turned_bytes", {"O": 0}, inputs, {"n": 3, "m": 3}, ["stages=%d" % stages], "sim:h200")

    def test_gathered(self):
        """Many rows and few a thread, with warps of their own for copies and without."""
        inputs = {"A": normals(70, 64, type="f16"), "B": normals(300, 64, type="f16"), "C": normals(300, 64, type="f16"),
                  "First": integers(250, low=-1, high=300), "Then": integers(150, low=-1, high=299)}
        for device, (BN, warps, stages) in self.on_devices((64, 4, 2), (32, 8, 1), (192, 4, 1), (192, 8, 2), (64, 8, 3)):
            self.run_kernel("gathered", {"O": 0}, inputs, (), ["BN=%d" % BN, "warps=%d" % warps, "stages=%d" % stages], device)
        inputs = {"A": normals(64, 64, type="f16"), "B": normals(300, 64, type="f16"), "Rows": integers(250, low=-1, high=297)}
        for device, stages in self.on_devices(1, 2):
            self.run_kernel("regathered", {"O": 0}, inputs, (), ["stages=%d" % stages], device)

    def test_scaled_first(self):
        for device, n in self.on_devices(1, 3):
            inputs = {"A": normals(70, 64, type="f16"), "C": normals(64, 16, type="f16"), "W": normals(16, 64, type="f16")}
            self.run_kernel("scaled_first", {"O": 0}, inputs, {"n": n}, (), device)

    def test_nests(self):
        for device, warps in self.on_devices(1, 4):
            inputs = {"A": normals(64, 64, type="f16", scale=0.1), "B": normals(64 * 12, 64, type="f16")}
            self.run_kernel("nests", {"C": 0, "D": "100x64"}, inputs, {"n": 2}, ["warps=%d" % warps], device)

    def test_packed_heads(self):
        """Masks of positions divided by a constant, beside plain loops; keys that no row of a tile sees hold NaN."""
        sq, sk, h, g, d = 19, 53, 2, 3, 16
        masks = {"causal": lambda q, k: k <= q + sk - sq, "window(4, 2)": lambda q, k: -4 <= k - (q + sk - sq) <= 2}
        for device, (name, sees) in self.on_devices(*masks.items()):
            first = min(k for k in range(sk) if sees(0, k))
            keys = normals(sk * h * d)[2]
            count = itertools.count()
            inputs = {"Q": normals(sq, h * g, d), "K": ("f32", (sk, h, d), lambda source:
                      keys(source) if next(count) // (h * d) >= first else math.nan)}
            found = self.run_kernel("packed", {"O": 0}, inputs, (), ["T=f32"], device, {"mask": name})
            k = [0 if math.isnan(x) else x for x in found["in"]["K"]]
            want = []
            for i, head in itertools.product(range(sq), range(h * g)):
                q = found["in"]["Q"][(i * h * g + head) * d:][:d]
                rows = [k[(j * h + head // g) * d:][:d] for j in range(sk) if sees(i, j)]
                weights = [sum(x * y for x, y in zip(q, row)) for row in rows]
                want += [sum(w * row[c] for w, row in zip(weights, rows)) for c in range(d)]
            self.near(found["O"], want, 1e-4)

    def test_in_place(self):
        for device, settings in self.on_devices(["T=f32"], ["T=i64", "BM=16", "warps=1"], ["T=f16", "warps=2"]):
            b, n, type_ = 2, 21, settings[0][2:]
            found = self.run_kernel("in_place", {"C": None, "Y": 0}, {"C": integers(b, n, 24, type=type_, low=-3, high=3)}, (), settings, device)
            c = found["in"]["C"]
            for k in range(b):
                rows = [c[(k * n + r) * 24:(k * n + r + 1) * 24] for r in reversed(range(n))]
                for r in range(1, n):
                    rows[r] = [x + y for x, y in zip(rows[r], rows[r - 1])]
                rows[0][0] = rows[n - 1][23]
                rows[0][1:23] = rows[0][:22]
                self.assertEqual(found["C"][k * n * 24:(k + 1) * n * 24], sum(rows, []))
                self.assertEqual(found["Y"][k * 24:(k + 1) * 24], rows[0])

    def test_products_in_place(self):
        for device, settings in self.on_devices(["T=f16"], ["T=f32", "warps=1", "stages=3"]):
            inputs = {"A": integers(32, 32, type=settings[0][2:], low=-2, high=2), "C": integers(32, 32, type="f32")}
            found = self.run_kernel("products", {"A": None, "C": None}, inputs, (), settings, device)
            a, want = found["in"]["A"], found["in"]["C"]
            across = [sum(a[i * 32 + k] * a[j * 32 + k] for k in range(32)) for i in range(32) for j in range(32)]
            down = [sum(a[k * 32 + i] * a[k * 32 + j] for k in range(32)) for i in range(32) for j in range(32)]
            self.assertEqual(found["C"], [x + 2 * y + z for x, y, z in zip(want, across, down)])
            self.assertEqual(found["A"], [a[j * 32 + i] for i in range(32) for j in range(32)])

    def test_adds(self):
        for device, (type_, *settings) in self.on_devices(("f16",), ("bf16", "BM=8"), ("f32", "warps=1"), ("f64", "BM=8"), ("i32",), ("i64", "warps=2")):
            if type_ == "bf16" and device == "sim:a100":
                continue  # refused by name: tests/compiler/cta_to_nvvm/additions.test
            n, r, bm = 45, 6, 8 if "BM=8" in settings else 16
            stored = "f32" if type_ == "bf16" else type_
            make = lambda *shape: integers(*shape, type=stored, low=-3, high=3)
            inputs = {"X": make(n, 40), "rows": integers(n, low=-1, high=r), "Sum": make(20, 40), "By": make(r, 40), "At": make(r, 3),
                      "One": make(2), "Part": make(n, 50)}
            outputs = ("Sum", "By", "At", "One", "Part")
            found = self.run_kernel("adds", dict.fromkeys(outputs), inputs, (), ["T=" + type_, *settings], device)
            x, rows = found["in"]["X"], found["in"]["rows"]
            sums, by, at, one, part = (found["in"][name][:] for name in outputs)
            for i, row in enumerate(rows):
                for c in range(40):
                    sums[i % bm * 40 + c] += x[i * 40 + c]
                    if 0 <= row < r:
                        by[row * 40 + c] += x[i * 40 + c]
                    for first in (0, 1):
                        if i + 3 < n - 2:
                            part[(i + 3) * 50 + 1 + first + c] += x[i * 40 + c]
                if 0 <= row < r:
                    at[row * 3 + i % bm % 3] += x[i * 40]
            one[1] += sum(x[i * 40 + 1] for i in range(-(-n // bm)))
            for name, want in zip(outputs, (sums, by, at, one, part)):
                self.assertEqual(found[name], want, name)

    def test_derivative(self):
        """Beside central differences; where f32 would spoil them (kind 5), beside 2 x."""
        for device, (kind, h) in self.on_devices(*((kind, 2.0**-10 if kind == 7 else 2.0**-18) for kind in range(10))):
            inputs = {"X": normals(37, type="f64"), "Y": normals(37, type="f64"), "Table": normals(20, type="f64")}
            outputs = dict.fromkeys(("Below", "Above", "D"), 0)
            found = self.run_kernel("derivative_of", outputs, inputs, {"h": h}, ["KIND=%d" % kind], device)
            want = [(b - a) / (2 * h) for a, b in zip(found["Below"], found["Above"])]
            if kind == 5:
                want = [2 * x for x in found["in"]["X"]]
            self.near(found["D"], [0] * 37 if kind == 7 else want, 1e-6)


if __name__ == "__main__":
    unittest.main()
