#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""imbrex run --check: what it says of right kernels, of promises that are not kept, of instances that meet.

usage: check_test.py IMBREX ROOT
"""

import itertools
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

IMBREX, ROOT = sys.argv[1], sys.argv[2]
sys.path[:0] = [os.path.join(ROOT, "tests", "cases")]
import arrays
ATTENTION = os.path.join(ROOT, "kernels", "attention_forward.tile")
GRADIENT = """kernel gradient(X: view<f32>[N, D], DY: view<f32>[N, D], R: view<f32>[N], DX: out view<f32>[N, D])
grid (N) |i| {
  let dy = load DY[i :+ 1, 0 :+ 4];
  let rstd = (load R[i :+ 1])[:, _];
  let xh = ((load X[i :+ 1, 0 :+ 4]) - 0.5) * rstd;
  let c = rowsum(dy * xh)[:, _];
  let d = rowsum(dy)[:, _];
  store DX[i :+ 1, 0 :+ 4] = (dy - c * xh - d) * rstd;
}
"""
SUM = "kernel rs(X: view<f32>[N, D], S: out view<f32>[N])\ngrid (N) |i| { store S[i :+ 1] = rowsum(load X[i :+ 1, 0 :+ 1000]); }\n"
RACE = "kernel race(X: view<f32>[N], Y: out view<f32>[M])\ngrid (cdiv(N, 64)) |i| { store Y[0 :+ 1] = rowsum((load X[i * 64 :+ 64])[_, :]); }\n"
DISTANCES = """kernel k(Q: view<f32>[16, 32], K: view<f32>[S, H, 64], O: out view<f32>[H, 16, 16])
tune { warps: {2} = 2; stages: 1..4 = 2; }
grid (H) |h| {
  let q = load Q[:, :];
  var acc = fill<f32>[16, 16](0);
  for j in tiles(S, 16) {
    acc = dot(q, FIRST, acc);
    acc = dot(q, SECOND, acc * 0.5);
  }
  store O[h, :, :] = acc;
}
"""
EMPTY = """kernel k(A: view<f32>[M, K], B: view<f32>[K, N], C: out view<f32>[M, N])
tune { warps: {2} = 2; stages: 1..4 = 3; }
grid (cdiv(N, 32)) |i| {
  var acc = fill<f32>[16, 32](0);
  for k in tiles(K, 16) {
    acc = dot(load A[0 :+ 16, k * 16 :+ 16], load B[k * 16 :+ 16, i * 32 :+ 32], acc);
  }
  store C[0 :+ 16, i * 32 :+ 32] = acc;
}
"""


SIDE_BY_SIDE = """
hook mask(at: coord) -> bool = true;
fn causal(at) = at.k <= at.q;
fn window(left: i32, right: i32)(at) = at.k >= at.q - left && at.k <= at.q + right;
kernel attend(Q: view<f32>[Sq, 32], K: view<f32>[32, Sk], V: view<f32>[Sk, 32], O: out view<f32>[Sq, 32])
grid (cdiv(Sq, 32)) |i| {
  let q = load Q[i * 32 :+ 32, :];
  var l = fill<f32>[32](0);  var acc = fill<f32>[32, 32](0);
  for j in tiles(Sk, 32) visible(mask) {
    let at = coord(0, 0, i * 32 + iota(32)[:, _], j * 32 + iota(32)[_, :], Sq, Sk);
    let p = where(mask(at) && at.k < Sk, exp2(dot(q, load K[:, j * 32 :+ 32]) * 0.1), 0);
    l = l + rowsum(p);
    acc = dot(p, load V[j * 32 :+ 32, :], acc);
  }
  store O[i * 32 :+ 32, :] = acc / max(l, 1e-9)[:, _];
}
"""


class Check(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.random = random.Random(3)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def array(self, name, shape, values):
        path = self.path(name + ".npy")
        arrays.save(path, "f32", shape, values)
        return path

    def normals(self, name, *shape, scale=1):
        count = 1
        for n in shape:
            count *= n
        return self.array(name, shape, [scale * self.random.gauss(0, 1) for _ in range(count)])

    def text(self, body):
        with open(self.path("kernel.tile"), "w") as file:
            file.write(body)
        return self.path("kernel.tile")

    def check(self, kernel, *words):
        return subprocess.run([IMBREX, "run", kernel, "--device", "sim:a100", "--cache-dir", "none", "--check", *words],
                              capture_output=True, text=True)

    def attention(self, kernel=ATTENTION, scale="0.125", mask="causal", factor=1, more=()):
        flags = [flag for name in "QKV" for flag in ("--arg", name + "=" + self.normals(name, 1, 75, 1, 32, scale=factor if name == "Q" else 1))]
        return self.check(kernel, "--set", "T=f32", "--set", "BM=32", "--set", "BN=16", *more, *flags, "--arg", "scale=" + scale, "--hook", "mask=" + mask,
                          "--out", "O=" + self.path("o.npy"))

    def good(self, result):
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn(": ok", result.stdout)
        return result.stdout

    def test_exact_zero(self):
        flags = ["--arg", "X=" + self.array("x", (1, 1), [0.5]), "--arg", "DY=" + self.array("dy", (1, 1), [1.2377]),
                 "--arg", "R=" + self.array("r", (1,), [316.2277])]
        self.good(self.check(self.text(GRADIENT), *flags, "--out", "DX=1x1"))

    def test_a_sum_that_cancels(self):
        values = [self.random.gauss(0, 1) for _ in range(500)]
        values += [-x for x in values]
        self.random.shuffle(values)
        self.good(self.check(self.text(SUM), "--arg", "X=" + self.array("x", (1, 1000), values), "--out", "S=1"))

    # Weights are computed, in another way here and there, and then rounded.
    def test_products_by_tf32(self):
        for products in ("1", "3"):
            self.good(self.attention(more=("--set", "tf32=" + products)))

    # A file of bytes is what the kernel says it is; results come as f32.
    def test_floats_of_8_bits(self):
        text = self.text("""
