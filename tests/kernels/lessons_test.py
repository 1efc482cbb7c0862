#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lessons that are not in LessonsTest.cpp, against plain Python. Shapes are odd on purpose. See runs.py."""
import math, unittest

from runs import Runs, integers, normals

UNIT = {"f32": 1e-5, "f16": 2e-3}


def rows_of(values, columns):
    return [values[i:i + columns] for i in range(0, len(values), columns)]


def flat(rows):
    return [x for row in rows for x in row]


class Lessons(Runs):
    FOLDER = "kernels/lessons"

    def each(self, *shapes):
        for device, (type_, shape) in self.on_devices(*[(type_, shape) for shape in shapes for type_ in ("f32", "f16")]):
            yield device, type_, shape

    def norm(self, name, device, type_, n, d):
        inputs = {"X": normals(n, d, type=type_), "W": normals(d, type=type_)}
        rest = {"B": normals(d, type=type_)} if name == "layer_norm" else {}
        return self.run_kernel(name, {"Y": 0}, {**inputs, **rest}, (), ["T=" + type_], device)

    def norm_backward(self, name, device, type_, n, d):
        blocks = -(-n // (4 if d <= 1024 else 1))
        outputs = {"dX": 0, "dW": "%dx%d" % (blocks, d)}
        if name == "layer_norm":
            outputs["dB"] = outputs["dW"]
        inputs = {"X": normals(n, d, type=type_), "W": normals(d, type=type_), "dY": normals(n, d, type=type_)}
        found = self.run_kernel(name + "_backward", outputs, inputs, (), ["T=" + type_], device)
        for key in list(outputs)[1:]:
            found[key] = [sum(column) for column in zip(*rows_of(found[key], d))]
        return found

    def check_norm(self, name, eps, mean_of):
        for device, type_, (n, d) in self.each((5, 100), (2, 1500)):
            found = self.norm(name, device, type_, n, d)
            w, b = found["in"]["W"], found["in"].get("B", [0] * d)
            want = []
            for row in rows_of(found["in"]["X"], d):
                mean = mean_of(row)
                r = 1 / math.sqrt(sum((x - mean) ** 2 for x in row) / d + eps)
                want += [(x - mean) * r * w[i] + b[i] for i, x in enumerate(row)]
            self.near(found["Y"], want, UNIT[type_])
            found = self.norm_backward(name, device, type_, n, d)
            w, dx, dw, db = found["in"]["W"], [], [0] * d, [0] * d
            for row, dy in zip(rows_of(found["in"]["X"], d), rows_of(found["in"]["dY"], d)):
                mean = mean_of(row)
                r = 1 / math.sqrt(sum((x - mean) ** 2 for x in row) / d + eps)
                normal, g = [(x - mean) * r for x in row], [a * b for a, b in zip(dy, w)]
                along = sum(a * b for a, b in zip(g, normal)) / d
                dx += [(a - mean_of(g) - b * along) * r for a, b in zip(g, normal)]
                dw = [a + b * c for a, b, c in zip(dw, dy, normal)]
                db = [a + b for a, b in zip(db, dy)]
            self.near(found["dX"], dx, UNIT[type_] * 4)
            self.near(found["dW"], dw, 1e-4)
            if name == "layer_norm":
                self.near(found["dB"], db, 1e-4)

    def test_rms_norm(self):
        self.check_norm("rms_norm", 1e-6, lambda row: 0)

    def test_layer_norm(self):
        self.check_norm("layer_norm", 1e-5, lambda row: sum(row) / len(row))

    def test_softmax_wide(self):
        for device, type_, (n, d) in self.each((3, 1300), (5, 7)):
            found = self.run_kernel("softmax_wide", {"Y": 0}, {"X": normals(n, d, type=type_)}, (), ["T=" + type_], device)
            want = []
            for row in rows_of(found["in"]["X"], d):
                e = [math.exp(x - max(row)) for x in row]
                want += [x / sum(e) for x in e]
            self.near(found["Y"], want, UNIT[type_])

    def test_swiglu(self):
        for device, type_, (n, d) in self.each((3, 300)):
            found = self.run_kernel("swiglu", {"Y": 0}, {"AB": normals(n, 2, d, type=type_)}, (), ["T=" + type_], device)
            pairs = rows_of(found["in"]["AB"], d)
            want = [x / (1 + math.exp(-x)) * y for a, b in zip(pairs[::2], pairs[1::2]) for x, y in zip(a, b)]
            self.near(found["Y"], want, UNIT[type_])

    def test_gelu(self):
        for device, type_, (n,) in self.each((1001,)):
            inputs = {"X": normals(n, type=type_, scale=2)}
            found = self.run_kernel("gelu", {"Y": 0}, inputs, (), ["T=" + type_], device)
            phi = lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2)))
            self.near(found["Y"], [x * phi(x) for x in found["in"]["X"]], UNIT[type_])
            inputs["dY"] = normals(n, type=type_)
            found = self.run_kernel("gelu_backward", {"dX": 0}, inputs, (), ["T=" + type_], device)
            slope = lambda x: phi(x) + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
            self.near(found["dX"], [y * slope(x) for x, y in zip(found["in"]["X"], found["in"]["dY"])], UNIT[type_])

    def test_cross_entropy(self):
        for device, type_, (n, v) in self.each((3, 3000), (2, 5)):
            inputs = {"X": normals(n, v, type=type_, scale=3), "Label": integers(n, low=0, high=v - 1)}
            found = self.run_kernel("cross_entropy", {"Loss": 0, "dX": 0}, inputs, (), ["T=" + type_], device)
            losses, gradients = [], []
            for row, label in zip(rows_of(found["in"]["X"], v), found["in"]["Label"]):
                lse = max(row) + math.log(sum(math.exp(x - max(row)) for x in row))
                losses.append(lse - row[label])
                gradients += [math.exp(x - lse) - (i == label) for i, x in enumerate(row)]
            self.near(found["Loss"], losses, 1e-5)
            self.near(found["dX"], gradients, UNIT[type_])

    def test_cumulative_sum(self):
        for device, (type_, make) in self.on_devices(("f32", normals), ("i32", integers)):
            n, d = 5, 700
            found = self.run_kernel("cumulative_sum", {"Y": 0}, {"X": make(n, d, type=type_)}, (), ["T=" + type_], device)
            want = [sum(row[:i + 1]) for row in rows_of(found["in"]["X"], d) for i in range(d)]
            self.near(found["Y"], want, 1e-5 if type_ == "f32" else 0)

    def test_selective_scan(self):
        for device, (type_, limit) in self.on_devices(("f32", 1e-5), ("f64", 1e-12)):
            c, l = 11, 300
            inputs = {"A": normals(c, l, type=type_, scale=0.7), "X": normals(c, l, type=type_)}
            found = self.run_kernel("selective_scan", {"H": 0}, inputs, (), ["T=" + type_], device)
            want = []
            for a, x in zip(rows_of(found["in"]["A"], l), rows_of(found["in"]["X"], l)):
                state = 0
                for decay, own in zip(a, x):
                    state = decay * state + own
                    want.append(state)
            self.near(found["H"], want, limit)

    def test_argmax(self):
        for device, type_, (n, d) in self.each((5, 700), (3, 9)):
            # Few different values: the first of several places wins.
            inputs = {"X": (type_, (n, d), lambda source: float(source.randint(-9, 9)))}
            found = self.run_kernel("argmax", {"Most": 0, "At": 0}, inputs, (), ["T=" + type_], device)
            rows = rows_of(found["in"]["X"], d)
            self.assertEqual(found["Most"], [max(row) for row in rows])
            self.assertEqual(found["At"], [row.index(max(row)) for row in rows])

    def test_dropout(self):
        for device, settings in self.on_devices(["ROWS=4", "BLOCK=32"], ["ROWS=16", "BLOCK=128", "warps=2"]):
            n, d, seed, threshold = 19, 150, 0x123456789ABCDEF, 20000
            found = self.run_kernel("dropout", {"Y": 0}, {"X": normals(n, d)}, {"seed": seed, "threshold": threshold, "offset": 7},
                                    ["T=f32"] + settings, device)
            scale = 65536 / (65536 - threshold)
            want = []
            for row, values in enumerate(rows_of(found["in"]["X"], d)):
                for column, x in enumerate(values):
                    words = philox(seed, [row, 4 * (column // 32) + column % 8 // 2, 0, 7])
                    half = words[column % 32 // 8] >> 16 * (column % 2) & 0xFFFF
                    want.append(x * scale if half >= threshold else 0.0)
            self.near(found["Y"], want, 1e-6)


def philox(seed, counter):
    """Philox4x32-10."""
    key, c = [seed & 0xFFFFFFFF, seed >> 32], list(counter)
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [b >> 32 ^ c[1] ^ key[0], b & 0xFFFFFFFF, a >> 32 ^ c[3] ^ key[1], a & 0xFFFFFFFF]
        key = [key[0] + 0x9E3779B9 & 0xFFFFFFFF, key[1] + 0xBB67AE85 & 0xFFFFFFFF]
    return c


if __name__ == "__main__":
    unittest.main()
