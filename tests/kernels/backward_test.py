#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""kernels/attention_backward.tile beside the gradient of attention in plain Python (f64), and beside differences of
kernels/attention_forward.tile's own results. Shapes are odd on purpose. See runs.py."""
import itertools, math, unittest

from runs import Runs, normals

MASKS = {"causal": lambda i, j, off: j <= i + off, "window(5, 2)": lambda i, j, off: i + off - 5 <= j <= i + off + 2, "full": lambda i, j, off: True}


class Case:
    """Attention of batch 1 in lists: `of` gives rows of an array [1, n, heads, d]."""

    def __init__(self, sq, sk, hk, g, dqk, dv, mask="full", cap=0.0):
        self.sq, self.sk, self.hk, self.g, self.h, self.dqk, self.dv, self.mask, self.cap = sq, sk, hk, g, hk * g, dqk, dv, mask, cap
        self.scale = 1 / math.sqrt(dqk)
        self.hooks = {"mask": mask, **({"score": "softcap(%r)" % cap} if cap else {})}

    def row(self, x, i, h, heads, d):
        return x[(i * heads + h) * d:(i * heads + h + 1) * d]

    def weights(self, q, k, h, i):
        """(logits before the score, softmax weights, log-sum-exp) of a query."""
        qi, found, logits = self.row(q, i, h, self.h, self.dqk), [], []
        for j in range(self.sk):
            x = sum(a * b for a, b in zip(qi, self.row(k, j, h // self.g, self.hk, self.dqk))) * self.scale
            found.append(x)
            seen = MASKS[self.mask](i, j, self.sk - self.sq)
            logits.append((self.cap * math.tanh(x / self.cap) if self.cap else x) if seen else -math.inf)
        most = max(logits)
        if most == -math.inf:
            return found, [0.0] * self.sk, -math.inf
        terms = [math.exp(s - most) for s in logits]
        return found, [t / sum(terms) for t in terms], most + math.log(sum(terms))

    def gradients(self, q, k, v, go):
        """(O, L, dQ, dK, dV), by the formulas of a softmax's gradient over whole rows."""
        o, lse, dq, dk, dv = [0.0] * len(go), [0.0] * (self.h * self.sq), [0.0] * len(q), [0.0] * len(k), [0.0] * len(v)
        for h in range(self.h):
            for i in range(self.sq):
                x, p, lse[h * self.sq + i] = self.weights(q, k, h, i)
                gi, qi = self.row(go, i, h, self.h, self.dv), self.row(q, i, h, self.h, self.dqk)
                vs = [self.row(v, j, h // self.g, self.hk, self.dv) for j in range(self.sk)]
                dp = [sum(a * b for a, b in zip(gi, vj)) for vj in vs]
                mean = sum(a * b for a, b in zip(p, dp))
                for j in range(self.sk):
                    slope = 1 - math.tanh(x[j] / self.cap) ** 2 if self.cap else 1.0
                    dx = p[j] * (dp[j] - mean) * slope * self.scale
                    at, to = (i * self.h + h) * self.dqk, (j * self.hk + h // self.g) * self.dqk
                    for d in range(self.dqk):
                        dq[at + d] += dx * k[to + d]
                        dk[to + d] += dx * qi[d]
                    at, to = (i * self.h + h) * self.dv, (j * self.hk + h // self.g) * self.dv
                    for d in range(self.dv):
                        dv[to + d] += p[j] * gi[d]
                        o[at + d] += p[j] * vs[j][d]
        return o, lse, dq, dk, dv


def given(shape, values):
    """Of an array of run_kernel: its type and shape, and where its elements come from, each time it is made."""
    again = itertools.cycle(values)
    return shape[0], shape[1:], lambda _: next(again)


class Backward(Runs):
    FOLDER = "kernels"

    def file_of(self, kernel):
        return "attention_forward.tile" if kernel == "attention_forward" else "attention_backward.tile"

    def arrays(self, case, type_):
        shapes = {"Q": (case.sq, case.h, case.dqk), "K": (case.sk, case.hk, case.dqk), "V": (case.sk, case.hk, case.dv), "dO": (case.sq, case.h, case.dv)}
        return {name: normals(1, *shape, type=type_) for name, shape in shapes.items()}

    def run_backward(self, case, settings, device):
        """The inputs' elements, and {name: the kernels' gradient}."""
        type_, wide = settings[0][2:], "f64" if settings[0] == "T=f64" else "f32"
        inputs = self.arrays(case, type_)
        forward = self.run_kernel("attention_forward", {"O": 0, "L": 0}, {name: inputs[name] for name in "QKV"}, (), settings, device, case.hooks)
        values = dict(forward["in"])
        source = {"O": given((type_, 1, case.sq, case.h, case.dv), forward["O"])}
        source["dO"] = inputs["dO"]
        delta = self.run_kernel("attention_delta", {"Delta": 0}, source, (), settings[:1], device)
        values["dO"] = delta["in"]["dO"]
        rest = {name: given((type_, 1) + tuple(inputs[name][1][1:]), values[name]) for name in ("Q", "K", "V", "dO")}
        rest["L"] = given((wide, 1, case.h, case.sq), forward["L"])
        rest["Delta"] = given((wide, 1, case.h, case.sq), delta["Delta"])
        found = self.run_kernel("attention_dq", {"dQ": 0}, rest, (), settings, device, case.hooks)
        found.update(self.run_kernel("attention_dkdv", {"dK": 0, "dV": 0}, rest, (), settings, device, case.hooks))
        return values, {**found, "L": forward["L"]}

    def check(self, case, settings, device, limit):
        values, found = self.run_backward(case, settings, device)
        _, lse, dq, dk, dv = case.gradients(values["Q"], values["K"], values["V"], values["dO"])
        for name, want in (("dQ", dq), ("dK", dk), ("dV", dv)):
            self.near(found[name], want, limit)
        for got, want in zip(found["L"], lse):
            self.assertTrue(got == want or abs(got - want) < 1e-2)
        return values, found

    def test_gradients(self):
        small = "BM=16", "BN=16", "warps=1"
        cases = ((Case(20, 33, 1, 2, 16, 24, "causal"), ["T=f64"], 1e-10), (Case(33, 20, 2, 1, 8, 8, "causal", 3.0), ["T=f32", *small, "stages=2"], 2e-4),
                 (Case(19, 21, 1, 1, 13, 7, "window(5, 2)"), ["T=f32"], 2e-4), (Case(40, 37, 1, 3, 16, 16, "window(5, 2)", 2.0), ["T=f16", *small], 2e-2),
                 (Case(17, 40, 1, 1, 32, 32), ["T=f16"], 2e-2))
        for device, _ in self.on_devices():
            for case, settings, limit in cases:
                self.check(case, settings, device, limit)

    def test_differences_of_the_forward_kernel(self):
        """The loss sum(O dO), its slope by the forward kernel's results a step of 1e-5 to each side."""
        case, settings = Case(6, 9, 1, 2, 8, 8, "causal", 2.5), ["T=f64", "BM=16", "BN=16"]
        for device, _ in self.on_devices():
            values, found = self.check(case, settings, device, 1e-10)

            def loss(name, at, step):
                inputs = {}
                for each, heads, n, d in (("Q", case.h, case.sq, case.dqk), ("K", case.hk, case.sk, case.dqk), ("V", case.hk, case.sk, case.dv)):
                    elements = list(values[each])
                    if each == name:
                        elements[at] += step
                    inputs[each] = given(("f64", 1, n, heads, d), elements)
                o = self.run_kernel("attention_forward", {"O": 0}, inputs, (), settings, device, case.hooks)["O"]
                return sum(x * y for x, y in zip(o, values["dO"]))

            for name, at in (("Q", 17), ("K", 5), ("V", 30)):
                slope = (loss(name, at, 1e-5) - loss(name, at, -1e-5)) / 2e-5
                self.assertAlmostEqual(found["d" + name][at], slope, delta=1e-5)

    def test_ragged(self):
        """Sequences one after another, one of them without queries: each as it is alone."""
        lengths, h, d = [(20, 25), (0, 7), (13, 13)], 2, 16
        cases = [Case(sq, sk, 1, h, d, d, "causal") for sq, sk in lengths]
        totals = [sum(n[side] for n in lengths) for side in (0, 1)]
        offsets = [[sum(n[side] for n in lengths[:b]) for b in range(len(lengths) + 1)] for side in (0, 1)]

        def stored(name, side, type_, shape, values=None):
            rows = given((type_,) + shape, values) if values is not None else normals(*shape, type=type_)
            return {name + " ragged 0": rows, name + " ragged 1": given(("i32", len(lengths) + 1), offsets[side])}

        for device, settings in self.on_devices(["T=f32", "BM=16", "BN=16", "warps=2"]):
            inputs = {**stored("Q", 0, "f32", (totals[0], h, d)), **stored("K", 1, "f32", (totals[1], 1, d)), **stored("V", 1, "f32", (totals[1], 1, d))}
            forward = self.run_kernel("attention_forward", {"O": 0, "L": 0}, inputs, (), settings, device, {"mask": "causal"})
            go = stored("dO", 0, "f32", (totals[0], h, d))
            delta = self.run_kernel("attention_delta", {"Delta": 0}, {**stored("O", 0, "f32", (totals[0], h, d), forward["O"]), **go}, (), settings[:1], device)
            held = {**forward["in"], **delta["in"]}
            rest = {}
            for name, side, heads in (("Q", 0, h), ("K", 1, 1), ("V", 1, 1), ("dO", 0, h)):
                rest.update(stored(name, side, "f32", (totals[side], heads, d), held[name + " ragged 0"]))
            for name, values in (("L", forward["L"]), ("Delta", delta["Delta"])):
                rest.update(stored(name, 0, "f32", (h, totals[0]), values))
            found = self.run_kernel("attention_dq", {"dQ": 0}, rest, (), settings, device, {"mask": "causal"})
            found.update(self.run_kernel("attention_dkdv", {"dK": 0, "dV": 0}, rest, (), settings, device, {"mask": "causal"}))
            for b, case in enumerate(cases):
                part = lambda values, side, heads: values[offsets[side][b] * heads * d:offsets[side][b + 1] * heads * d]
                q, k, v, go = (part(held[name + " ragged 0"], side, heads) for name, side, heads in (("Q", 0, h), ("K", 1, 1), ("V", 1, 1), ("dO", 0, h)))
                _, _, dq, dk, dv = case.gradients(q, k, v, go)
                for name, want, side, heads in (("dQ", dq, 0, h), ("dK", dk, 1, 1), ("dV", dv, 1, 1)):
                    self.near(part(found[name], side, heads), want, 2e-4)


if __name__ == "__main__":
    unittest.main()