kernel widen(X: view<f8e4m3>[N], Y: out view<f32>[N], Z: out view<f8e5m2>[N])
grid (1) |i| { let x = load X[0 :+ 256];  store Y[0 :+ 256] = cast<f32>(x);  store Z[0 :+ 256] = cast<f8e5m2>(x); }
""")
        values = list(range(0x7f)) + list(range(0x80, 0xff))
        x = arrays.save(self.path("x.npy"), "u8", (len(values),), values)
        self.good(self.check(text, "--arg", "X=" + x, "--out", "Y=254:" + self.path("y.npy"), "--out", "Z=254:" + self.path("z.npy")))
        size = lambda v: (v & 7) * 2.0 ** -9 if v >> 3 & 15 == 0 else (8 + (v & 7)) * 2.0 ** ((v >> 3 & 15) - 10)
        expected = [-size(v) if v & 128 else size(v) for v in values]
        self.assertEqual(arrays.load(self.path("y.npy")), expected)
        for e5m2, e4m3 in zip(arrays.load(self.path("z.npy")), expected):
            self.assertLessEqual(abs(e5m2 - e4m3), abs(e4m3) / 8)

    def test_large_logits(self):
        self.good(self.attention(factor=8e4))

    def unseen(self, mask, spoiled, *tile):
        """Attention in tiles of 32 x 16, a NaN in value row `spoiled`; extra functions of masks."""
        with open(ATTENTION) as file:
            text = file.read() + "fn thirds(at) = causal(at) && at.k % 3 != 1;\nfn blocks(at) = at.k / 32 == at.q / 32;\n"
        values = [self.random.gauss(0, 1) for _ in range(75 * 32)]
        values[spoiled * 32 + 5] = math.nan
        flags = [flag for name in "QK" for flag in ("--arg", name + "=" + self.normals(name, 1, 75, 1, 32))]
        return self.check(self.text(text), "--set", "T=f32", "--set", "BM=32", "--set", "BN=16", *flags, "--arg",
                          "V=" + self.array("V", (1, 75, 1, 32), values), "--hook", "mask=" + mask, "--out",
                          "O=" + self.path("o.npy"), "--out", "L=" + self.path("l.npy"))

    # Key 70 is hidden from all queries of the tiles before by the bounds of the mask, also where a tile of keys is partly
    # visible: both sides read zero. Key 60 of a tile that some query sees spoils it on both sides.
    def test_nan_that_bounds_hide(self):
        for mask, spoiled in (("causal", 70), ("causal", 60), ("window(20, 3)", 40), ("thirds", 40)):
            self.assertNotIn("without a bound", self.good(self.unseen(mask, spoiled)))

    # No comparison bounds blocks(): a device visits all tiles, and 0 * NaN spoils column 5 of the 43 rows before 43 to 75.
    def test_nan_in_tiles_that_no_bound_hides(self):
        said = self.good(self.unseen("blocks", 40))
        self.assertIn("check O: 43 without a bound; ", said)

    # A row that sees nothing is made of exact zeros: its result has a bound as any other.
    def test_rows_that_see_nothing(self):
        sizes = [word for name in "QKV" for word in ("--arg", name + "=1x75x1x32")]
        for type_ in ("f32", "f64", "f16", "bf16"):
            for mask in ("at.k + 40 < at.q", "at.k < 0"):
                said = self.good(self.check(ATTENTION, "--set", "T=" + type_, *sizes, "--hook", "mask=" + mask, "--out",
                                            "O=" + self.path("o.npy"), "--out", "L=" + self.path("l.npy")))
                self.assertNotIn("without a bound", said)

    # A row that is wrong by 1 % of the largest value is beyond the bound.
    def test_the_bound_is_near(self):
        said = self.good(self.attention())
        bound = float(re.search(r"bound is ([0-9.E+-]+)", said).group(1))
        self.assertLess(bound, 1e-4)
        self.assertGreater(bound, 0)

    def distances(self, first, *others):
        for second in others:
            for stages in ("1", "2", "3"):
                with self.subTest(second=second, stages=stages):
                    text = DISTANCES.replace("FIRST", first).replace("SECOND", second)
                    self.good(self.check(self.text(text), "--set", "stages=" + stages, "--arg", "Q=" + self.normals("q", 16, 32),
                                         "--arg", "K=" + self.normals("k", 40, 2, 64), "--out", "O=2x16x16"))

    # One view is read at constant distances: other pieces, other columns, another head, other rows.
    def test_loads_at_constant_distances(self):
        self.distances(*["(load K[%s]).T" % place for place in (
            "j * 16 :+ 16, h, 0 :+ 32", "j * 16 :+ 16, h, 2 :+ 32", "j * 16 :+ 16, h, 48 :+ 32", "j * 16 :+ 16, h + 1, 0 :+ 32",
            "j * 16 :+ 16, h - 1, 0 :+ 32", "j * 16 + 16 :+ 16, h, 0 :+ 32", "j * 16 - 3 :+ 16, h, 0 :+ 32")])

    # The same where the loop moves along the columns: nothing else is known of the rows.
    def test_columns_at_constant_distances(self):
        self.distances(*["load K[%s]" % place for place in (
            "0 :+ 32, h, j * 16 :+ 16", "0 :+ 32, h, j * 16 + 2 :+ 16", "0 :+ 32, h, j * 16 + 40 :+ 16",
            "0 :+ 32, h + 1, j * 16 :+ 16", "24 :+ 32, h, j * 16 :+ 16")])

    # The bounds of the mask lie anywhere in rows of keys, also inside the bytes of one copy.
    def test_keys_side_by_side(self):
        for mask in ("window(13, 5)", "window(3, 0)", "causal"):
            self.good(self.check(self.text(SIDE_BY_SIDE), "--hook", "mask=" + mask, "--arg", "Q=" + self.normals("q", 96, 32),
                                 "--arg", "K=" + self.normals("k", 32, 96), "--arg", "V=" + self.normals("v", 96, 32),
                                 "--out", "O=96x32"))

    # A range need not lie in its view, and may be longer than an i32 counts.
    def test_extents_of_parts(self):
        text = self.text("""
