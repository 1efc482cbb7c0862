#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lessons that are not in LessonsTest.cpp, against plain Python. Shapes are odd on purpose. See runs.py."""
import itertools, math, os, unittest

from runs import ROOT, Runs, integers, normals

UNIT = {"f32": 1e-5, "f16": 2e-3}


def rows_of(values, columns):
    return [values[i:i + columns] for i in range(0, len(values), columns)]


def flat(rows):
    return [x for row in rows for x in row]


class Lessons(Runs):
    FOLDER = "kernels/lessons"

    def file_of(self, kernel):
        for lesson in ("cross_entropy", "rotary", "split_k", "moe"):
            kernel = lesson if kernel.startswith(lesson) else kernel
        return super().file_of(kernel)

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

    def test_score_gradient(self):
        cap = lambda s: 2.5 * math.tanh(s / 2.5)
        distance = lambda q, k: abs(q + 37 - 21 - k)
        slopes, table = {"slopes": normals(2)}, {"table": normals(2, 2, 21, 37)}
        cases = (("s", {}, lambda s, *_: s, lambda s: 1),
                 ("softcap(2.5)", {}, lambda s, *_: cap(s), lambda s: 1 - math.tanh(s / 2.5) ** 2),
                 ("scaled(-0.75)", {}, lambda s, *_: -0.75 * s, lambda s: -0.75),
                 ("alibi(slopes)", slopes, lambda s, b, h, q, k: s - self.given["slopes"][h] * distance(q, k), lambda s: 1),
                 ("biased(table)", table, lambda s, b, h, q, k: s + self.given["table"][((b * 2 + h) * 21 + q) * 37 + k], lambda s: 1),
                 ("alibi(slopes)(softcap(2.5)(s * s, at), at)", slopes, lambda s, b, h, q, k: cap(s * s) - self.given["slopes"][h] * distance(q, k),
                  lambda s: 2 * s * (1 - math.tanh(s * s / 2.5) ** 2)))
        for device, type_, (hook, captured, score, slope) in self.each(*cases):
            inputs = {"S": normals(2, 2, 21, 37, type=type_), "dP": normals(2, 2, 21, 37, type=type_), **captured}
            found = self.run_kernel("score_gradient", {"P": 0, "dS": 0}, inputs, {"scale": 0.5}, ["T=" + type_], device, {"score": hook})
            self.given = found["in"]
            s, places = [0.5 * x for x in self.given["S"]], itertools.product(range(2), range(2), range(21), range(37))
            self.near(found["P"], [score(x, *place) for x, place in zip(s, places)], UNIT[type_])
            self.near(found["dS"], [0.5 * g * slope(x) for g, x in zip(self.given["dP"], s)], UNIT[type_])

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

    def test_each_is_short_and_run(self):
        with open(__file__) as file, open(os.path.join(ROOT, "tests", "kernels", "LessonsTest.cpp")) as other:
            tests = file.read() + other.read()
        names = sorted(os.listdir(os.path.join(ROOT, self.FOLDER)))
        self.assertGreater(len(names), 20)
        for name in names:
            with self.subTest(name), open(os.path.join(ROOT, self.FOLDER, name)) as file:
                self.assertLess(len(file.readlines()), 40)
                self.assertRegex(tests, r"\b(test_)?%s\b" % name.removesuffix(".tile"))

    def test_cross_entropy_in_place(self):
        wide = [("sim:h200", "f16", (1, 128257))]  # no power of two
        for device, type_, (n, v) in [*self.each((3, 3000), (2, 5)), *wide]:
            inputs = {"X": normals(n, v, type=type_, scale=3), "Label": integers(n, low=0, high=v - 1)}
            found = self.run_kernel("cross_entropy_in_place", {"Loss": 0, "X": 0}, inputs, (), ["T=" + type_], device, check=v < 4000)
            for row, gradient, label, loss in zip(rows_of(found["in"]["X"], v), rows_of(found["X"], v), found["in"]["Label"], found["Loss"]):
                most = max(row)
                lse = most + math.log(sum(math.exp(x - most) for x in row))
                self.near([loss], [lse - row[label]], 1e-5)
                self.near(gradient, [math.exp(x - lse) - (i == label) for i, x in enumerate(row)], UNIT[type_])

    def test_rotary(self):
        for name in ("rotary", "rotary_pairs"):
            for device, type_, (b, s, h, d) in self.each((2, 19, 3, 24)):
                inputs = {"X": normals(b, s, h, d, type=type_)}
                found = self.run_kernel(name, {"X": 0}, inputs, {"first": 1000, "turn": -1.0}, ["T=" + type_], device)
                x, want = found["in"]["X"], found["in"]["X"][:]
                for k in range(b * s * h):
                    for pair in range(d // 2):
                        one, two = (pair, pair + d // 2) if name == "rotary" else (2 * pair, 2 * pair + 1)
                        angle = -(1000 + k // h % s) * 10000 ** (-2 * pair / d)
                        u, v = x[k * d + one], x[k * d + two]
                        want[k * d + one] = u * math.cos(angle) - v * math.sin(angle)
                        want[k * d + two] = u * math.sin(angle) + v * math.cos(angle)
                self.near(found["X"], want, max(UNIT[type_], 3e-4))  # an angle of 1000 in f32

    def test_embedding(self):
        for device, type_, (n, v, d) in self.each((45, 7, 200)):
            tokens = integers(n, low=-1, high=v)
            found = self.run_kernel("embedding", {"Y": 0}, {"W": normals(v, d, type=type_), "Token": tokens}, (), ["T=" + type_], device)
            w, zeros = rows_of(found["in"]["W"], d), [0.0] * d
            self.assertEqual(found["Y"], flat(w[t] if 0 <= t < v else zeros for t in found["in"]["Token"]))
            inputs = {"dY": normals(n, d, type=type_), "Token": tokens, "dW": normals(v, d)}
            found = self.run_kernel("embedding_backward", {"dW": 0}, inputs, (), ["T=" + type_], device)
            want = found["in"]["dW"][:]
            for token, row in zip(found["in"]["Token"], rows_of(found["in"]["dY"], d)):
                for c in range(d if 0 <= token < v else 0):
                    want[token * d + c] += row[c]
            self.near(found["dW"], want, 1e-5)

    def test_split_k(self):
        for device, type_, (m, n, k, parts) in self.each((20, 70, 300, 3)):
            inputs = {"A": normals(m, k, type=type_), "B": normals(k, n, type=type_)}
            settings = ["T=" + type_, "PARTS=%d" % parts]
            atomic = self.run_kernel("split_k", {"C": 0}, {**inputs, "C": normals(m, n)}, (), settings, device)
            a, b, c = (atomic["in"][name] for name in "ABC")
            self.near(atomic["C"], [c[i * n + j] + sum(a[i * k + s] * b[s * n + j] for s in range(k)) for i in range(m) for j in range(n)], 1e-4)
            parted = self.run_kernel("split_k_parts", {"Part": 0}, inputs, (), settings, device)
            a, b, share = parted["in"]["A"], parted["in"]["B"], -(-(-(-k // 32)) // parts) * 32
            want = [sum(a[i * k + s] * b[s * n + j] for s in range(p * share, min(k, p * share + share)))
                    for p in range(parts) for i in range(m) for j in range(n)]
            self.near(parted["Part"], want, 1e-4)
            given = iter(parted["Part"])
            inputs = {"Part": ("f32", (parts, m, n), lambda _: next(given)), "C": normals(m, n)}
            found = self.run_kernel("split_k_sum", {"C": 0}, inputs, (), ["PARTS=%d" % parts], device)
            self.near(found["C"], [x + sum(parted["Part"][p * m * n + e] for p in range(parts)) for e, x in enumerate(found["in"]["C"])], 1e-6)

    def test_moe(self):
        for device, type_, (n, d, f, experts, blocks, bm) in self.each((21, 72, 70, 3, 4, 16)):
            m = blocks * bm - 3  # the last block is not full
            rows, owners = integers(m, low=-1, high=n - 1), integers(blocks, low=0, high=experts - 1)
            inputs = {"X": normals(n, d, type=type_), "Row": rows, "Expert": owners, "W": normals(experts, d, f, type=type_)}
            found = self.run_kernel("moe", {"Y": 0}, inputs, (), ["T=" + type_, "BM=%d" % bm], device)
            x, row, expert, w = (found["in"][name] for name in inputs)
            y = [sum(x[r * d + k] * w[(expert[i // bm] * d + k) * f + c] for k in range(d)) if r >= 0 else 0.0
                 for i, r in enumerate(row) for c in range(f)]
            self.near(found["Y"], y, UNIT[type_] * 8)
            inputs = {"Y": normals(m, f, type=type_), "Row": rows, "Gate": normals(m), "Out": normals(n, f)}
            found = self.run_kernel("moe_combine", {"Out": 0}, inputs, (), ["T=" + type_], device)
            y, row, gate, want = (found["in"][name][:] for name in inputs)
            for i, r in enumerate(row):
                for c in range(f if r >= 0 else 0):
                    want[r * f + c] += gate[i] * y[i * f + c]
            self.near(found["Out"], want, 1e-5)

    def test_block_sparse(self):
        for device, type_, (side, m, k, n, first) in self.each((16, 45, 64, 70, [0, 2, 2, 5])):
            given, z = iter(first * 8), first[-1]
            inputs = {"Blocks": normals(z, side, side, type=type_), "Column": integers(z, low=0, high=k // side - 1),
                      "First": ("i32", (len(first),), lambda _: next(given)), "B": normals(k, n, type=type_)}
            found = self.run_kernel("block_sparse", {"C": "%dx%d" % (m, n)}, inputs, (), ["T=" + type_, "SIDE=%d" % side], device)
            blocks, column, _, b = (found["in"][name] for name in inputs)
            want = [sum(blocks[(at * side + i % side) * side + s] * b[(column[at] * side + s) * n + j]
                        for at in range(first[i // side], first[i // side + 1]) for s in range(side)) for i in range(m) for j in range(n)]
            self.near(found["C"], want, 1e-4)

    def test_int4(self):
        for device, (m, n, group, groups) in self.on_devices((20, 70, 32, 3)):
            k = group * groups
            inputs = {"A": normals(m, k, type="f16"), "W": integers(k // 2, n, type="u8", low=0, high=255), "Scale": normals(groups, n, scale=0.1)}
            found = self.run_kernel("int4", {"C": 0}, inputs, (), ["T=f16", "GROUP=%d" % group], device)
            a, w, scale = (found["in"][name] for name in inputs)

            def weight(row, j):
                g, r = divmod(row, group)
                byte = w[(g * (group // 2) + r % (group // 2)) * n + j]
                return ((byte & 15 if r < group // 2 else byte >> 4) - 8) * scale[g * n + j]
            want = [sum(a[i * k + s] * weight(s, j) for s in range(k)) for i in range(m) for j in range(n)]
            self.near(found["C"], want, 1e-2)

    def test_convolution(self):
        for device, type_, (b, height, width, c, o, size, stride, pad) in self.each((2, 9, 7, 20, 24, 3, 2, 1)):
            high, wide = ((x + 2 * pad - size) // stride + 1 for x in (height, width))
            inputs = {"X": normals(b, height * width, c, type=type_), "F": normals(size, size, c, o, type=type_)}
            scalars = {"height": height, "width": width, "outWidth": wide, "stride": stride, "pad": pad}
            found = self.run_kernel("convolution", {"Y": "%dx%dx%d" % (b, high * wide, o)}, inputs, scalars, ["T=" + type_], device)
            x, f, want = found["in"]["X"], found["in"]["F"], []
            for image, out, channel in itertools.product(range(b), range(high * wide), range(o)):
                total = 0.0
                for fy, fx in itertools.product(range(size), repeat=2):
                    row, column = out // wide * stride + fy - pad, out % wide * stride + fx - pad
                    if 0 <= row < height and 0 <= column < width:
                        at, filter_ = (image * height * width + row * width + column) * c, (fy * size + fx) * c
                        total += sum(x[at + s] * f[(filter_ + s) * o + channel] for s in range(c))
                want.append(total)
            self.near(found["Y"], want, UNIT[type_] * 8)

    def test_top_k(self):
        for device, type_, (n, d, count) in self.each((5, 100, 4)):
            inputs = {"X": (type_, (n, d), lambda source: float(source.randint(-50, 50)))}
            found = self.run_kernel("top_k", {"Most": 0, "At": 0}, inputs, (), ["T=" + type_, "COUNT=%d" % count], device)
            for row, most, at in zip(rows_of(found["in"]["X"], d), rows_of(found["Most"], count), rows_of(found["At"], count)):
                best = sorted(range(d), key=lambda i: (-row[i], i))[:count]
                self.assertEqual((at, most), (best, [row[i] for i in best]))

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

    def test_gated_delta(self):
        """Step by step in Python; tiles of two sizes, and a tail."""
        b, n, h, dk, dv = 2, 37, 2, 12, 20
        for device, (type_, chunk, limit) in self.on_devices(("f32", 16, 2e-5), ("f16", 32, 4e-3)):
            inputs = {"Q": normals(b, n, h, dk, type=type_, scale=0.3), "K": normals(b, n, h, dk, type=type_, scale=0.3),
                      "V": normals(b, n, h, dv, type=type_), "G": ("f32", (b, n, h), lambda source: -source.random()),
                      "Beta": ("f32", (b, n, h), lambda source: source.random())}
            found = self.run_kernel("gated_delta", {"O": 0, "S": "%dx%dx%dx%d" % (b, h, dk, dv)}, inputs, (),
                                    ["T=" + type_, "C=%d" % chunk, "BV=16"], device)
            row = lambda name, i, t, head, d: found["in"][name][((i * n + t) * h + head) * d:][:d]
            out, states = [0] * (b * n * h * dv), []
            for i, head in itertools.product(range(b), range(h)):
                state = [[0.0] * dv for _ in range(dk)]
                for t in range(n):
                    q, k, v = row("Q", i, t, head, dk), row("K", i, t, head, dk), row("V", i, t, head, dv)
                    a, beta = math.exp(row("G", i, t, head, 1)[0]), row("Beta", i, t, head, 1)[0]
                    state = [[a * x for x in line] for line in state]
                    known = [sum(k[r] * state[r][c] for r in range(dk)) for c in range(dv)]
                    state = [[state[r][c] + beta * k[r] * (v[c] - known[c]) for c in range(dv)] for r in range(dk)]
                    at = ((i * n + t) * h + head) * dv
                    out[at:at + dv] = [sum(q[r] * state[r][c] for r in range(dk)) for c in range(dv)]
                states += flat(state)
            self.near(found["O"], out, limit)
            self.near(found["S"], states, limit)

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
