#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The pages of tools/docs/ and README.md: every `tile` block compiles, and every `cuda` block where that can be tried; every `example`
gives what it shows, the grammar is the parser's, and the kernel on README's first screen is the file that it names.

usage: pages_test.py IMBREX SOURCE_DIR      Python's standard library only.
"""
import json, os, random, re, shutil, subprocess, sys, tempfile, unittest

from examples import Example

IMBREX, ROOT = sys.argv[1], sys.argv[2]
sys.path.insert(0, os.path.join(ROOT, "tools", "docs"))
import grammar


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def pages():
    return [name for name in sorted(os.listdir(os.path.join(ROOT, "tools", "docs"))) if name.endswith(".md")]


def fenced(page, language):
    return re.findall(r"^```%s\n(.*?)^```$" % language, read("tools", "docs", page), re.S | re.M)


def cuda_compiler():
    """The command of a compiler that makes an object file of an empty CUDA text: nvcc's or clang's; None where there is none."""
    toolkit = next((p for p in ("/usr/local/cuda", "/opt/cuda", "/usr/lib/cuda") if os.path.isdir(p)), "/usr/local/cuda")
    ways = [[nvcc, "-arch=sm_80", "-x", "cu"] for nvcc in (shutil.which("nvcc"), shutil.which(os.path.join(toolkit, "bin", "nvcc"))) if nvcc]
    ways += [[clang, "--cuda-gpu-arch=sm_80", "--cuda-path=" + toolkit, "-Wno-unknown-cuda-version", "-x", "cuda"]
             for clang in map(shutil.which, ("clang++-22", "clang++")) if clang]
    return next((way for way in ways if subprocess.run([*way, "-c", os.devnull, "-o", os.devnull], capture_output=True).returncode == 0), None)


class Sentences:
    """Random texts that the grammar derives. `deep` bounds how often productions are entered; then the shortest way out is taken."""

    WORDS = {"integer": ["0", "7", "64"], "float": ["0.5", "1e3", "2.5e-4"], "text": ['"a.tile"'], "type": ["f16", "i32", "f64"]}
    # What the parser asks beyond the grammar.
    CONDITIONS = re.compile("a function stores nothing|must give one value|is declared to give . values|a grid has 1 to 6|unknown target|"
                            "the range .* is empty|indices in brackets")

    def __init__(self, productions, seed):
        self.random, self.names = random.Random(seed), 0
        self.trees = {name: Sentences.alternatives(list(tokens)) for name, tokens in productions.items()}

    @staticmethod
    def alternatives(tokens, closing=None):
        """A list of sequences; an item is a token or (bracket, alternatives). Takes the closing bracket too."""
        found = [[]]
        while tokens:
            token = tokens.pop(0)
            if token == closing:
                break
            elif token == "|":
                found.append([])
            elif token in "([{":
                found[-1].append((token, Sentences.alternatives(tokens, {"(": ")", "[": "]", "{": "}"}[token])))
            else:
                found[-1].append(token)
        return found

    def of(self, name, deep=9):
        if name == "name":
            self.names += 1
            return "n%d" % self.names
        if name in self.WORDS:
            return self.random.choice(self.WORDS[name])
        return self.one(self.trees[name], deep - 1)

    def one(self, alternatives, deep):
        if deep <= 0:  # out of the nesting: what has least in it
            alternatives = [min(alternatives, key=lambda sequence: sum(3 if isinstance(x, str) and x in self.trees else 1 for x in sequence))]
        return " ".join(filter(None, (self.item(x, deep) for x in self.random.choice(alternatives))))

    def item(self, item, deep):
        if isinstance(item, str):
            return item[1:-1] if item[0] in "\"'" else self.of(item, deep)
        bracket, inside = item
        times = 1 if bracket == "(" else self.random.randint(0, 1 if bracket == "[" else 2) if deep > 0 else 0
        return " ".join(self.one(inside, deep) for _ in range(times))


class Pages(unittest.TestCase):
    def test_grammar_is_that_of_the_parser(self):
        found = grammar.quoted(ROOT)
        self.assertGreater(len(found), 40)
        page = read("compiler", "frontend", "Grammar.md")
        self.assertEqual(page, grammar.written(page, found), "tools/docs/grammar.py SOURCE --write")

    def test_the_parser_reads_what_the_grammar_derives(self):
        """What a function quotes is what it reads: random texts of the grammar are laid out without a mistake of syntax."""
        found, count = grammar.quoted(ROOT), 120
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, "%d.tile" % seed) for seed in range(count)]
            for seed, path in enumerate(paths):
                with open(path, "w") as file:
                    file.write(Sentences(found, seed).of("file", 12))
            made = subprocess.run([IMBREX, "format", *paths], capture_output=True, text=True)
            mistakes = re.findall(r"^.*/(\d+)\.tile:\d+:\d+: error: (.*)\n(.*)", made.stderr, re.M)
        self.assertEqual([x for x in mistakes if not Sentences.CONDITIONS.search(x[1])][:3], [])
        self.assertGreater(count - len({seed for seed, _, _ in mistakes}), 20, "hardly a text without a mistake")

    def test_tile_blocks(self):
        for page in pages():
            for block in fenced(page, "tile"):
                with self.subTest(page=page, block=block.split("\n")[0]), tempfile.TemporaryDirectory() as folder:
                    path = os.path.join(folder, "block.tile")
                    with open(path, "w") as file:
                        file.write(block)
                    words = ["--set", "T=f16"] * ("<T:" in block) + ["--set", "D=64"] * ("D: int" in block)
                    made = subprocess.run([IMBREX, "build", path, *words, "-o", os.devnull], capture_output=True, text=True)
                    self.assertEqual(made.returncode, 0, made.stderr)

    def test_cuda_blocks(self):
        blocks = fenced("coming_from_cuda.md", "cuda")
        self.assertGreater(len(blocks), 5)
        compiler = cuda_compiler()
        if not compiler:
            self.skipTest("neither nvcc nor a clang that knows the CUDA toolkit is installed: CUDA's blocks are not compiled")
        for block in blocks:
            with self.subTest(block=block.split("\n")[0]), tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "block.cu")
                with open(path, "w") as file:
                    file.write(block)
                made = subprocess.run([*compiler, "-c", path, "-o", os.devnull], capture_output=True, text=True)
                self.assertEqual(made.returncode, 0, made.stderr)

    def test_examples(self):
        """On two families of devices."""
        for block in fenced("language.md", "example"):
            for device in ("sim:h200", "sim:a100"):
                example = Example(block)
                with self.subTest(block=block.split("\n")[0], device=device), tempfile.TemporaryDirectory() as folder:
                    self.assertEqual(list(example.mistakes(example.run(IMBREX, folder, device))), [])

    def test_every_built_in_has_an_example(self):
        grammar = json.loads(subprocess.run([IMBREX, "grammar"], capture_output=True, text=True).stdout)
        (pattern,) = [p["match"] for p in grammar["patterns"] if p.get("name") == "support.function.imbrex"]
        names = re.search(r"\(([\w|]+)\)", pattern)[1].split("|")
        self.assertGreater(len(names), 30)
        shown = "\n".join(line for block in fenced("language.md", "example") for line in block.split("\n"))
        self.assertEqual([name for name in names if not re.search(r"(?<!fn )\b%s[(<]" % name, shown)], [])

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
