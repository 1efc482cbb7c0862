#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The rules of the house that a program can check. usage: style.py SOURCE_DIR | style.py --self-test

Sizes of files and functions, licence and opening comment, include layering, no hidden inputs and no mutable globals
below tools/, nothing unfinished, plain lines. Python's standard library only.
"""
import os, re, subprocess, sys, unittest

FILE_LINES, FUNCTION_LINES, TEST_LINES, COLUMNS = 600, 60, 100, 120
CODE = (".h", ".cpp", ".c", ".td", ".def")
TEXT = CODE + (".py", ".tile", ".mlir", ".test", ".cmake", ".txt", "")
LAYERS = ["dialects", "compiler", "runtime", "kernels", "tools", "tests"]
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MACHINE = re.compile(r"(?<![\w.])/(work|root|home)/")
GLOBAL = re.compile(r"^(?!.*\b(const|constexpr)\b)(static |inline )?(?!static_assert|using|namespace|return|extern|template|class|struct|enum|typedef|friend|public|private)"
                    r"[\w:<>,\s\*&]+\s+\**\w+(\[[^\]]*\])?\s*(=[^=].*|\{.*\})?;\s*(//.*)?$")


def layer(path):
    first = path.split("/")[0]
    return LAYERS.index(first) if first in LAYERS else None


def check_includes(path, lines):
    """Lower layers never include upper ones; the simulator knows no compiler; public runtime headers no LLVM."""
    for number, line in enumerate(lines, 1):
        match = re.match(r'#include [<"]([^">]+)[">]', line)
        if not match:
            continue
        target = match.group(1)
        if layer(target) is not None and layer(path) is not None and layer(target) > layer(path) and "/" in target:
            yield number, "includes the upper layer " + target
        if path.startswith("runtime/simulator/") and re.match(r"(compiler|dialects|llvm|mlir)/", target):
            yield number, "the simulator must not include " + target


def check_sizes(path, lines):
    if len(lines) > FILE_LINES:
        yield 1, "%d lines, more than %d" % (len(lines), FILE_LINES)
    begin = signature = None
    for number, line in enumerate(lines, 1):
        if not re.match(r"\s|}|/\*|\|\*|\\\*|typedef|namespace|struct|class|template <.*> (class|struct) |enum|extern|union|public|private|protected|#|//|$", line):
            signature = number  # perhaps the first line of a function's head
        if signature and not begin and line.rstrip().endswith("{") and path.endswith((".cpp", ".c", ".h")):
            begin = signature
        if line.rstrip().endswith((";", "}")) or not line.strip():
            signature = None
        if line.rstrip() in ("}", "};") and begin:
            limit = TEST_LINES if path.startswith("tests/") else FUNCTION_LINES
            if number - begin + 1 > limit:
                yield begin, "a function of %d lines, more than %d" % (number - begin + 1, limit)
            begin = None


def check_licence(path, lines):
    if not any("SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception" in line for line in lines[:14]):
        yield 1, "no licence line"


def check_opening(path, lines):
    comment = [line for line in lines[5:14] if re.match(r"(//|\|\*) ?\w", line)]
    if not comment:
        yield 1, "no opening comment"


def check_hidden_inputs(path, lines):
    # The stand-in libraries are the outermost layer of another's program: nobody could hand them options.
    if layer(path) is None or layer(path) >= LAYERS.index("tools") or path == "runtime/standin/StandIn.cpp":
        return
    depth = 0
    for number, line in enumerate(lines, 1):
        if re.search(r"\bgetenv\s*\(|cl::opt<|\bsetenv\s*\(", line):
            yield number, "reads the environment or a global option"
        if path.endswith((".cpp", ".c")) and depth == 0 and GLOBAL.match(line) and "(" not in line.split("=")[0]:
            yield number, "a mutable global"
        if not re.match(r"\s*(inline )?namespace\b", line):
            depth += line.count("{") - line.count("}")
        depth = max(depth, 0)


def check_lines(path, lines):
    for number, line in enumerate(lines, 1):
        if UNFINISHED.search(line) and path != "tests/style/style.py":
            yield number, "something unfinished"
        if MACHINE.search(line) and path != "tests/style/style.py":
            yield number, "a path of one machine"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if "\t" in line:
            yield number, "a tab"
        if path.endswith((".h", ".cpp", ".c")) and len(line) > COLUMNS:
            yield number, "%d columns, more than %d" % (len(line), COLUMNS)


def check_public(read):
    """What a host program includes, and all that this includes, shows no LLVM."""
    work, seen = ["runtime/Runtime.h", "compiler/Compiler.h", "runtime/simulator/SimulatedDriver.h"], set()
    while work:
        path = work.pop()
        if path in seen:
            continue
        seen.add(path)
        for number, line in enumerate(read(path).splitlines(), 1):
            match = re.match(r'#include "([^"]+)"', line)
            if match and re.match(r"(llvm|mlir|mlir-c|clang)/|dialects/", match.group(1)):
                yield "%s:%d: a public header must not include %s" % (path, number, match.group(1))
            elif match and layer(match.group(1)) is not None:
                work.append(match.group(1))


def check(path, text):
    lines = text.splitlines()
    checks = [check_lines]
    if path.endswith(CODE + (".py", ".tile", ".cmake", "CMakeLists.txt")):
        checks.append(check_licence)
    if path.endswith(CODE):
        checks += [check_includes, check_sizes, check_opening, check_hidden_inputs]
    return ["%s:%d: %s" % (path, number, what) for run in checks for number, what in run(path, lines)]


class SelfTest(unittest.TestCase):
    """Each rule finds what it is there to find, and lets good code be."""

    GOOD = ("//===- A.cpp - x ===//\n//\n// Part of the Imbrex project.\n// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n"
            "//\n// What it does.\n// More.\n\n")

    def finds(self, path, body, what):
        found = check(path, self.GOOD + body)
        self.assertTrue(any(what in line for line in found), found)

    def test_good(self):
        self.assertEqual(check("compiler/A.cpp", self.GOOD + "static const int kX = 3;\nint f() {\n  int x = 3;\n  return x;\n}\n"), [])

    def test_good_c(self):
        good = self.GOOD.replace("//=", "/*=").replace("//", "|*") + "\\*= */\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
        self.assertEqual(check("runtime/a.h", good + "typedef struct a {\n  int x;\n} a;\n" + "int f(void);\n" * 99 + "#ifdef __cplusplus\n}\n#endif\n"), [])

    def test_bad(self):
        self.finds("compiler/A.cpp", '#include "runtime/Device.h"\n', "upper layer")
        self.finds("runtime/simulator/A.cpp", '#include "compiler/Target.h"\n', "simulator")
        self.finds("compiler/A.cpp", "int f() {\n" + "  g();\n" * 120 + "}\n", "function")
        self.finds("tests/A.c", "int f(void) {\n" + "  g();\n" * 120 + "}\n", "function")
        self.finds("compiler/A.cpp", "int g();\n" * 700, "more than 600")
        self.finds("compiler/A.cpp", "static int counter = 0;\n", "mutable global")
        self.finds("runtime/A.cpp", 'auto x = getenv("HOME");\n', "environment")
        self.finds("runtime/A.cpp", "// TO" + "DO later\n", "unfinished")
        self.finds("runtime/A.cpp", "int x; \n", "blanks")
        self.finds("runtime/A.cpp", "\tint x;\n", "tab")
        self.finds("runtime/A.cpp", "// " + "x" * 130 + "\n", "columns")
        self.finds("runtime/A.cpp", "// see /home" + "/me/x\n", "machine")
        self.assertEqual(len(check("compiler/B.cpp", "int x();\n")), 2)
        self.assertEqual(len(check("compiler/CMakeLists.txt", "add_library(x)\n")), 1)
        public = {"runtime/Runtime.h": '#include "compiler/Compiler.h"\n', "compiler/Compiler.h": '#include "llvm/ADT/Twine.h"\n'}
        self.assertEqual(len(list(check_public(lambda path: public.get(path, "")))), 1)


def main():
    if sys.argv[1:] == ["--self-test"]:
        unittest.main(argv=sys.argv[:1])
    os.chdir(sys.argv[1])
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True)
    files = listed.stdout.split() if listed.returncode == 0 else []
    files = files or [os.path.relpath(os.path.join(d, f), ".") for d, _, fs in os.walk(".") for f in fs if "build" not in d]
    found, read = [], 0
    for path in sorted(files):
        if layer(path) is None or os.path.splitext(path)[1] not in TEXT or not os.path.exists(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            found += check(path, file.read())
        read += 1
    found += check_public(lambda path: open(path, encoding="utf-8").read())
    print("\n".join(found))
    print("%d files read, %d findings" % (read, len(found)))
    sys.exit(bool(found) or not read)


if __name__ == "__main__":
    main()
