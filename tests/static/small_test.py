#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What small problems waste: the tile that a kernel takes by itself for few queries, and the share of its rows that are
queries. 16-bit forward: no tile has more than twice the rows that 16 or the queries need, whichever is more, nor decoding
with 8 heads a group more than that for its rows. So one query takes a tile of 16 rows, not of 128.

usage: small_test.py IMBREX ROOT
"""
import os, re, subprocess, sys

IMBREX, ROOT = sys.argv[1:3]
TARGETS = ("sm_80", "sm_90a")
QUERIES = (1, 4, 16, 33, 64)


def tile(file, kernel, target, depth, queries, settings):
    """Rows of the tile, warps."""
    words = [IMBREX, "explain", os.path.join(ROOT, "kernels", file), "--kernel", kernel, "--target", target, "--hook",
             "mask=causal", "--extent", "Sq=%d" % queries, "--ptxas", "none"]
    for name, value in dict(settings, T="bf16", DQK=depth, DV=depth).items():
        words += ["--set", "%s=%s" % (name, value)]
    told = subprocess.run(words, capture_output=True, text=True)
    chosen = dict(re.findall(r"(BM|warps)=(\d+)", told.stdout))
    if told.returncode or len(chosen) != 2:
        sys.exit("explain failed: " + told.stderr)
    return int(chosen["BM"]), int(chosen["warps"])


def main():
    wrong = []
    for file, kernel, group, settings in (("attention_forward.tile", "attention_forward", 1, {"G": 1}),
                                          ("attention_decode.tile", "attention_split", 8, {"G": 8, "U": "f32"})):
        for target in TARGETS:
            for depth in (64, 128):
                for queries in QUERIES:
                    rows = queries * group
                    height, warps = tile(file, kernel, target, depth, queries, settings)
                    tiles = -(-rows // height)
                    line = "%s %s D%d Sq%-2d: %d tile(s) of %d rows, %d warps, %.0f %% of the rows used" % (
                        kernel, target, depth, queries, tiles, height, warps, 100 * rows / (tiles * height))
                    print(line, flush=True)
                    if tiles * height > 2 * max(16, rows):
                        wrong.append(line)
    print("\n".join(["too many rows:"] + wrong) if wrong else "no tile is more than half empty, of 16 rows or more")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
