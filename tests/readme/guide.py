#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A guide's page as one program, and what that prints beside what the page shows.

usage: guide.py PAGE.md LANGUAGE OUT       write its `LANGUAGE` blocks, one after another
       guide.py PAGE.md --run PROGRAM      compare what PROGRAM prints with its `text` blocks
"""
import re, subprocess, sys


def blocks(page, language):
    with open(page, encoding="utf-8") as file:
        return re.findall(r"^```%s\n(.*?)^```$" % re.escape(language), file.read(), re.S | re.M)


def main(page, what, path):
    if what != "--run":
        with open(path, "w", encoding="utf-8") as file:
            file.write("// Made from %s.\n" % page.replace("\\", "/").rsplit("/", 1)[-1] + "\n".join(blocks(page, what)))
        return 0
    done = subprocess.run([path], capture_output=True, text=True, timeout=300)
    shown = "".join(blocks(page, "text"))
    if done.returncode == 0 and shown and shown == done.stdout:
        return 0
    print("--- the page shows\n%s--- %s (status %d) prints\n%s%s" % (shown, path, done.returncode, done.stdout, done.stderr))
    return 1


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
