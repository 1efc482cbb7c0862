#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""kernels/Forms.md says what is so: what it quotes stands in the file that it names or in one that this imports, the
kernel has so many lines and compiles for two targets, and the test that it names exists; so of the small repairs.

usage: forms_page_test.py IMBREX SOURCE_DIR [--write]      --write: the lines are counted anew. Python's standard library only.
"""
import os, re, subprocess, sys, unittest

IMBREX, ROOT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
WRITES = "--write" in sys.argv
del sys.argv[1:]
ROWS, REPAIRS = 17, 11


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def page():
    """(form, quoted, file, kernel, lines, test's file, test) of each row."""
    row = re.compile(r"^\| ([^|]+) \| `([^`]+)` \| `([^`]+)` (\w+) \| (\d+) \| `([^`]+)` (\w+) \|$")
    return rows_of(row, 0)


def repairs():
    """(form, quoted, file, test's file, test or "") of each row of the second table."""
    return rows_of(re.compile(r"^\| ([^|]+) \| `([^`]+)` \| `([^`]+)` \| `([^`]+)` ?(\w*) \|$"), 1)


def rows_of(row, table):
    text = read("kernels/Forms.md").replace("\\|", "\0")
    lines = re.split(r"^[|-]+$", text, flags=re.M)[table + 1].split("\n\n")[0].strip().splitlines()
    return [tuple(field.replace("\0", "|") for field in row.match(line).groups()) for line in lines]


def kernel_of(text, name):
    """The lines of a kernel, from its head to the brace that closes its body; no empty ones, no comments' own."""
    lines = text[re.search(r"^kernel %s\b" % name, text, re.M).start():].splitlines()
    grid = next(i for i, line in enumerate(lines) if line.startswith("grid"))
    end = grid if lines[grid].endswith("}") else lines.index("}", grid)
    return [line for line in lines[:end + 1] if line.strip() and not line.strip().startswith("//")]


def with_imports(path):
    text = read(path)
    beside = [os.path.join(os.path.dirname(path), word) for word in re.findall(r'^import "([^"]+)";', text, re.M)]
    return "\n".join([text] + [read(other) for other in beside if os.path.exists(os.path.join(ROOT, other))])


def write():
    text = read("kernels/Forms.md")
    for _, _, path, kernel, lines, _, _ in page():
        place = "`%s` %s | " % (path, kernel)
        text = text.replace(place + lines + " |", place + "%d |" % len(kernel_of(read(path), kernel)))
    with open(os.path.join(ROOT, "kernels/Forms.md"), "w") as file:
        file.write(text)


class FormsPage(unittest.TestCase):
    def test_rows(self):
        rows = page()
        self.assertEqual(len(rows), ROWS)
        self.assertEqual(len({row[0] for row in rows}), ROWS)
        for form, quoted, path, kernel, lines, test_path, test in rows:
            with self.subTest(form):
                self.assertIn(quoted, with_imports(path))
                self.assertEqual(len(kernel_of(read(path), kernel)), int(lines))
                self.assertIn("    def %s(self" % test, read(os.path.join("tests/kernels", test_path)))

    def test_repairs(self):
        self.assertEqual(len({row[0] for row in repairs()}), REPAIRS)
        for form, quoted, path, test_path, test in repairs():
            with self.subTest(form):
                self.assertIn(quoted, " ".join(read(path).split()))
                self.assertRegex(read(os.path.join("tests/kernels", test_path)), r"\b%s\b" % test)

    def test_kernels_compile(self):
        settings = {"T": "f16", "U": "f32", "DQK": "64", "DV": "64", "G": "2", "D": "64", "E": "32", "DK": "64", "GROUP": "32"}
        for _, _, path, kernel, _, _, _ in page():
            with self.subTest(kernel):
                head = "\n".join(kernel_of(read(path), kernel)).split(">(")[0]
                words = [word for name, value in settings.items() if re.search(r"\b%s:" % name, head)
                         for word in ("--set", "%s=%s" % (name, "f32" if "T: f32" in head and name == "T" else value))]
                for target in "sm_80", "sm_90":
                    done = subprocess.run([IMBREX, "build", os.path.join(ROOT, path), "--kernel", kernel, "--target", target] + words,
                                          capture_output=True, text=True)
                    self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    if WRITES:
        write()
    unittest.main()
