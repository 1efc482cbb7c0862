#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is wrong with arrays, storages and outputs on the command line is said before anything runs.

usage: arguments_test.py IMBREX SOURCE_DIR      Python's standard library only.
"""
import os, subprocess, sys, tempfile, unittest

IMBREX, ROOT = sys.argv[1], sys.argv[2]
sys.path.insert(0, os.path.join(ROOT, "tests", "cases"))
import arrays

STORED = """kernel k(X: view<f32>[B, S[B], H, 8], Y: out view<f32>[B, 8])
grid (B) |b| {
  store Y[b, :] = colsum(load X[b, 0 :+ 4, 0, :]);
}
"""
PLAIN = """kernel k<T: f16 | f32>(X: view<T>[N], Y: out view<T>[M], scale: f32)
grid (cdiv(N, 16)) |i| {
  store Y[i * 16 :+ 16] = load X[i * 16 :+ 16] * cast<T>(scale);
}
"""


class Arguments(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def array(self, name, type_, *shape):
        count = 1
        for n in shape:
            count *= n
        return arrays.save(self.path(name), type_, shape, [1] * count)

    def refused(self, text, part, *words):
        with open(self.path("k.tile"), "w") as file:
            file.write(text)
        done = subprocess.run([IMBREX, "run", self.path("k.tile"), "--device", "sim", "--cache-dir", "none", *words],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(part, done.stderr)

    def stored(self, value, part):
        self.refused(STORED, part, "--arg", "X=" + value, "--out", "Y=" + self.path("y.npy"))

    def test_tables_and_pools(self):
        pool, table, lengths = self.array("p", "f32", 2, 4, 1, 8), self.array("t", "i32", 1, 1), self.array("l", "i32", 1)
        wrong = self.array("w", "i64", 1, 1)
        self.stored("paged(%s, %s)" % (pool, table), "paged takes 3 files, found 2")
        self.stored("paged(%s, %s, %s)" % (pool, wrong, lengths), "must hold 32-bit integers")
        self.stored("paged(%s, %s, %s)" % (self.array("q", "f32", 2), table, lengths),
                    "a pool of files has its pages in the place of the sequences and the rows of a page right behind them")

    def test_a_pool_keeps_its_shape(self):
        with open(self.path("k.tile"), "w") as file:
            file.write("kernel k(X: var view<f32>[B, S[B], 8])\ngrid (S, B) |s, b| { store X[b, s, :] = 2 * load X[b, s, :]; }\n")
        pool = arrays.save(self.path("p.npy"), "f32", (3, 4, 8), [x for x in range(3 * 4 * 8)])
        table, lengths = arrays.save(self.path("t.npy"), "i32", (1, 2), [2, 0]), arrays.save(self.path("l.npy"), "i32", (1,), [5])
        done = subprocess.run([IMBREX, "run", self.path("k.tile"), "--device", "sim", "--cache-dir", "none", "--arg",
                               "X=paged(%s, %s, %s)" % (pool, table, lengths), "--out", "X=" + self.path("x.npy")],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("X: f32 3x4x8 -> ", done.stdout)
        rows = [8, 9, 10, 11, 0]
        self.assertEqual(arrays.load(self.path("x.npy")), [x * (2 if x // 8 in rows else 1) for x in range(3 * 4 * 8)])

    def test_scales(self):
        x, scales = self.array("x", "i8", 1, 4, 1, 8), self.array("s", "f32", 1)
        self.stored("scaled(%s)" % x, "scaled takes what is scaled and a file of scales")
        self.stored("scaled(%s, %s)" % (x, self.array("d", "f64", 1)), "must hold scales of f32")
        self.stored("scaled(%s, %s)" % (self.array("u", "u8", 1, 4, 1, 8), scales), "of what type are the bytes? scaled(..., ..., f8e4m3)")
        self.stored("scaled(%s, %s, f8)" % (x, scales), "behind the scales stand a type")
        self.stored("scaled(%s, %s, 0)" % (x, scales), "and how many positions share a scale")
        self.stored("scaled(%s, %s)" % (x, self.array("m", "f32", 3, 3)), "scales are [1], one a head")

    def test_numbers_and_arrays(self):
        x = self.array("x.npy", "f32", 32)
        out = ["--out", "Y=32:" + self.path("y.npy")]
        self.refused(PLAIN, "argument 'scale' is a number, not an array", "--arg", "X=" + x, "--arg", "scale=" + x, *out)
        self.refused(PLAIN, "argument 'X' is given by its shape: set its type T", "--arg", "X=32", "--arg", "scale=1", *out)
        self.refused(PLAIN, "argument 'X' is too large", "--set", "T=f32", "--arg", "X=4000000000000", "--arg", "scale=1", *out)

    def test_outputs(self):
        words = ["--arg", "X=" + self.array("x.npy", "f32", 32), "--arg", "scale=1", "--out"]
        self.refused(PLAIN, "the arguments do not determine the shape of 'Y'; give it: --out Y=64:", *words, "Y=" + self.path("y.npy"))
        self.refused(PLAIN, "--out Y: expected FILE.npy, a shape such as 2x64x8, or 2x64x8:FILE.npy", *words, "Y=y.txt")
        self.refused(PLAIN, "output 'Y' is too large", "--set", "T=f32", *words, "Y=4000000000000")

    def test_arrays_share_no_memory(self):
        """Each argument has memory of its own, so that one file may be all of them; two outputs have no file in common."""
        x = self.array("x.npy", "f32", 5)
        add = [os.path.join(ROOT, "kernels", "lessons", "vector_add.tile"), "--device", "sim", "--cache-dir", "none"]
        words = [IMBREX, "run", *add, "--arg", "X=" + x, "--arg", "Y=" + x, "--out", "Z=" + x]
        done = subprocess.run(words, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(arrays.load(x), [2] * 5)
        two = "kernel k(Y: out view<f32>[4], Z: out view<f32>[4])\ngrid (1) |i| { store Y[:] = fill<f32>[4](1.0); store Z[:] = fill<f32>[4](2.0); }\n"
        file = self.path("both.npy")
        self.refused(two, "--out Y and --out Z both go to " + file + ": give each a file of its own", "--out", "Y=" + file, "--out", "Z=4:" + file)

    def test_files(self):
        out = ["--arg", "scale=1", "--out", "Y=32:" + self.path("y.npy")]
        with open(self.array("x.npy", "f32", 32), "rb") as file:
            whole = file.read()
        for name, body, part in (("no.npy", b"no array at all", "not a .npy file"),
                                 ("head.npy", whole[:8] + b"\xff\xff" + whole[10:20], "the header is cut short"),
                                 ("short.npy", whole[:-4], "holds 124 bytes of data, its shape needs more")):
            with open(self.path(name), "wb") as file:
                file.write(body)
            self.refused(PLAIN, part, "--arg", "X=" + self.path(name), *out)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
