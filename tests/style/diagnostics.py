#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Counts what a user may be told, and fails where no test shows it.

    diagnostics.py ROOT [--list]

Messages of the frontend (`compiler/frontend/Errors.def`) are counted by name: a row of the table in
`tests/compiler/frontend` shows each. Those of passes, of the runtime and of the command line are calls whose texts lie in
the sources: a test shows one if it holds four words of it that follow one another (all of a shorter one). What the
simulated device says of PTX is none of these.
"""
import argparse
import os
import re
import sys

LEAST = 160  # distinct ones that a test shows
CALLS = re.compile(r"\b(argumentError|fail|usageError|launchError|emitError|(?:Error|make_error)\{?)\s*\(")
FOLDERS = ("compiler", "runtime", "tools/imbrex", "kernels/attention")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
HOLE = "\0"


def texts(root, folders, endings):
    for folder in folders:
        for path, inner, names in os.walk(os.path.join(root, folder)):
            if os.path.basename(path) == "runtime":
                inner[:] = [name for name in inner if name not in ("simulator", "standin")]
            for name in sorted(names):
                if name.endswith(endings):
                    with open(os.path.join(path, name), encoding="utf-8", errors="replace") as file:
                        yield os.path.relpath(os.path.join(path, name), root), file.read()


def argument(text, start):
    """What stands in the brackets that open right before `start`."""
    depth, i = 1, start
    while i < len(text) and depth:
        if text[i] == '"':
            i = LITERAL.match(text, i).end() if LITERAL.match(text, i) else i + 1
            continue
        depth += (text[i] == "(") - (text[i] == ")")
        i += 1
    return text[start:i - 1]


def told(root):
    """[(place, parts of the text)] of the calls that tell something."""
    found = []
    for path, text in texts(root, FOLDERS, (".cpp", ".h")):
        for call in CALLS.finditer(text):
            parts = LITERAL.findall(re.sub(r'"\s*\n\s*"', "", argument(text, call.end())))
            if any(len(part.split()) >= 3 for part in parts):
                found.append(("%s:%d" % (path, text.count("\n", 0, call.start()) + 1), parts))
    return found


def words(text):
    return re.findall(r"[A-Za-z0-9']+", text)


def runs(parts):
    """What a test may hold of a text."""
    for part in parts:
        these = words(part)
        size = min(4, len(these))
        for i in range(len(these) - size + 1):
            if size >= 3:
                yield " ".join(these[i:i + size])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root")
    parser.add_argument("--list", action="store_true", help="print what no test shows")
    options = parser.parse_args()
    tests = list(texts(options.root, ("tests",), (".cpp", ".h", ".py", ".mlir", ".md", ".tile", ".c")))
    all_tests = " ".join(" ".join(words(re.sub(r'"\s*\n\s*[fr]?"', "", text))) for _, text in tests)
    rows = " ".join(text for path, text in tests if path.startswith("tests/compiler/frontend"))
    with open(os.path.join(options.root, "compiler/frontend/Errors.def")) as file:
        names = re.findall(r"^IMBREX_(?:CALLER_)?ERROR\((\w+),", file.read(), re.M)
    unseen = ["Errors.def: %s" % name for name in names if "Message::%s," % name not in rows]
    shown = len(names) - len(unseen)
    distinct = {}
    for place, parts in told(options.root):
        distinct.setdefault(tuple(parts), place)
    missing = ["%s: %s" % (place, " .. ".join(parts)) for parts, place in distinct.items()
               if not any(run in all_tests for run in runs(parts))]
    shown += len(distinct) - len(missing)
    print("%d diagnostics: %d of the frontend, %d others; a test shows %d" % (len(names) + len(distinct), len(names), len(distinct), shown))
    if options.list:
        print("\n".join(unseen + missing))
    return 1 if unseen or shown < LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
