#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How much of the time that memory needs decoding keeps the busiest pipe of an SM busy, by the counts of its hot loop.

Groups of 8 heads, bf16, 1 to 16 queries a head, so 8 to 128 rows: for a pass over BN keys the least cycles of the pipe
(compiler/KernelScore.h), of all warps and all tiles of rows, over the cycles in which the keys and values of the pass come
from memory. Below 1 decoding is bound by memory, if all overlaps. `tensor` alone is what the products take.

How far below it can be. A key and its value are 4 D bytes, and 4 D R operations for R rows of queries: R operations a byte.
An A100 multiplies 312e12 a second by mma.sync and reads 2.039e12 bytes: 153 operations a byte. So the products of 128 rows
(16 queries) take 128 / 153 = 0.84 of the time of memory whatever else the loop does, and a half of it is passed at 77 rows,
with 10 queries. An H200 has 206 operations a byte by wgmma: 0.62 for 128 rows, and as much for 65, in tiles of 64.
By mma.sync each warp reads all keys and values: with 16 rows a warp 64 rows take (4 + 1) 4 D bytes a key at 128 bytes a
cycle, 0.52; with 32 rows a warp 0.33, which D = 64 has registers for. For D = 128 the queries are put aside in shared
memory and read for each 32 keys, which is 64 * 2 D / 32 = 4 D bytes a key more: 0.43.

Nor do the tiles that decoding takes by itself spill, where ptxas is.

usage: decode_test.py IMBREX ROOT [--long]
"""
import itertools, json, os, re, subprocess, sys, tempfile

IMBREX, ROOT = sys.argv[1:3]
LONG = "--long" in sys.argv
G = 8
# Bytes a cycle that memory gives to an SM: bandwidth, multiprocessors, clock.
DEVICES = {"sm_80": 2.039e12 / 108 / 1.41e9, "sm_90a": 4.8e12 / 132 / 1.83e9}
# The most that the share may be, by features and rows of the tiles: figures of today, rounded up.
MOST = {("sm_80", 64): {16: 0.31, 32: 0.33, 48: 0.45, 64: 0.43, 96: 0.64, 128: 0.85},
        ("sm_80", 128): {16: 0.26, 32: 0.33, 48: 0.44, 64: 0.44, 96: 0.64, 128: 0.96},
        ("sm_90a", 64): {16: 0.46, 32: 0.5, 64: 0.43, 128: 0.85},
        ("sm_90a", 128): {16: 0.39, 32: 0.48, 64: 0.32, 128: 0.63}}


def share(target, depth, queries, folder):
    """((rows, keys) of a tile, warps, tiles), {pipe: share}"""
    ptx = os.path.join(folder, "k.ptx")
    words = [os.path.join(ROOT, "kernels", "attention_decode.tile"), "--kernel", "attention_split", "--target", target,
             "--hook", "mask=causal", "--extent", "Sq=%d" % queries]
    for name, value in dict(T="bf16", U="f32", DQK=depth, DV=depth, G=G).items():
        words += ["--set", "%s=%s" % (name, value)]
    run = lambda *words: subprocess.run([IMBREX, *words], capture_output=True, text=True, check=True).stdout
    chosen = dict(re.findall(r"(BM|BN|warps)=(\d+)", run("explain", *words)))
    run("build", *words, "--until", "ptx", "-o", ptx)
    loop = json.loads(run("score", ptx, "--json"))[0]["loops"][0]
    rows, keys, warps = (int(chosen[name]) for name in ("BM", "BN", "warps"))
    tiles = -(-queries * G // rows)
    memory = 2 * keys * depth * 2 / DEVICES[target]
    return (rows, keys, warps, tiles), {pipe: cycles * warps / 4 * tiles / memory for pipe, cycles in loop["least_cycles"].items()}


def spills():
    """What decoding spills by its own choice of tiles: lines; under --long of every target, depth and group."""
    depths = ((64, 64), (96, 96), (128, 128), (192, 192), (256, 256), (192, 128), (576, 512)) if LONG else ((64, 64), (128, 128))
    found = []
    for target in ("sm_80", "sm_89", "sm_90", "sm_90a", "sm_120") if LONG else ("sm_90a", "sm_120"):
        for (keys, values), (group, queries), mask in itertools.product(
                depths, ((1, 1), (8, 4), (4, 1), (8, 1), (16, 4), (16, 16)) if LONG else ((1, 1), (8, 4)), ("full", "causal") if LONG else ("full",)):
            words = [IMBREX, "explain", os.path.join(ROOT, "kernels", "attention_decode.tile"), "--kernel", "attention_split", "--target", target,
                     "--hook", "mask=" + mask, "--extent", "Sq=%d" % queries]
            for name, value in dict(T="bf16", U="f32", DQK=keys, DV=values, G=group).items():
                words += ["--set", "%s=%s" % (name, value)]
            told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
            spilled = re.search(r"(\d+) bytes spilled", told)
            line = "%s D%d/%d G%d q%d %s: %s bytes spilled" % (target, keys, values, group, queries, mask, spilled[1] if spilled else "unknown")
            print(line, flush=True)
            if spilled and int(spilled[1]):
                found.append(line)
    return found


def main():
    wrong = spills()
    with tempfile.TemporaryDirectory() as folder:
        for target in DEVICES:
            for depth in (64, 128) if LONG else (128,):
                for queries in range(1, 17) if LONG else (1, 4, 8, 16):
                    (rows, keys, warps, tiles), pipes = share(target, depth, queries, folder)
                    busiest = max(pipes, key=pipes.get)
                    print("%s D%d q%-2d %d tile(s) of %dx%d, %d warps: %.2f by %s, tensor %.2f" % (
                        target, depth, queries, tiles, rows, keys, warps, pipes[busiest], busiest, pipes["tensor"]), flush=True)
                    limits = MOST[target, depth]
                    most = limits[min(row for row in limits if row >= queries * G)]
                    if pipes[busiest] > most:
                        wrong.append("%s D%d q%d: %.2f, at most %.2f" % (target, depth, queries, pipes[busiest], most))
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
