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

from rows import DENSE, limits, rows

FIGURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "figures.json")
MOST = 1.02


def run(words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit("%s\n%s%s" % (" ".join(words), done.stdout, done.stderr))
    return done.stdout + done.stderr


def hot(imbrex, path):
    """Instructions of the hottest loop with products, else of the whole kernel, and how many of them wait."""
    kernel = json.loads(run([imbrex, "score", path, "--json"]))[0]
    hottest = next((loop for loop in kernel["loops"] if loop["flops"]), kernel)
    return hottest["instructions"], hottest.get("kinds", {}).get("sync", 0)


def measure(options, tools, folder, row):
    """{figure: value}"""
    _, file, settings, hooks, target, _ = row[:6]
    file, kernel = file if isinstance(file, tuple) else (file, "")
    source = os.path.join(options.root, file)
    ptx, cubin = os.path.join(folder, "k.ptx"), os.path.join(folder, "k.cubin")
    words = [options.imbrex, "build", source, "--target", target, "--until", "ptx", "-o", ptx]
    words += [word for name, value in settings.items() for word in ("--set", "%s=%s" % (name, value))]
    words += [word for name, value in hooks.items() for word in ("--hook", "%s=%s" % (name, value))]
    words += ["--kernel", kernel] if kernel else []
    words += [word for view, storage in (row[6] if len(row) > 6 else {}).items() for word in ("--storage", "%s=%s" % (view, storage))]
    run(words)
    found = {}
    found["ptx"], found["waits"] = hot(options.imbrex, ptx)
    if tools["ptxas"]:
        told = run([options.imbrex, "build", ptx, "--from", "ptx", "--target", target, "--until", "cubin", "-o", cubin, "--ptxas", tools["ptxas"]])
        found["registers"], found["spilled"] = map(int, re.search(r"(\d+) registers, (\d+) bytes spilled", told).groups())
        if tools["nvdisasm"]:
            found["sass"] = hot(options.imbrex, cubin)[0]
    return found


def judge(name, before, now):
    """What got worse."""
    wrong = ["%s: %s %d, was %d" % (name, kind, now[kind], before[kind]) for kind in ("ptx", "sass")
             if kind in before and kind in now and now[kind] > before[kind] * (1 if kind == "ptx" and name in DENSE else MOST)]
    if now.get("spilled", 0) > before.get("spilled", 0):
        wrong.append("%s: %d bytes spilled, were %d" % (name, now["spilled"], before.get("spilled", 0)))
    return wrong


def judge_beside(figures):
    """What takes more than it may beside another row: machine code, where there is some."""
    wrong = []
    for name, (other, times, waits) in limits().items():
        if name not in figures or other not in figures:
            continue
        now, base = figures[name], figures[other]
        kind = "sass" if "sass" in now and "sass" in base else "ptx"
        if now[kind] > base[kind] * times[kind]:
            wrong.append("%s: %s %d, of '%s' %d: more than %g times" % (name, kind, now[kind], other, base[kind], times[kind]))
        if now["waits"] > base["waits"] + waits:
            wrong.append("%s: %d waits and barriers, of '%s' %d" % (name, now["waits"], other, base["waits"]))
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("imbrex")
    parser.add_argument("root")
    parser.add_argument("--long", action="store_true", help="every row")
    parser.add_argument("--write", action="store_true", help="write figures.json again")
    parser.add_argument("--only", default="", help="of the rows whose name has this word in it, all")
    options = parser.parse_args()
    tools = {name: shutil.which(name) for name in ("ptxas", "nvdisasm")}
    for name, found in tools.items():
        if not found:
            print("no %s on PATH: %s" % (name, {"ptxas": "registers, spills and machine code are not looked at",
                                               "nvdisasm": "machine code is not counted"}[name]))
    with open(FIGURES) as file:
        known = json.load(file)
    folder, wrong, figures = tempfile.mkdtemp(), [], {}
    for row in rows():
        if options.only not in row[0] or not (row[5] or options.long or options.write or options.only):
            continue
        now = figures[row[0]] = measure(options, tools, folder, row)
        print("%-44s %s" % (row[0], "  ".join("%s %d" % each for each in now.items())), flush=True)
        if options.write:
            known[row[0]] = {**known.get(row[0], {}), **now}
        elif row[0] in known:
            wrong += judge(row[0], known[row[0]], now)
        else:
            wrong.append("%s: no figures; write them" % row[0])
    shutil.rmtree(folder)
    wrong += judge_beside(figures)
    if options.write:
        names = {row[0] for row in rows()}
        with open(FIGURES, "w") as file:
            json.dump({name: known[name] for name in sorted(known) if name in names}, file, indent=0)
            file.write("\n")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
