#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`imbrex layout` and `imbrex mask`: the lessons' pictures are those kept in pictures/, the elements of a product lie
where the PTX ISA says, and masks show what Python says they show.

usage: pictures_test.py IMBREX SOURCE_DIR [--write]      --write keeps the pictures of now. Python's standard library only.
"""
import json, os, re, subprocess, sys, unittest
import xml.etree.ElementTree as xml

IMBREX, ROOT = sys.argv[1], sys.argv[2]
KEPT = os.path.join(ROOT, "tests", "tools", "pictures")
LESSONS = {"vector_add": ["T=f32"], "softmax": ["T=f32", "D=1024"], "matmul": ["T=f16"]}
FORWARD = "kernels/attention_forward.tile"


def imbrex(*words):
    return subprocess.run([IMBREX, *words], capture_output=True, text=True, cwd=ROOT)


def picture_of(lesson):
    words = [word for setting in LESSONS[lesson] for word in ("--set", setting)]
    made = imbrex("layout", "kernels/lessons/%s.tile" % lesson, *words)
    assert made.returncode == 0, made.stderr
    return made.stdout


class Layouts(unittest.TestCase):
    def test_lessons(self):
        for lesson in LESSONS:
            with self.subTest(lesson), open(os.path.join(KEPT, lesson + ".txt"), encoding="utf-8") as file:
                self.assertEqual(picture_of(lesson), file.read(), "renew with --write if the layout is meant to have changed")

    def test_accumulator_is_that_of_the_isa(self):
        """mma.m16n8k16's C: row g or g + 8, columns 2 t and 2 t + 1 (PTX ISA, "Matrix Fragments for mma.m16n8k16")."""
        lines = picture_of("matmul").split("\n")[3:19]
        for row, line in enumerate(lines):
            cells = line.split("|")[0].split()[1:9]
            for column, cell in enumerate(cells):
                lane, register = 4 * (row % 8) + column // 2, 2 * (row // 8) + column % 2
                self.assertEqual(cell, "%d:%d" % (lane, register), "row %d, column %d" % (row, column))

    def test_swizzle_frees_columns_of_conflicts(self):
        text = picture_of("matmul")
        self.assertIn("4 wavefronts; without the swizzle 32", text)

    def test_a_layout_as_text(self):
        made = imbrex("layout", "reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn("28:0  28:1  29:0".replace("  ", " "), made.stdout)
        wrong = imbrex("layout", "reg nothing")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("expected a layout of rank 1 or 2", wrong.stderr)

    def test_svg(self):
        made = imbrex("layout", "kernels/lessons/matmul.tile", "--set", "T=f16", "--picture", "-")
        root = xml.fromstring(made.stdout)
        texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertIn("31:3", texts)


class Masks(unittest.TestCase):
    def count(self, binding, sees, queries, keys, rows=128, columns=64):
        made = imbrex("mask", FORWARD, "--hook", "mask=" + binding, "--extent", "Sq=%d" % queries, "--extent", "Sk=%d" % keys,
                      "--set", "BM=%d" % rows, "--set", "BN=%d" % columns, "--json")
        self.assertEqual(made.returncode, 0, made.stderr)
        expected = {"full": 0, "partial": 0, "skipped": 0, "visible": 0, "elements": queries * keys}
        for i in range(0, queries, rows):
            for j in range(0, keys, columns):
                seen = [sees(q, k) for q in range(i, min(i + rows, queries)) for k in range(j, min(j + columns, keys))]
                whole = all(seen) and j + columns <= keys
                expected["full" if whole else "partial" if any(seen) else "skipped"] += 1
                expected["visible"] += sum(seen)
        self.assertEqual(json.loads(made.stdout), expected)

    def test_causal(self):
        self.count("causal", lambda q, k: k <= q + 500 - 300, 300, 500)

    def test_window(self):
        self.count("window(64, 0)", lambda q, k: q - 64 <= k <= q, 256, 256, 32, 16)

    def test_expression(self):
        self.count("at.k % 2 == 0 || at.q > 100", lambda q, k: k % 2 == 0 or q > 100, 200, 130, 64, 32)

    def test_one_element_is_enough(self):
        self.count("at.q != 70 || at.k != 40", lambda q, k: q != 70 or k != 40, 128, 128, 64, 32)
        self.count("at.q == 70 && at.k == 40", lambda q, k: q == 70 and k == 40, 128, 128, 64, 32)

    def test_picture(self):
        made = imbrex("mask", FORWARD, "--hook", "mask=causal", "--extent", "Sq=256", "--extent", "Sk=256", "--set", "BM=64", "--set", "BN=64")
        rows = [line.split()[1] for line in made.stdout.rstrip("\n").split("\n")[3:]]
        self.assertEqual(rows, ["▒···", "█▒··", "██▒·", "███▒"])

    def test_tiles_are_those_of_the_kernel(self):
        backward = os.path.join(ROOT, "kernels", "attention_backward.tile")
        words = ["mask", backward, "--hook", "mask=causal", "--extent", "Sq=256", "--extent", "Sk=256"]
        tiles = lambda *more: re.search(r"in tiles of (\d+) x (\d+)", imbrex(*words, *more).stdout).groups()
        with open(backward) as file:
            text = file.read().split("kernel attention_dkdv")[1]
        self.assertEqual(tiles("--kernel", "attention_dkdv"), tuple(re.search(name + r": [^=]*= (\d+)", text)[1] for name in ("BM", "BN")))
        self.assertIn(tiles(), {tiles("--kernel", name) for name in ("attention_dq", "attention_dkdv", "attention_backward")})

    def test_refusals(self):
        for words, message in ((["--hook", "mask=documents(ids)", "--extent", "Sq=64", "--extent", "Sk=64"], "the mask captures 'ids'"),
                               (["--hook", "mask=causal"], "needs the lengths"),
                               (["--hook", "veil=causal", "--extent", "Sq=64", "--extent", "Sk=64"], "has no hook 'veil'"),
                               (["--extent", "Sq=0", "--extent", "Sk=64"], "a length is at least 1, found --extent Sq=0"),
                               (["--extent", "Sq=3", "--extent", "Sk=-64"], "a length is at least 1, found --extent Sk=-64"),
                               (["--extent", "Sq=64", "--extent", "Sk=64", "--extent", "Z=1"], "no extent or integer 'Z'; there are "),
                               (["--extent", "Sq=64", "--extent", "Sk=64", "--set", "BMM=1"], "no extent or integer 'BMM'; there are "),
                               (["--hook", "score=softcap(3.0)", "--extent", "Sq=64", "--extent", "Sk=64"], "hook 'score' is no mask: "),
                               (["--hook", "mask=at.k", "--extent", "Sq=64", "--extent", "Sk=64"], "mask"),
                               (["--kernel", "other", "--extent", "Sq=64", "--extent", "Sk=64"], "has no kernel 'other'; it has attention_forward"),
                               (["--extent", "Sq=999999", "--extent", "Sk=999999"], "choose shorter lengths"),
                               (["--hook", "mask=nonsense", "--extent", "Sq=64", "--extent", "Sk=64"], "nonsense")):
            made = imbrex("mask", FORWARD, *words)
            self.assertEqual(made.returncode, 1, words)
            self.assertIn(message, made.stderr)


if __name__ == "__main__":
    if "--write" in sys.argv:
        os.makedirs(KEPT, exist_ok=True)
        for lesson in LESSONS:
            with open(os.path.join(KEPT, lesson + ".txt"), "w", encoding="utf-8") as file:
                file.write(picture_of(lesson))
    else:
        unittest.main(argv=[sys.argv[0]])
