#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""README's tour: every command runs as written, in its order, in a fresh folder, and prints what README shows.

A block of commands begins with `build/bin/imbrex` or `sed`; a block right behind it is what the last of them prints, with `...`
for any lines. Differences of floats are the device's and registers the assembler's: their numbers are not compared. A
block that begins with `kernel` is that of the file that the words before it name. `tools/dev` is not run: it builds.

usage: tour_test.py IMBREX SOURCE_DIR      Python's standard library only.
"""
import os, re, shutil, subprocess, sys, tempfile, unittest

IMBREX, ROOT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
COMMANDS = ("build/bin/imbrex ", "sed ")


def blocks(text):
    """(words before, lines) of every indented block; no words between two that follow each other."""
    words, found = "", []
    for part in re.split(r"\n{2,}", text):
        lines = part.strip("\n").split("\n")
        if all(line.startswith("    ") for line in lines):
            found.append((words, [line[4:] for line in lines]))
            words = ""
        else:
            words = part
    return found


def commands(lines):
    """Lines that end with a backslash go on."""
    return [line.strip() for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).split("\n")]


def masked(line):
    line = re.sub(r"\d\.\d+E[+-]\d+", "N", line.rstrip())
    return re.sub(r"\d+", "N", line) if line.strip().startswith("registers") else line


def missing(shown, printed):
    """The first line of `shown` that is not where it should be among `printed`; None if all are."""
    at, anywhere = 0, False
    for line in shown:
        if line.strip() == "...":
            anywhere = True
            continue
        end = len(printed) if anywhere else at + 1
        if line not in printed[at:end]:
            return line
        at, anywhere = printed.index(line, at, end) + 1, False
    return None if anywhere or at == len(printed) else "(nothing more, but there is: %s)" % printed[at]


class Tour(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            cls.blocks = blocks(file.read())
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        os.makedirs(os.path.join(cls.folder.name, "build", "bin"))
        os.symlink(IMBREX, os.path.join(cls.folder.name, "build", "bin", "imbrex"))
        shutil.copytree(os.path.join(ROOT, "kernels"), os.path.join(cls.folder.name, "kernels"))

    def run_one(self, command):
        environment = dict(os.environ, HOME=self.folder.name, XDG_CACHE_HOME=os.path.join(self.folder.name, "cache"))
        return subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd=self.folder.name, env=environment, timeout=300)

    def test_commands(self):
        has_assembler = shutil.which("ptxas") is not None
        count = shows = 0
        for number, (_, lines) in enumerate(self.blocks):
            if not lines[0].startswith(COMMANDS):
                continue
            for command in commands(lines):
                result = self.run_one(command)
                count += 1
                follows = self.blocks[number + 1] if number + 1 < len(self.blocks) else ("words", [])
                shown = follows[1] if not follows[0] and command == commands(lines)[-1] else None
                with self.subTest(command=command):
                    mistake = shown is not None and "error:" in shown[0]
                    self.assertEqual(result.returncode, 1 if mistake else 0, result.stdout)
                    if shown is None:
                        continue
                    shows += 1
                    shown = [line for line in shown if has_assembler or not line.strip().startswith("registers")]
                    printed = [masked(line) for line in result.stdout.rstrip("\n").split("\n")]
                    if not any("sim:" in line for line in printed):  # another device
                        shown = [line for line in shown if not line.startswith("device: ")] + ["..."]
                    self.assertIsNone(missing([masked(line) for line in shown], printed), result.stdout)
        self.assertGreaterEqual(count, 12)
        self.assertEqual(shows, 4)

    def test_kernels_are_those_of_their_files(self):
        count = 0
        for words, lines in self.blocks:
            if any(line.startswith("grid ") for line in lines):
                (name,) = re.findall(r"`([\w/]+\.tile)`", words)
                with open(os.path.join(ROOT, name), encoding="utf-8") as file:
                    self.assertIn("\n".join(lines), file.read())
                count += 1
        self.assertEqual(count, 2)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
