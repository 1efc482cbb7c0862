#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Ours and Triton's code for the same tiles, side by side: registers, spills, instructions, seconds of the compilers."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from cases import CASES, ROOT


class Failed(Exception):
    """A tool's own words, first line."""


def run(words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise Failed((done.stderr.strip() or done.stdout.strip() or "exit %d" % done.returncode).splitlines()[0])
    return done.stdout + done.stderr


class Tools:
    def __init__(self, options):
        self.imbrex = os.path.abspath(options.imbrex)
        self.target = options.target
        self.ptxas = shutil.which("ptxas")
        self.nvdisasm = shutil.which("nvdisasm") or self.packaged("nvdisasm")
        self.folder = tempfile.mkdtemp()

    @staticmethod
    def packaged(name):
        """nvidia-cuda-nvdisasm's program beside this interpreter's packages."""
        found = [os.path.join(path, "nvidia", "cu13", "bin", name) for path in sys.path]
        return next((path for path in found if os.access(path, os.X_OK)), None)

    def assemble(self, ptx, own_cubin=None):
        """(seconds, registers, spilled bytes, path of the machine code)."""
        source, cubin = os.path.join(self.folder, "k.ptx"), os.path.join(self.folder, "k.cubin")
        with open(source, "w") as file:
            file.write(ptx)
        begin = time.perf_counter()
        try:
            told = run([self.ptxas, "-v", "-arch=" + self.target, source, "-o", cubin])
        except Failed:
            if own_cubin is None:
                raise
            with open(cubin, "wb") as file:
                file.write(own_cubin)
            return None, None, None, cubin
        seconds = time.perf_counter() - begin
        spilled = sum(map(int, re.findall(r"(\d+) bytes spill", told)))
        return seconds, int(re.search(r"Used (\d+) registers", told)[1]), spilled, cubin

    def score(self, path):
        words = [self.imbrex, "score", path, "--json"] + (["--nvdisasm", self.nvdisasm] if self.nvdisasm else [])
        return json.loads(run(words))[0]


def figures(tools, case, seconds, ptx, own_cubin=None):
    """What the table shows of one side."""
    found = {"compile_ms": round(seconds * 1e3)}
    if not tools.ptxas or not tools.nvdisasm:
        return found
    assembled, registers, spilled, cubin = tools.assemble(ptx, own_cubin)
    score = tools.score(cubin)
    found.update(registers=registers, spilled=spilled, ptxas_ms=None if assembled is None else round(assembled * 1e3),
                 instructions=score["instructions"])
    if case.per == "loop" and score["loops"]:
        hot = score["loops"][0]
        found.update(instructions=hot["instructions"], per_mflop=hot.get("per_mflop"), kinds=hot["kinds"])
    return found


def ours(tools, case):
    ptx = os.path.join(tools.folder, "ours.ptx")
    source = os.path.join(ROOT, case.file)
    words = [tools.imbrex, "build", source, "--target", tools.target, "--until", "ptx", "-o", ptx]
    if case.kernel:
        words += ["--kernel", case.kernel]
    for name, value in case.settings.items():
        words += ["--set", "%s=%s" % (name, value)]
    for name, value in case.hooks.items():
        words += ["--hook", "%s=%s" % (name, value)]
    begin = time.perf_counter()
    run(words)
    seconds = time.perf_counter() - begin
    with open(ptx) as file:
        return figures(tools, case, seconds, file.read())


def theirs(tools, case):
    import triton_kernels
    name, constants, dtype, warps, stages = case.triton
    seconds, asm = triton_kernels.compile(name, constants, dtype, warps, stages, tools.target)
    return figures(tools, case, seconds, asm["ptx"], asm["cubin"])


def cell(side):
    if "failure" in side:
        return side["failure"][:40]
    spilled = "" if not side.get("spilled") else " (%d B spilled)" % side["spilled"]
    per = side.get("per_mflop")
    return "%s instrs%s, %s regs%s, %s + %s ms" % (side.get("instructions", "-"), " %.0f/MFLOP" % per if per else "",
                                                  side.get("registers", "-"), spilled, side["compile_ms"], side.get("ptxas_ms", "-"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--imbrex", required=True, help="the program")
    parser.add_argument("--target", default="sm_80")
    parser.add_argument("--only", default="", help="rows whose group or name holds this")
    parser.add_argument("--json", help="also write the rows there")
    options = parser.parse_args()
    tools = Tools(options)
    for name in ("ptxas", "nvdisasm"):
        if not getattr(tools, name):
            print("%s is not here: machine code is not compared" % name)
    try:
        import triton
        print("Triton %s, %s" % (triton.__version__, options.target))
    except ImportError:
        print("triton is not here: our column alone")
        triton = None
    rows = []
    for case in CASES:
        if options.only not in case.group + " " + case.name:
            continue
        row = {"group": case.group, "name": case.name, "per": case.per}
        for side, make in (("ours", ours), ("triton", theirs)) if triton else (("ours", ours),):
            try:
                row[side] = make(tools, case)
            except Exception as failure:  # a peer's compiler may raise anything: told in the table
                row[side] = {"failure": "%s: %s" % (type(failure).__name__, failure)}
        print("%-8s %-28s | %-62s | %s" % (case.group, case.name, cell(row["ours"]), cell(row["triton"]) if triton else "-"), flush=True)
        rows.append(row)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"target": options.target, "rows": rows}, file, indent=1)
    shutil.rmtree(tools.folder)
    return 0 if all("failure" not in row["ours"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
