#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The pages of tools/docs/ and README.md: every `tile` block compiles, every `example` gives what it shows, and the kernel on
README's first screen is the file that it names.

usage: pages_test.py IMBREX SOURCE_DIR      Python's standard library only.
"""
import json, os, re, subprocess, sys, tempfile, unittest

from examples import Example

IMBREX, ROOT = sys.argv[1], sys.argv[2]


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def pages():
    return [name for name in sorted(os.listdir(os.path.join(ROOT, "tools", "docs"))) if name.endswith(".md")]


def fenced(page, language):
    return re.findall(r"^```%s\n(.*?)^```$" % language, read("tools", "docs", page), re.S | re.M)


def productions(text):
    """Name -> tokens of every EBNF production in a text: NAME = .. ; and whatever stands between two."""
    tokens, found, at = re.findall(r"""'"'|"[^"]*"|\w+|[^\s\w"]""", text), {}, 0
    while at + 1 < len(tokens):
        if re.match(r"[a-z]+$", tokens[at]) and tokens[at + 1] == "=" and ";" in tokens[at:]:
            end = tokens.index(";", at)
            found[tokens[at]] = tokens[at + 2 : end]
            at = end
        at += 1
    return found


class Pages(unittest.TestCase):
    def test_grammar_is_that_of_the_parser(self):
        """Each function of the parser quotes its production; the page has the same, and no other."""
        page = read("compiler", "frontend", "Grammar.md").split("## Meanings")[0]
        shown = productions("\n".join(line for line in page.split("\n") if line.startswith("    ")))
        self.assertGreater(len(shown), 40)
        quoted = {}
        folder = os.path.join(ROOT, "compiler", "frontend")
        for name in sorted(os.listdir(folder)):
            if name.startswith("Parse") and name.endswith(".cpp"):
                for block in re.findall(r"(?:^ *///.*\n)+", read("compiler", "frontend", name), re.M):
                    quoted.update((k, v) for k, v in productions(re.sub(r"^ *///", "", block, flags=re.M)).items() if k in shown)
        words = {"name", "text", "integer", "float", "exponent", "comment"}  # of the lexer
        self.assertEqual(sorted(set(shown) - words - set(quoted)), [], "no function of the parser quotes these")
        for name, production in quoted.items():
            with self.subTest(production=name):
                self.assertEqual(" ".join(production), " ".join(shown[name]))

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
