#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fails where the code of a row grew by more than 2 %, or spills. See README.md."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from rows import rows

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from dot_mode import with_mode

FIGURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "figures.json")
MOST = 1.02


def run(words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit("%s\n%s%s" % (" ".join(words), done.stdout, done.stderr))
    return done.stdout + done.stderr


def hot(imbrex, path):
    """Instructions of the hottest loop with products, else of the whole kernel."""
    kernel = json.loads(run([imbrex, "score", path, "--json"]))[0]
    with_products = [loop for loop in kernel["loops"] if loop["flops"]]
    return with_products[0]["instructions"] if with_products else kernel["instructions"]


def measure(options, tools, folder, row):
    """{figure: value}"""
    _, file, settings, hooks, target, _ = row
    path, mode, kernel = ((file if isinstance(file, tuple) else (file,)) + ("", ""))[:3]
    source = with_mode(os.path.join(options.root, path), mode, folder)
    ptx, cubin = os.path.join(folder, "k.ptx"), os.path.join(folder, "k.cubin")
    words = [options.imbrex, "build", source, "--target", target, "--until", "ptx", "-o", ptx]
    words += [word for name, value in settings.items() for word in ("--set", "%s=%s" % (name, value))]
    words += [word for name, value in hooks.items() for word in ("--hook", "%s=%s" % (name, value))]
    words += ["--kernel", kernel] if kernel else []
    run(words)
    found = {"ptx": hot(options.imbrex, ptx)}
    if tools["ptxas"]:
        told = run([tools["ptxas"], "-v", "-arch=" + target, ptx, "-o", cubin])
        found["registers"] = int(re.search(r"Used (\d+) registers", told)[1])
        found["spilled"] = sum(map(int, re.findall(r"(\d+) bytes spill", told)))
        if tools["nvdisasm"]:
            found["sass"] = hot(options.imbrex, cubin)
    return found


def judge(name, before, now):
    """What got worse."""
    wrong = ["%s: %s %d, was %d" % (name, kind, now[kind], before[kind]) for kind in ("ptx", "sass")
             if kind in before and kind in now and now[kind] > before[kind] * MOST]
    if now.get("spilled", 0) > before.get("spilled", 0):
        wrong.append("%s: %d bytes spilled, were %d" % (name, now["spilled"], before.get("spilled", 0)))
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("imbrex")
    parser.add_argument("root")
    parser.add_argument("--long", action="store_true", help="every row")
    parser.add_argument("--write", action="store_true", help="write figures.json again")
    options = parser.parse_args()
    tools = {name: shutil.which(name) for name in ("ptxas", "nvdisasm")}
    for name, found in tools.items():
        if not found:
            print("no %s on PATH: %s" % (name, {"ptxas": "registers, spills and machine code are not looked at",
                                               "nvdisasm": "machine code is not counted"}[name]))
    with open(FIGURES) as file:
        known = json.load(file)
    folder, wrong = tempfile.mkdtemp(), []
    for row in rows():
        if not (row[-1] or options.long or options.write):
            continue
        now = measure(options, tools, folder, row)
        print("%-44s %s" % (row[0], "  ".join("%s %d" % each for each in now.items())), flush=True)
        if options.write:
            known[row[0]] = {**known.get(row[0], {}), **now}
        elif row[0] in known:
            wrong += judge(row[0], known[row[0]], now)
        else:
            wrong.append("%s: no figures; write them" % row[0])
    shutil.rmtree(folder)
    if options.write:
        names = {row[0] for row in rows()}
        with open(FIGURES, "w") as file:
            json.dump({name: known[name] for name in sorted(known) if name in names}, file, indent=0)
            file.write("\n")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
