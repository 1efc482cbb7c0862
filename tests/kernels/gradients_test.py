#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""kernels/attention_backward.tile beside differences of a loss in plain Python, f64: the loss is sum(O dO) + sum(L dL) of
attention with a bias, a sink a head and dropout, written here by its formula. Shapes are odd on purpose. See runs.py."""
import math, random, unittest

from runs import Runs, normals
from backward_test import given
from hooks_test import philox16

B, SQ, SK, HK, G, D = 2, 19, 23, 1, 2, 4
H, CAP, P16, SEED, OFFSET = HK * G, 3.0, 16384, 99, 3
STEP = 1e-5


class Loss:
    """Of arrays by name; "bias" has extents `wide`, each 1 or the whole."""

    def __init__(self, values, wide, drops, causal=True):
        self.values, self.wide, self.causal = values, wide, causal
        self.kept = {(b, h, i, j): (65536 / (65536 - P16) if philox16(SEED, OFFSET, i, j, b * H + h) >= P16 else 0.0) if drops else 1.0
                     for b in range(B) for h in range(H) for i in range(SQ) for j in range(SK)}

    def row(self, b, h, i):
        """Of one query and head: its part of the loss."""
        v, shift = self.values, SK - SQ
        q = v["Q"][((b * SQ + i) * H + h) * D:][:D]
        logits = []
        for j in range(SK):
            if self.causal and j > i + shift:
                logits.append(-math.inf)
                continue
            k = v["K"][((b * SK + j) * HK + h // G) * D:][:D]
            at = 0
            for place, extent in zip((b, h, i, j), self.wide):
                at = at * extent + (place if extent > 1 else 0)
            x = sum(x * y for x, y in zip(q, k)) / math.sqrt(D)
            logits.append(CAP * math.tanh(x / CAP) + v["bias"][at])
        top = max(max(logits), v["S"][h])
        total = sum(math.exp(s - top) for s in logits) + math.exp(v["S"][h] - top)
        go = v["dO"][((b * SQ + i) * H + h) * D:][:D]
        loss = v["dL"][(b * H + h) * SQ + i] * (top + math.log(total))
        for j, s in enumerate(logits):
            if s > -math.inf:
                value = v["V"][((b * SK + j) * HK + h // G) * D:][:D]
                loss += math.exp(s - top) / total * self.kept[b, h, i, j] * sum(x * y for x, y in zip(go, value))
        return loss

    def slope(self, name, at):
        """By differences of the rows that the element touches (all of them, where that is not plain)."""
        rows = [(b, h, i) for b in range(B) for h in range(H) for i in range(SQ)]
        if name == "Q":
            rows = [(at // (SQ * H * D), at // D % H, at // (H * D) % SQ)]
        elif name in "KV":
            rows = [row for row in rows if row[0] == at // (SK * HK * D)]
        array, old, found = self.values[name], self.values[name][at], []
        for step in (STEP, -STEP):
            array[at] = old + step
            found.append(sum(self.row(*row) for row in rows))
        array[at] = old
        return (found[0] - found[1]) / (2 * STEP)


class Gradients(Runs):
    FOLDER = "kernels"

    def file_of(self, kernel):
        return "attention_forward.tile" if kernel == "attention_forward" else "attention_backward.tile"

    def gradients(self, device, wide, drops, settings=("T=f64", "BM=16", "BN=16", "warps=2")):
        """The inputs, and what each kernel gives of them."""
        shapes = {"Q": (B, SQ, H, D), "K": (B, SK, HK, D), "V": (B, SK, HK, D)}
        hooks = {"mask": "causal", "score": "own(table)"}
        # A bias of any extents, and the shipped softcap below it.
        hooks["score"] = ("fn own(t: view<wide<T>>[NB, NH, NQ, NK])(s, at) = softcap(%r)(s, at) + load t[min(at.b, NB - 1), min(at.h, NH - 1), "
                          "min(at.q, NQ - 1), min(at.k, NK - 1)]; own(table)" % CAP)
        scalars = {}
        if drops:
            hooks["weight"], scalars = "dropout(p16, seed, offset, Hk * G)", {"p16": P16, "seed": SEED, "offset": OFFSET}
        inputs = {name: normals(*shape, type="f64") for name, shape in shapes.items()}
        inputs["S"], inputs["table"] = normals(H, type="f64"), normals(*wide, type="f64")
        forward = self.run_kernel("attention_forward", {"O": 0, "L": 0}, inputs, scalars, settings, device, hooks)
        values = dict(forward["in"])
        of = lambda shape, numbers: given(("f64",) + shape, numbers)
        delta = self.run_kernel("attention_delta", {"Delta": 0}, {"O": of((B, SQ, H, D), forward["O"]), "dO": normals(B, SQ, H, D, type="f64"),
                                                                  "dL": normals(B, H, SQ, type="f64")}, (), settings[:1], device)
        values.update(dO=delta["in"]["dO"], dL=delta["in"]["dL"])
        rest = {name: of(shape, values[name]) for name, shape in shapes.items()}
        rest.update(dO=of((B, SQ, H, D), values["dO"]), table=of(wide, values["table"]), L=of((B, H, SQ), forward["L"]),
                    Delta=of((B, H, SQ), delta["Delta"]))
        found = {}
        found.update(self.run_kernel("attention_dq", {"dQ": 0}, rest, scalars, settings, device, hooks))
        found.update(self.run_kernel("attention_dkdv", {"dK": 0, "dV": 0}, rest, scalars, settings, device, hooks))
        once = {**rest, "dQ": of((B, SQ, H, D), [0.0] * (B * SQ * H * D))}
        found["once"] = self.run_kernel("attention_backward", {"dQ": 0, "dK": 0, "dV": 0}, once, scalars, settings, device, hooks)
        sums = ["SUMQ=%d" % (wide[2] == 1), "SUMK=%d" % (wide[3] == 1)]
        bias = self.run_kernel("attention_dbias", {"dB": "x".join(map(str, wide))}, rest, scalars, [*settings, *sums], device, hooks)
        sinks = self.run_kernel("attention_dsinks", {"dS": 0}, {"S": of((H,), values["S"]), "L": rest["L"], "Delta": rest["Delta"]},
                                settings=("W=f64",), device=device)
        found.update(dbias=bias["dB"], dS=sinks["dS"])
        values["bias"] = values["table"]
        return values, found

    def check(self, device, wide, drops):
        values, found = self.gradients(device, wide, drops)
        loss, choose = Loss(values, wide, drops), random.Random(str(wide))
        for name in ("Q", "K", "V", "S", "bias"):
            got = found["d" + name]
            self.assertEqual(len(got), len(values[name]))
            for at in choose.sample(range(len(got)), min(5, len(got))):
                self.assertAlmostEqual(got[at], loss.slope(name, at), delta=1e-5, msg="d%s[%d]" % (name, at))
        for name in ("dQ", "dK", "dV"):
            self.near(found["once"][name], found[name], 1e-12)

    def test_biases_of_every_shape(self):
        for device, _ in self.on_devices():
            for wide in ((B, H, SQ, SK), (1, H, SQ, SK), (B, 1, 1, SK), (1, 1, SQ, 1), (1, H, 1, 1)):
                with self.subTest(device=device, wide=wide):
                    self.check(device, wide, drops=False)

    def test_dropout_is_played_again(self):
        for device, _ in self.on_devices():
            self.check(device, (1, H, SQ, SK), drops=True)


if __name__ == "__main__":
    unittest.main()
