#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Hooks of kernels/attention_forward.tile bound to functions with views and scalars, to expressions and to texts of
their own, beside attention in plain Python. Shapes are odd on purpose. See runs.py."""
import itertools, math, unittest

from runs import DEVICES, Runs, array, integers, normals

B, SQ, SK, HK, G, D = 2, 21, 37, 2, 2, 16
H = HK * G
SETTINGS = (["T=f32"], ["T=f16", "BM=16", "BN=16", "warps=1", "stages=3"], ["T=f32", "BM=16", "BN=32", "warps=2"])


def philox16(seed, offset, row, column, plane):
    """Philox4x32-10 (Salmon et al. 2011), and of its words the 16 bits that the grammar's `philox16` names."""
    c = [row, 4 * (column // 32) + column % 8 // 2, plane, offset]
    key = [seed & 0xffffffff, seed >> 32 & 0xffffffff]
    for _ in range(10):
        low, high = 0xd2511f53 * c[0], 0xcd9e8d57 * c[2]
        c = [high >> 32 ^ c[1] ^ key[0], high & 0xffffffff, low >> 32 ^ c[3] ^ key[1], low & 0xffffffff]
        key = [(key[0] + 0x9e3779b9) & 0xffffffff, (key[1] + 0xbb67ae85) & 0xffffffff]
    return c[column % 32 // 8] >> 16 * (column % 2) & 0xffff


class Hooks(Runs):
    FOLDER = "kernels"

    def attention(self, found, score, mask, weight):
        """O in plain Python: score(s, b, h, q, k), mask(b, h, q, k) and weight(b, h, q, k), q counted from the first query."""
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
                    weights = {key: w * weight(b, h, i, key // (HK * D) - b * SK) for key, w in weights.items()}
                    result += [sum(w * v[key + d] for key, w in weights.items()) / total for d in range(D)]
        return result

    def check(self, hooks, captured, scalars, score=lambda s, *_: s, mask=lambda *_: True, weight=lambda *_: 1,
              settings=SETTINGS):
        """`captured` may be arrays or a function of the types in use; score and mask are given what was captured."""
        for device, setting in self.on_devices(*settings):
            type_ = setting[0][2:]
            inputs = {"Q": normals(B, SQ, H, D, type=type_), "K": normals(B, SK, HK, D, type=type_),
                      "V": normals(B, SK, HK, D, type=type_), **captured}
            found = self.run_kernel("attention_forward", {"O": 0}, inputs, scalars, setting, device, hooks)
            self.given = found["in"]
            self.near(found["O"], self.attention(found, score, mask, weight), 2e-5 if type_ == "f32" else 4e-3)

    def test_masks(self):
        """Every mask of kernels/masks.tile; what a query sees is told by its key's place, p the key beside the query."""
        shift = SK - SQ
        at = lambda name, index: self.given[name][index]
        bits = lambda b, q, k: at("bits", (b * SQ + q) * 2 + (k - shift) // 32) >> (k - shift) % 32 & 1
        for mask, captured, sees in (
                ("full", {}, lambda b, q, k, p: True),
                ("causal", {}, lambda b, q, k, p: k <= p),
                ("causal_top_left", {}, lambda b, q, k, p: k <= q),
                ("window(4, 6)", {}, lambda b, q, k, p: p - 4 <= k <= p + 6),
                ("window(-1, 3)", {}, lambda b, q, k, p: k <= p + 3),
                ("causal_window(5)", {}, lambda b, q, k, p: p - 5 <= k <= p),
                ("prefix(lengths)", {"lengths": integers(B, low=20, high=30)}, lambda b, q, k, p: k <= p or k < at("lengths", b)),
                ("documents(ids)", {"ids": integers(B, SK, low=0, high=2)}, lambda b, q, k, p: at("ids", b * SK + p) == at("ids", b * SK + k)),
                ("chunked(7)", {}, lambda b, q, k, p: k <= p and k // 7 == p // 7),
                ("dilated(5)", {}, lambda b, q, k, p: (p - k) % 5 == 0),
                ("tree(bits)", {"bits": integers(B, SQ, 2, low=-2**31, high=2**31 - 1)}, lambda b, q, k, p: k < shift or bits(b, q, k)),
                ("causal(at) && dilated(2)(at) && documents(ids)(at)", {"ids": integers(B, SK, low=0, high=1)},
                 lambda b, q, k, p: k <= p and (p - k) % 2 == 0 and at("ids", b * SK + p) == at("ids", b * SK + k))):
            with self.subTest(mask=mask):
                self.check({"mask": mask}, captured, {}, mask=lambda b, h, q, k: sees(b, q, k, q + shift), settings=SETTINGS[:2])

    def test_relative_biases(self):
        """By distances up to 5 to either side; those beyond have the outermost ones."""
        self.check({"score": "relative(table)(softcap(2.5)(s, at), at)"}, {"table": normals(H, 11)}, {},
                   lambda s, b, h, q, k: 2.5 * math.tanh(s / 2.5) + self.given["table"][h * 11 + min(10, max(0, k - q - SK + SQ + 5))])

    def test_dropout(self):
        """Weights are dropped after the sum by 16 bits of Philox each, the others divided by what is kept."""
        seed, offset = 0x123456789abc, 7
        p16 = philox16(seed, offset, 6, 7, 2)  # that element is on the edge, and is kept
        self.assertTrue(10000 < p16 < 50000, p16)
        factor = lambda b, h, q, k: 65536 / (65536 - p16) if philox16(seed, offset, q, k, b * H + h) >= p16 else 0.0
        self.check({"weight": "dropout(p16, seed, offset, Hk * G)", "mask": "causal"}, {},
                   {"p16": p16, "seed": seed, "offset": offset}, mask=lambda b, h, q, k: k <= q + SK - SQ, weight=factor)

    def test_views_and_scalars(self):
        shift = SK - SQ
        self.check({"score": "alibi(slopes)", "mask": "window(left, 0)"}, {"slopes": normals(H)}, {"left": 9},
                   lambda s, b, h, q, k: s - self.given["slopes"][h] * abs(q + shift - k),
                   lambda b, h, q, k: q + shift - 9 <= k <= q + shift)

    def test_a_bias(self):
        self.check({"score": "bias(table)"}, {"table": normals(B, H, SQ, SK)}, {},
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

    def test_a_length_from_a_table_hides_keys(self):
        """Keys behind a length that the mask loads hold NaN: neither the device nor the reference reads them."""
        lengths = [11, 30]

        def spoiled(type_):
            places = itertools.count()

            def element(source):
                key = next(places) // (HK * D)
                return source.gauss(0, 1) if key % SK < lengths[key // SK] else math.nan

            return type_, (B, SK, HK, D), element

        for device, setting in self.on_devices(*SETTINGS):
            type_ = setting[0][2:]
            inputs = {"Q": normals(B, SQ, H, D, type=type_), "K": spoiled(type_), "V": spoiled(type_),
                      "f": array("i32", (B,), lengths)}
            text = "fn within(f: view<i32>[B])(at) = at.k < load f[at.b]; within(f)"
            found = self.run_kernel("attention_forward", {"O": 0}, inputs, {}, setting, device, {"mask": text})
            self.near(found["O"], self.attention(found, lambda s, *_: s, lambda b, h, q, k: k < lengths[b], lambda *_: 1),
                      2e-5 if type_ == "f32" else 4e-3)


if __name__ == "__main__":
    unittest.main()
