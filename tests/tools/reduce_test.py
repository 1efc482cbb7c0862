#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tools/reduce makes texts small and keeps what is wrong with them.

usage: reduce_test.py IMBREX SOURCE_DIR      Python's standard library only.
"""
import os, subprocess, sys, tempfile, unittest

IMBREX, ROOT = os.path.abspath(sys.argv[1]), sys.argv[2]
REDUCE = os.path.join(ROOT, "tools", "reduce")


class Reduce(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def reduce(self, *words):
        return subprocess.run([sys.executable, REDUCE, *words], capture_output=True, text=True, cwd=self.folder)

    def read(self, path):
        with open(path) as file:
            return file.read()

    def test_a_kernel_with_a_mistake(self):
        path = self.path("bad.tile", "fn f(x) = x;\nkernel k(n: i32) grid (1) |i| {\n  let a = f(n);\n  let b = nope + 1000;\n}\n")
        done = self.reduce(path, "--has", "unknown name 'nope'", "--", IMBREX, "build", "{}", "--in-process")
        self.assertEqual(done.returncode, 0, done.stderr)
        small = self.read(path + ".reduced")
        self.assertLess(len(small), 45, small)
        self.assertIn("nope", small)

    def test_what_stands_between_brackets_goes(self):
        with open(os.path.join(ROOT, "kernels", "lessons", "matmul.tile")) as file:
            path = self.path("matmul.tile", file.read())
        script = self.path("check.sh", 'grep -q "dot(" "$1" && grep -q "[0-9][0-9]" "$1"\n')
        done = self.reduce(path, "--", "sh", script, "{}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(len(self.read(path + ".reduced")), 12, self.read(path + ".reduced"))

    def test_status_signal_and_limit_are_kept(self):
        script = self.path("check.sh", 'grep -q boom "$1" && kill -SEGV $$\ngrep -q slow "$1" && sleep 60\nexit 0\n')
        for word, status in (("boom", "-11"), ("slow", "limit")):
            path = self.path("text", "".join("line %d (a [b] {c})\n" % i for i in range(8)) + word + "\nmore 12345\n")
            done = self.reduce(path, "--limit", "0.5", "-o", path + ".out", "--", "sh", script, "{}")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("status " + status, done.stdout)
            self.assertEqual(self.read(path + ".out"), word)

    def test_what_is_not_there_is_told(self):
        done = self.reduce(self.path("text", "a"), "--has", "b", "--", "cat", "{}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not print 'b'", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
