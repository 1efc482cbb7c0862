#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""imbrex pack and imbrex header: a pack starts a runtime that may not compile, a header holds text and interface.

usage: pack_test.py IMBREX SOURCE_DIR      Python's standard library only.
"""
import os, subprocess, sys, tempfile, unittest

IMBREX, ROOT = sys.argv[1], sys.argv[2]
VECTOR_ADD = os.path.join(ROOT, "kernels", "lessons", "vector_add.tile")
SHAPES = ["--set", "T=f32", "--arg", "X=1000", "--arg", "Y=1000"]


def imbrex(*words):
    return subprocess.run([IMBREX, *words], capture_output=True, text=True)


class Pack(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_packed(self, *words):
        return imbrex("run", VECTOR_ADD, "--device", "sim", "--cache-dir", "none", "--no-compile", *SHAPES, "--out",
                      "Z=1000", *words)

    def test_two_targets(self):
        pack = self.path("add.pack")
        made = imbrex("pack", VECTOR_ADD, *SHAPES, "--target", "sm_80", "--target", "sm_90", "-o", pack)
        self.assertEqual((made.returncode, made.stdout, made.stderr), (0, "2 kernels in %s\n" % pack, ""))
        for target in ("sm_80", "sm_90"):
            done = self.run_packed("--pack", pack, "--target", target)
            self.assertEqual((target, done.returncode, done.stderr), (target, 0, ""))
        done = self.run_packed("--pack", pack, "--set", "BLOCK=256")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is in no pack and no cache", done.stderr)
        done = self.run_packed("--pack", VECTOR_ADD)
        self.assertIn("is no pack of kernels", done.stderr)

    def test_a_cache_gathers_specialisations(self):
        cache, pack = self.path("cache"), self.path("all.pack")
        for block, count in (("256", 1), ("512", 2)):
            made = imbrex("pack", VECTOR_ADD, *SHAPES, "--set", "BLOCK=" + block, "--target", "sm_90", "--cache-dir", cache,
                          "-o", pack)
            self.assertEqual(made.stdout, "%d kernels in %s\n" % (count, pack))
        again = imbrex("pack", "--cache-dir", cache, "-o", self.path("again.pack"))
        self.assertEqual(again.stdout.split()[0], "2")
        with open(pack, "rb") as first, open(self.path("again.pack"), "rb") as second:
            self.assertEqual(first.read(), second.read())

    def test_mistakes(self):
        self.assertEqual(imbrex("pack", VECTOR_ADD, *SHAPES).returncode, 2)
        unknown = imbrex("pack", VECTOR_ADD, *SHAPES, "--target", "sm_1", "-o", self.path("x"))
        self.assertEqual((unknown.returncode, unknown.stderr), (1, "error: there is no target sm_1\n"))

    def test_header(self):
        done = imbrex("header", VECTOR_ADD)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for words in ("class VectorAdd", "imbrex::typed::Array<1> Z; ///< out view<T>[N]", "namespace imbrex_kernels::vector_add",
                      "kernel vector_add<T"):
            self.assertIn(words, done.stdout)
        wrong = self.path("wrong.tile")
        with open(wrong, "w") as file:
            file.write("kernel f(")
        self.assertEqual(imbrex("header", wrong).returncode, 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
