#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every `Example:` of an operation, type or attribute parses and verifies as it stands.

usage: examples_test.py IMBREX_OPT SOURCE_DIR      Python's standard library only.

An example names operands that it does not define. They are defined after it, in a module, whose region is a graph; their
types are those that the parser says they were used with. Aliases of attributes (#a = ...) go before the module.
"""
import glob, os, re, subprocess, sys, unittest

OPT, ROOT = sys.argv[1], sys.argv[2]
OPERATION = re.compile(r"^def (\w+) : \w+_Op<\"(\w+)\"", re.M)
FENCED = re.compile(r"Example[^\n]*:\n\s*```mlir\n(.*?)```", re.S)
INLINE = re.compile(r"Example: `([^`]+)`")
DEFINED = re.compile(r"^\s*(%[\w:, %]+?) =", re.M)
ARGUMENTS = re.compile(r"\^\w+\([^)]*\)|iter_args\([^)]*\)|scf\.for %\w+ =")
USED_TYPE = re.compile(r"previously used here with type '(.*)'")


def files():
    return sorted(glob.glob(os.path.join(ROOT, "dialects", "*", "*.td")))


def operations():
    """(name, the text of its definition) of every operation."""
    for path in files():
        with open(path) as file:
            text = file.read()
        matches = list(OPERATION.finditer(text))
        for match, following in zip(matches, matches[1:] + [None]):
            yield match.group(1), text[match.start():following.start() if following else len(text)]


def parse(text):
    return subprocess.run([OPT, "-allow-unregistered-dialect", "-"], input=text, capture_output=True, text=True)


def undefined(example):
    """Values that the example uses and does not define; arguments of blocks and loops count as defined."""
    defined = {name.strip().split(":")[0] for group in DEFINED.findall(example) for name in group.split(",")}
    for arguments in ARGUMENTS.findall(example):
        defined |= set(re.findall(r"(%\w+)\s*[:=]", arguments))
    return sorted(set(re.findall(r"%\w+", example)) - defined)


def verify(example):
    """What is wrong with the example, or ""."""
    lines = [line.strip() for line in example.splitlines()]
    aliases = "\n".join(line for line in lines if line.startswith("#"))
    body = "\n".join(line for line in lines if not line.startswith("#"))
    types = {name: "none" for name in undefined(example)}
    for _ in range(len(types) + 1):
        definitions = "".join('%s = "example.operand"() : () -> %s\n' % item for item in types.items())
        result = parse("%s\nmodule {\n%s\n%s}\n" % (aliases, body, definitions))
        used = USED_TYPE.search(result.stderr)
        name = re.search(r"definition of SSA value '(%\w+)#0'", result.stderr)
        if not used or not name:
            return result.stderr if result.returncode else ""
        types[name.group(1)] = used.group(1)
    return result.stderr


class Examples(unittest.TestCase):
    def test_every_operation_has_one_that_parses(self):
        names = []
        for name, text in operations():
            examples = FENCED.findall(text)
            names.append(name)
            with self.subTest(operation=name):
                self.assertTrue(examples, "no example")
                for example in examples:
                    self.assertEqual(verify(example), "", example)
        self.assertGreater(len(names), 15)

    def test_types_and_attributes_in_line(self):
        count = 0
        for path in files():
            with open(path) as file:
                for example in INLINE.findall(file.read()):
                    count += 1
                    text = "%s" % example if example.startswith("!") else "tensor<64x64xf32, %s>" % example
                    with self.subTest(example=example):
                        self.assertEqual(parse('module { "example.use"() : () -> (%s) }' % text).stderr, "")
        self.assertGreater(count, 2)

    def test_a_wrong_example_is_told(self):
        self.assertIn("'tile.program_id' op", verify("%i = tile.program_id 5"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