kernel extents(X: view<f32>[N], lo: i32, hi: i32, Y: out view<i32>[M])
grid (1) |i| {
  let e = extent(X[lo .. hi], 0);
  store Y[0] = e;  store Y[1] = where(e + 100000 > 5, 1, 2);  store Y[2] = where(e + 100000 >= e, 1, 2);
}
""")
        edges = (-2**31, -5, 0, 7, 2**31 - 1)
        for low, high in itertools.product(edges, edges):
            self.good(self.check(text, "--arg", "X=" + self.normals("x", 9), "--arg", "lo=%d" % low, "--arg", "hi=%d" % high,
                                 "--out", "Y=3:" + self.path("y.npy")))
            extent = min(max(high - low, 0), 2**31 - 1)
            self.assertEqual(arrays.load(self.path("y.npy")), [extent, 1, 1])

    # Strides that lead to no element are odd; copies of nothing are still aligned.
    def test_empty_views(self):
        self.good(self.check(self.text(EMPTY), "--arg", "A=" + self.normals("a", 16, 0), "--arg", "B=" + self.normals("b", 0, 37),
                             "--out", "C=16x37"))

    def test_a_promise_that_is_not_kept(self):
        with open(ATTENTION) as file:
            soft = file.read().replace("score(dot(q, k.T) * scale, at), -inf)",
                                       "score(dot(q, k.T) * scale, at), where(at.k < Sk, -1, -inf))")
        result = self.attention(self.text(soft))
        self.assertEqual(result.returncode, 3)
        self.assertIn("the promise is not kept: the mask is false everywhere in iteration", result.stdout)
        self.assertTrue(os.path.exists(self.path("o.npy")), "outputs are written in every case")

    # The simulated device tells it before the interpreter is asked, with both stores.
    def test_instances_that_store_one_element(self):
        result = self.check(self.text(RACE), "--arg", "X=" + self.normals("x", 256), "--out", "Y=1:" + self.path("y.npy"))
        self.assertEqual(result.returncode, 3)
        self.assertIn("global-memory race in kernel", result.stderr)
        self.assertRegex(result.stderr, r"write of \d+ bytes at global address 0x\w+ is not ordered after a write by block")

    # No bound on the right is no bound for every tile size, and so is a sum that would pass 2^31.
    def test_windows_without_end(self):
        for mask in ("window(-1, 2147483647)", "window(0, 2147483647)"):
            self.good(self.attention(mask=mask))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
