#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The pages of tools/docs/ and README.md: every `tile` block compiles and is laid out as `imbrex format` does, and the kernel
on README's first screen is the file that it names.

usage: pages_test.py IMBREX SOURCE_DIR      Python's standard library only.
"""
import os, re, subprocess, sys, tempfile, unittest

IMBREX, ROOT = sys.argv[1], sys.argv[2]


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


class Pages(unittest.TestCase):
    def test_tile_blocks(self):
        for name in sorted(os.listdir(os.path.join(ROOT, "tools", "docs"))):
            if not name.endswith(".md"):
                continue
            blocks = re.findall(r"```tile\n(.*?)```", read("tools", "docs", name), re.S)
            self.assertTrue(blocks, name)
            for block in blocks:
                with self.subTest(page=name, block=block.split("\n")[0]), tempfile.TemporaryDirectory() as folder:
                    path = os.path.join(folder, "block.tile")
                    with open(path, "w") as file:
                        file.write(block)
                    words = ["--set", "T=f16"] if "<T:" in block else []
                    made = subprocess.run([IMBREX, "build", path, *words, "-o", os.devnull], capture_output=True, text=True)
                    self.assertEqual(made.returncode, 0, made.stderr)

    def test_triton_page_has_twelve_idioms(self):
        self.assertEqual(len(re.findall(r"^\*\*\d+\. ", read("tools", "docs", "coming_from_triton.md"), re.M)), 12)

    def test_first_screen(self):
        kernel = read("tools", "docs", "paged_decode.tile").split("\n", 1)[1]
        block = "".join("    " + line + "\n" if line else "\n" for line in kernel.rstrip("\n").split("\n"))
        readme = read("README.md")
        self.assertIn(block, readme)
        self.assertLess(readme.index(block), 4000, "not on the first screen")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
