#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Hooks of kernels/attention_forward.tile bound to functions with views and scalars, to expressions and to texts of
their own, beside attention in plain Python. Shapes are odd on purpose. See runs.py."""
import math, unittest

from runs import DEVICES, Runs, integers, normals

B, SQ, SK, HK, G, D = 2, 21, 37, 2, 2, 16
H = HK * G
SETTINGS = (["T=f32"], ["T=f16", "BM=16", "BN=16", "warps=1", "stages=3"], ["T=f32", "BM=16", "BN=32", "warps=2"])


class Hooks(Runs):
    FOLDER = "kernels"

    def attention(self, found, score, mask):
        """O in plain Python: score(s, b, h, q, k) and mask(b, h, q, k), q counted from the first query."""
        q, k, v = (found["in"][name] for name in "QKV")
        result = []
        for b in range(B):
            for i in range(SQ):
                for h in range(H):
                    at = ((b * SQ + i) * H + h) * D
                    row = {}
                    for j in range(SK):
                        key = ((b * SK + j) * HK + h // G) * D
                        if mask(b, h, i, j):
                            row[key] = score(sum(q[at + d] * k[key + d] for d in range(D)) / math.sqrt(D), b, h, i, j)
                    most = max(row.values(), default=0)
                    weights = {key: math.exp(s - most) for key, s in row.items()}
                    total = sum(weights.values()) or 1
                    result += [sum(w * v[key + d] for key, w in weights.items()) / total for d in range(D)]
        return result

    def check(self, hooks, captured, scalars, score=lambda s, *_: s, mask=lambda *_: True, settings=SETTINGS):
        """`captured` may be arrays or a function of the types in use; score and mask are given what was captured."""
        for device, setting in self.on_devices(*settings):
            type_ = setting[0][2:]
            inputs = {"Q": normals(B, SQ, H, D, type=type_), "K": normals(B, SK, HK, D, type=type_),
                      "V": normals(B, SK, HK, D, type=type_), **captured}
            found = self.run_kernel("attention_forward", {"O": 0}, inputs, scalars, setting, device, hooks)
            self.given = found["in"]
            self.near(found["O"], self.attention(found, score, mask), 2e-5 if type_ == "f32" else 4e-3)

    def test_views_and_scalars(self):
        shift = SK - SQ
        self.check({"score": "alibi(slopes)", "mask": "window(left, 0)"}, {"slopes": normals(H)}, {"left": 9},
                   lambda s, b, h, q, k: s - self.given["slopes"][h] * abs(q + shift - k),
                   lambda b, h, q, k: q + shift - 9 <= k <= q + shift)

    def test_a_bias(self):
        self.check({"score": "biased(table)"}, {"table": normals(B, H, SQ, SK)}, {},
                   lambda s, b, h, q, k: s + self.given["table"][((b * H + h) * SQ + q) * SK + k])

    def test_expressions(self):
        shift = SK - SQ
        self.check({"score": "alibi(slopes)(softcap(2.5)(s, at), at) + scale",
                    "mask": "causal(at) && documents(ids)(at)"},
                   {"slopes": normals(H), "ids": integers(B, SK, low=0, high=2)}, {},
                   lambda s, b, h, q, k: 2.5 * math.tanh(s / 2.5) - self.given["slopes"][h] * abs(q + shift - k),
                   lambda b, h, q, k: k <= q + shift and self.given["ids"][b * SK + q + shift] == self.given["ids"][b * SK + k])

    def test_texts_of_the_hosts(self):
        """A table of what each query sees, of another number of columns than there are keys, and a function of the
        file under another meaning."""
        text = """fn causal(table: view<i32>[Sq, N])(at) = load table[at.q, at.k % N] > 0;
                  fn table(t: view<i32>[Sq, N], most: i32)(at) = causal(t)(at) && at.k <= most && at.h != N;
                  table(seen, last)"""
        self.check({"mask": text}, {"seen": integers(SQ, 11, low=-1, high=2)}, {"last": 30},
                   mask=lambda b, h, q, k: self.given["seen"][q * 11 + k % 11] > 0 and k <= 30)


if __name__ == "__main__":
    unittest.main()
