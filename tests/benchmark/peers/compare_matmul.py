#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A user's product on Hopper and CUTLASS's, side by side: what their loops over K execute, by kind."""
import argparse
import collections
import os
import re
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = [("Cooperative 128x256x64", {"BM": 128, "BN": 256, "warps": 8}, ("Cooperative", "Cooperative")),
        ("Pingpong 64x256x64", {"BM": 64, "BN": 256, "warps": 4}, ("Pingpong", ""))]
KINDS = (("product", r"HGMMA|WARPGROUP"), ("barrier", r"SYNCS|BAR"), ("copy", r"UTMALDG"), ("branch", r"BRA"), ("other", r""))


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit("%s: %s" % (words[0], done.stderr.strip() or done.stdout.strip()))
    return done.stdout + done.stderr


def ours(imbrex, settings, folder):
    ptx, cubin = os.path.join(folder, "ours.ptx"), os.path.join(folder, "ours.cubin")
    sets = [word for name, value in settings.items() for word in ("--set", "%s=%s" % (name, value))]
    run(imbrex, "build", os.path.join(HERE, "matmul.tile"), "--target", "sm_90a", "--until", "ptx", "-o", ptx, "--set", "T=bf16", *sets)
    return cubin, run("ptxas", "-v", "-arch=sm_90a", ptx, "-o", cubin)


def theirs(cutlass, settings, schedule, folder):
    cubin = os.path.join(folder, "theirs.cubin")
    told = run("nvcc", "-std=c++17", "-O3", "-w", "-DNDEBUG", "--expt-relaxed-constexpr", "-arch=sm_90a", "-Xptxas", "-v", "-cubin",
               "-I" + os.path.join(cutlass, "include"), "-DTILE_M=%d" % settings["BM"], "-DTILE_N=%d" % settings["BN"],
               "-DSCHEDULE=" + schedule[0], "-DEPILOGUE=" + schedule[1], "-o", cubin, os.path.join(HERE, "cutlass_matmul.cu"))
    return cubin, told


def code_of(cubin):
    """The instructions of the kernel, and where labels stand."""
    code, labels = [], {}
    for line in run("nvdisasm", "-c", cubin).splitlines():
        label, instruction = re.match(r"\s*(\.L_\S+):", line), re.match(r"\s*/\*[0-9a-f]+\*/\s+(.*?);", line)
        if label:
            labels[label[1]] = len(code)
        elif instruction:
            code.append(re.sub(r"^@!?U?P\w+\s+", "", instruction[1].strip()) + (" @" if instruction[1].startswith("@") else ""))
    return code, labels


def loops(code, labels):
    """Backward branches: (first, behind the last), the shortest first."""
    found = []
    for i, instruction in enumerate(code):
        target = re.match(r"BRA.*\((\.L_[^)]*)\)", instruction)
        if target and labels.get(target[1], i + 1) <= i:
            found.append((labels[target[1]], i + 1))
    return sorted(found, key=lambda loop: loop[1] - loop[0])


def executed(body, first, labels):
    """What runs where every wait is over at once: a forward branch behind a wait, taken when it is over, is taken."""
    i, found = 0, []
    while i < len(body):
        found.append(body[i])
        target = re.match(r"BRA.*\((\.L_[^)]*)\)", body[i])
        goes = labels.get(target[1], -1) - first if target else -1
        i = goes if target and i < goes < len(body) and goes - i <= 3 else i + 1
    return found


def kinds(instructions):
    counts = collections.Counter(next(name for name, like in KINDS if re.match(like, each)) for each in instructions)
    return {name: counts[name] for name, _ in KINDS}


def figures(cubin, told):
    code, labels = code_of(cubin)
    all_loops = loops(code, labels)
    def shortest(marked, unmarked):
        first, end = next((a, b) for a, b in all_loops if any(re.match(marked, each) for each in code[a:b]) and
                          not any(re.match(unmarked, each) for each in code[a:b]))
        return kinds(executed(code[first:end], first, labels))
    registers = re.findall(r"Used (\d+) registers", told)
    return {"products": shortest("HGMMA", "UTMALDG"), "copies": shortest("UTMALDG", "HGMMA"), "whole": len(code),
            "registers": registers[-1] if registers else "-", "serialised": "C75" in told}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--imbrex", required=True, help="the program")
    parser.add_argument("--cutlass", required=True, help="a copy of CUTLASS's repository")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, settings, schedule in ROWS:
            sides = figures(*ours(options.imbrex, settings, folder)), figures(*theirs(options.cutlass, settings, schedule, folder))
            for part in ("products", "copies"):
                cells = ["%s %d / %d" % (kind, sides[0][part][kind], sides[1][part][kind]) for kind, _ in KINDS]
                total = [sum(side[part].values()) for side in sides]
                print("%-24s %-9s %d / %d: %s" % (name, part, *total, ", ".join(cells)))
            print("%-24s whole     %d / %d, registers %s / %s, serialised %s / %s" % (
                name, *[side[key] for key in ("whole", "registers", "serialised") for side in sides]))


if __name__ == "__main__":
    main()
