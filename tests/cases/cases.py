#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What users of kernels like these have reported, case by case, each with the outcome that it must have here.

usage: cases.py IMBREX ROOT [DIR] [NAME...]

DIR is a folder of cases, a folder each with its kernels (default: the one of this script); a folder that has no
outcome below is an error. Arrays are made here, from seeds. `imbrex` runs in a folder of its own that goes
when the case is over. Times are printed and not judged: of what may take much, the memory and the code are.
"""
import inspect
import math
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import arrays

IMBREX, ROOT = (os.path.abspath(word) for word in sys.argv[1:3])
ATTENTION = os.path.join(ROOT, "kernels", "attention_forward.tile")
VECTOR_ADD = os.path.join(ROOT, "kernels", "lessons", "vector_add.tile")


class Wrong(Exception):
    pass


def expect(condition, *told):
    if not condition:
        raise Wrong(" ".join(str(word) for word in told))


class Outcome:
    def __init__(self, words):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([IMBREX, *words], capture_output=True, text=True, timeout=900)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.megabytes = after.ru_maxrss / 1024  # the largest child so far
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.all = self.out + self.err

    def good(self):
        expect(self.code == 0, "exit", self.code, self.all)
        return self

    def refused(self, *texts):
        expect(self.code == 1 and ": error: " in self.all, "exit", self.code, self.all[:2000])
        for text in texts:
            expect(text in self.all, "no", repr(text), "in", self.all[:2000])
        return self

    def within(self, words="", lines=65536, megabytes=1024):
        """What is compiled has at most so many lines of PTX, and what compiled it took at most so much memory."""
        print("    %s: %.2f s, %d MiB" % (words or "compiled", self.seconds, self.megabytes))
        expect(self.megabytes <= megabytes, "took", self.megabytes, "MiB")
        if self.code == 0 and os.path.exists("out.ptx"):
            with open("out.ptx") as file:
                count = sum(1 for _ in file)
            expect(count <= lines, count, "lines")
        return self


def normals(name, type_, *shape, seed=0, scale=1):
    source = random.Random(seed)
    return arrays.save(name + ".npy", type_, shape, [source.gauss(0, 1) * scale for _ in range(math.prod(shape))])


def build(file, *words):
    return Outcome(["build", file, *words, "-o", "out.ptx"])


def run(file, *words):
    return Outcome(["run", file, "--device", "sim:h200", "--cache-dir", "none", *words])


def attend(*words, type_="f32", kernel=ATTENTION):
    return run(kernel, "--set", "T=" + type_, "--arg", "Q=q.npy", "--arg", "K=k.npy", "--arg", "V=v.npy", *words)


# ---- a case each: the folder's name, and its path -----------------------------------------------------------------

def batch_65536(case):
    """Batch and heads beyond 65,535 are folded into x. One key: the answer is V."""
    for name in "qkv":
        normals(name, "f16", 65536, 1, 1, 8, seed=ord(name))
    attend("--arg", "scale=1", "--out", "O=o.npy", "--set", "warps=1", "--set", "BM=16", "--set", "BN=16", type_="f16").good()
    expect(arrays.load("o.npy") == arrays.load("v.npy"), "O is not V")


def cache_dir_755(case):
    """What others may read is used, what others may write is not; the key does not hold the kernel's path."""
    normals("x", "f32", 64)
    os.makedirs("other")
    shutil.copy(VECTOR_ADD, "other/add.tile")
    for mode, kernel in ((0o755, VECTOR_ADD), (0o755, "other/add.tile"), (0o777, VECTOR_ADD)):
        cache = "cache%o" % mode
        os.makedirs(cache, exist_ok=True)
        os.chmod(cache, mode)
        said = Outcome(["run", kernel, "--arg", "X=x.npy", "--arg", "Y=x.npy", "--out", "Z=z.npy", "--device", "sim",
                        "--cache-dir", cache]).good()
        expect(("not cached" in said.all) == (mode == 0o777), said.all)
    kept = [name for _, _, files in os.walk("cache755") for name in files if not name.endswith(".lock")]
    expect(len(kept) == 1, "one kernel, entries", kept)


def check_false_alarm(case):
    """A gradient that is exactly zero but for one rounding."""
    values = {"X": ((1, 1), 0.5123), "W": ((1,), 0.7431), "DY": ((1, 1), 1.2377), "Mean": ((1,), 0.5123), "Rstd": ((1,), 316.2277)}
    words = [word for name, (shape, value) in values.items()
             for word in ("--arg", name + "=" + arrays.save(name + ".npy", "f32", shape, [value]))]
    run(case + "/norms.tile", "--kernel", "layernorm_bwd", "--set", "T=f32", *words, "--out", "DX=1x1", "--out",
        "PW=1x1", "--out", "PB=1x1", "--check").good()


def check_false_alarm_logits(case):
    """Logits near -6e4 are known to some thousandths; a row that is off by 1 % of the largest value is told."""
    source = random.Random(3)
    for name, scale, first in (("q", 0.1, 1), ("k", 0.1, -480000), ("v", 1, None)):
        values = [source.gauss(0, 1) * scale for _ in range(65 * 64)]
        if first is not None:
            values[::64] = [first] * 65
        arrays.save(name + ".npy", "f32", (1, 65, 1, 64), values)
    said = attend("--arg", "scale=0.125", "--hook", "mask=causal", "--out", "O=o.npy", "--out", "L=l.npy", "--check").good()
    expect(os.path.exists("o.npy"), "the output is not written")
    for name, most in (("O", 1.98 / 4), ("L", 0.2)):  # of L: some 50 units of its last place, 0.004
        told = re.search(r"check %s: difference .*bound is ([0-9.E+-]+): ok" % name, said.out)
        expect(told and 0 < float(told.group(1)) < most, name, said.out)


def check_false_alarm_sum(case):
    """A sum of 16-bit numbers that cancels."""
    normals("x", "f16", 1, 1000, seed=4)
    run(case + "/sum.tile", "--arg", "X=x.npy", "--out", "RS=y.npy", "--check").good()
    expect(os.path.exists("y.npy"), "the output is not written")


def margin_behind_split(case):
    """Tiles that a loop's range puts inside their view, and that threads reach beyond."""
    for target in ("sm_80", "sm_90a"):
        for warps in ("1", "4"):
            run(case + "/tilted.tile", "--set", "warps=" + warps, "--arg", "L=144", "--out", "O=144x16", "--target", target,
                "--check").good()


def compile_bombs(case):
    """Compiled within limits, or refused with the number that refuses it."""
    loops = "".join("for j%d in 0..N { s += load X[j%d * 32 :+ 32]; }" % (i, i) for i in range(3000))
    with open("loops.tile", "w") as file:
        file.write("kernel k(X: view<f32>[N], Y: out view<f32>[N]) grid (cdiv(N, 1024)) |i| { var s = fill<f32>[32](0); "
                   + loops + "store Y[0 :+ 32] = s; }")
    with open("literal.tile", "w") as file:
        file.write("kernel k(X: out view<f32>[N]) grid (1) |i| { store X[0] = 0." + "1" * 50000 + "; }")
    for file in ["loops.tile", "literal.tile"] + [case + "/" + name for name in sorted(os.listdir(case)) if name.endswith(".tile")]:
        said = build(file).within(os.path.basename(file))
        if said.code != 0:
            said.refused()
            expect(re.search(r"error: .*\d", said.all), "no number in", said.all[:500])


def compile_odd_tile(case):
    """Odd extents are spread over lanes; products whose depth does not fit are padded to it."""
    for columns in (255, 509, 1021, 1024):
        build(case + "/odd_f64.tile", "--set", "R=1", "--set", "C=%d" % columns).good().within()
    build(case + "/odd_f32.tile", "--set", "R=31", "--set", "C=31").good().within()
    build(case + "/attention_any_dim.tile", "--set", "T=f16", "--set", "DQK=100", "--set", "DV=100", "--set", "G=1",
          "--hook", "mask=causal").good().within()
    for m, n, k in ((64, 64, 100), (64, 64, 24), (64, 64, 20), (64, 64, 8), (1, 64, 64), (17, 60, 64)):
        build(case + "/matmul.tile", "--set", "BM=%d" % m, "--set", "BN=%d" % n, "--set", "BK=%d" % k).good().within()
        with open("out.ptx") as file:
            expect("mma.sync" in file.read(), "no mma for", m, n, k)


def exp_bf16(case):
    """exp is rounded once: 16-bit types by f32, f64 within two units in the last place."""
    points = [86, 88.5, -20.25, -5.03125, -9.875, 3.0, 1.0, -80]
    arrays.save("x.npy", "f32", (8,), points)
    for type_, points, bits in (("f16", [3.0, 1.0, -5.03125, 10.5, -9.875, 0.5, 2.25, -0.125], 11), ("f32", points, 24), ("f64", points + [637.25], 53)):
        arrays.save("x.npy", type_, (len(points),), points)
        run(case + "/exp.tile", "--set", "T=" + type_, "--arg", "X=x.npy", "--out", "Y=y.npy", "--out", "Z=z.npy").good()
        for x, y in zip(points, arrays.load("y.npy")):
            units = abs(y - math.exp(x)) / math.ldexp(math.exp(x), 1 - bits)
            expect(units <= 2, type_, "exp", x, "is", units, "units off")


def f32_spills(case):
    """Products of f32 and f64 in small tiles: they compile and say what they need, or are refused with the number."""
    for words in (["scan.tile", "--kernel", "cumsum", "--set", "T=f32"], ["scan.tile", "--kernel", "cumsum", "--set", "T=f64"],
                  ["linear.tile", "--kernel", "gla", "--set", "T=f32", "--set", "DK=64", "--set", "DV=64"],
                  ["linear.tile", "--kernel", "delta_rule", "--set", "DK=64", "--set", "DV=64"]):
        said = Outcome(["explain", case + "/" + words[0], *words[1:]]).within(words[2])
        if said.code != 0:
            said.refused("instructions of each thread, more than")
            print("    %s: refused for its size" % " ".join(words[2:5]))
            continue
        spilled = re.search(r"(\d+) bytes spilled", said.all)
        print("    %s: %s" % (" ".join(words[2:5]), spilled.group(0) if spilled else "no ptxas, so nothing is known of spills"))


def from_ptx_until_cubin(case):
    """PTX can be taken up and assembled; without ptxas that is what is said."""
    build(VECTOR_ADD, "--set", "T=f32", "--until", "ptx").good()
    said = Outcome(["build", "out.ptx", "--from", "ptx", "--until", "cubin", "-o", "v.cubin"])
    if said.code == 0:
        expect(os.path.getsize("v.cubin") > 0, "an empty cubin")
    else:
        expect("no ptxas on PATH" in said.all, said.all)


def from_stage(case):
    """Texts of stages end in a diagnostic, or in PTX that holds a kernel; never in a signal or an empty text."""
    for name in sorted(os.listdir(case)):
        for stage in ("tile", "cta", "nvvm"):
            if not name.endswith(".mlir"):
                continue
            said = build(os.path.join(case, name), "--from", stage)
            if said.code == 0:
                with open("out.ptx") as file:
                    expect(".entry" in file.read(), name, "from", stage, "gives no kernel")
            else:
                said.refused()


def grid_and_masked_store(case):
    """A scalar argument bounds a grid."""
    build(case + "/varlen.tile").good()


def instance_overlap(case):
    """Instances that store one element: a fault with both, the view, the element and the lines."""
    arrays.save("x.npy", "f32", (1000,), [1.0 + i % 7 for i in range(1000)])
    said = run(case + "/overlap.tile", "--arg", "X=x.npy", "--out", "Y=y.npy", "--check")
    expect(said.code == 3, "exit", said.code, said.all)
    expect("global-memory race" in said.all and "overlap.tile" in said.all, said.all)


def instances_store_same_place(case):
    arrays.save("x.npy", "f32", (256,), list(range(256)))
    said = run(case + "/race.tile", "--arg", "X=x.npy", "--out", "Y=1:y.npy", "--check")
    expect(said.code == 3, "exit", said.code, said.all)
    expect("global-memory race" in said.all, said.all)


def mask_overflow(case):
    """No bound is no bound for every tile size."""
    for name, length in (("q", 70), ("k", 100), ("v", 100)):
        normals(name, "f32", 1, length, 1, 16, seed=ord(name))
    for m, n in ((16, 16), (64, 32)):
        attend("--set", "BM=%d" % m, "--set", "BN=%d" % n, "--arg", "scale=0.2", "--hook", "mask=window(-1, 2147483647)",
               "--out", "O=o%d.npy" % m, "--out", "L=l%d.npy" % m, "--check").good()
    for name in "ol":
        small, large = arrays.load(name + "16.npy"), arrays.load(name + "64.npy")
        expect(all(map(math.isfinite, small)), name, "is not finite")
        expect(arrays.largest_difference(small, large) < 1e-5, name, "depends on the tile size")


def mask_spelling(case):
    """Two spellings of one mask are read the same."""
    for name in ("decode_a", "decode_b"):
        said = Outcome(["explain", "%s/%s.tile" % (case, name), "--kernel", "decode", "--set", "T=f16", "--set", "D=64"]).good()
        expect("mask applied only to tiles that are not wholly visible" in said.all, name, said.all)


def tile_kernel(body, parameters="X: view<f32>[N], Y: out view<f32>[N]", grid="1"):
    return "kernel k(%s) grid (%s) |i| { %s }" % (parameters, grid, body)


def messages(case):
    """A mistake is told as what it is: a text, its words, and what must be said; None: it is no mistake."""
    with open(ATTENTION) as file:
        attention = file.read()
    sets = [word for each in ("T=f16", "DV=64", "G=1") for word in ("--set", each)]

    def hooked(hook, function=""):
        return (attention.replace("kernel attention_forward", function + "\nkernel attention_forward", 1),
                sets + ["--set", "DQK=64", "--hook", hook])

    matrices = "X: view<f32>[N, M], Y: out view<f32>[N, M]"
    for (text, words), said in (
            (hooked("score=own", "fn own(s, at) = s + load Q[at.b, at.q, at.h, at.k];"), "a function cannot read the view 'Q'"),
            (hooked("mask=window(1e3, 0)"), "hook mask:1:8: error: found the float 1000.0 where i32 is needed"),
            (hooked("mask=r", "fn r(at) = 3 < at.q < 5;"), "comparisons do not chain: write a < b && b < c"),
            (hooked("mask=two", "fn two(at) = causal(at) && window(64, 0)(at);"), None),
            ((attention, sets + ["--set", "DQK=580"]), "DQK <= 576 is required and does not hold: DQK is 580"),
            ((tile_kernel("let x = load X[0 :+ 64]; atomic_add(Y[0 :+ 64], x);"), []), "'atomic_add' is not supported"),
            ((tile_kernel("store Y[0] = 1.0;", "Y: out view<f32>[N], n: i32", "cdiv(n, 64)"), []), None),
            ((tile_kernel("store Y[0 :+ 33, 0 :+ 33] = load X[0 :+ 33, 0 :+ 33];", matrices), []), None),
            (("\ufeff" + tile_kernel("store Y[i] = 1.0;"), []), None),
            ((tile_kernel("let s = 1; if 0 < s < 3 { store Y[0] = 1.0; }"), []), "comparisons do not chain"),
            ((tile_kernel("print(i);"), []), "there is no 'print' in this language"),
            ((tile_kernel("for j in 0..N { break; }"), []), "there is no 'break' in this language; bound the loop"),
            ((tile_kernel("store Y[0] = sinh(1.0);"), []), "there is no 'sinh' in this language"),
            ((tile_kernel("store Y[0] = 1.0;", "X: inout view<f32>[N], Y: out view<f32>[N]"), []), "'inout': a view is an input, which"),
            ((tile_kernel("let x = load X[0 :+ 64]; store Y[0 :+ 64] = where(x < 0, -1, 1) * x;"), []), None)):
        with open("m.tile", "w", encoding="utf-8") as file:
            file.write(text)
        outcome = build("m.tile", *words)
        if said:
            outcome.refused(said)
        else:
            outcome.good()
        expect(not said or len(re.findall(": error: ", outcome.all)) == 1, "more than one error in", outcome.all)
    folder = Outcome(["run", ".", "--device", "sim"])
    expect(folder.code != 0 and "'.' is a directory" in folder.all, folder.all)


def nan_in_masked_value(case):
    """A NaN in value row 50: tiles of queries before it are free of it, columns other than its own too."""
    for name in "qkv":
        normals(name, "f16", 1, 100, 1, 64, seed=ord(name))
    values = arrays.load("v.npy")
    values[50 * 64 + 3] = math.nan
    arrays.save("v.npy", "f16", (1, 100, 1, 64), values)
    for m in (16, 32):
        attend("--set", "BM=%d" % m, "--set", "BN=32", "--arg", "scale=0.125", "--hook", "mask=causal", "--out", "O=o.npy",
               "--check", type_="f16").good()
        o = arrays.load("o.npy")
        for row in range(100):
            for column in range(64):
                isNan, sees, inTile = math.isnan(o[row * 64 + column]), row >= 50, row // m >= 50 // m
                expect(isNan if column == 3 and sees else not isNan or (column == 3 and inTile), "row", row, "column", column)


def output_aliases_input(case):
    """An output in the memory of an input is refused at launch with both names."""
    path = os.path.join(os.path.dirname(os.path.dirname(IMBREX)), "runtime", "library", "libimbrex.so")
    if not os.path.exists(path):
        print("    skipped: no %s" % path)
        return
    sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
    import imbrex
    with imbrex.Library(path).open("sim:h200") as runtime:
        kernel = runtime.load(ATTENTION).kernel()
        q, k, v = (imbrex.View(runtime.allocate(4 * 300 * 32), "f32", [1, 300, 1, 32]) for _ in range(3))
        try:
            kernel.launch({"Q": q, "K": k, "V": v, "O": v, "scale": 0.2})
            raise Wrong("the launch was accepted")
        except imbrex.ImbrexError as error:
            expect(error.status == "IMBREX_ERROR_ARGUMENT" and "'O'" in str(error) and "'V'" in str(error), error.status, error)


def paged_not_pipelined(case):
    """Rows found through a table: what is not started ahead is said, with the reason."""
    for file, kernel, sets in (("paged", "paged", ["PAGE=64", "BN=64"]), ("sparse", "by_list", [])):
        words = [word for setting in ["T=f16", "D=64", *sets] for word in ("--set", setting)]
        said = Outcome(["explain", "%s/%s.tile" % (case, file), "--kernel", kernel, *words]).good()
        expect("ring of" in said.all or "not started ahead: where it reads depends on more than" in said.all, said.all)


def parameter_space(case):
    """A hundred views of rank 4: parameters beyond 4 KB are passed where the target allows it."""
    build(case + "/many_views.tile", "--target", "sm_90").good().within()
    said = Outcome(["build", case + "/many_views.tile", "--target", "sm_90", "--until", "cubin", "-o", "out.cubin"])
    expect(said.code == 0 or "no ptxas on PATH" in said.all, said.all)


def shadowed_var(case):
    build(case + "/shadow.tile").refused("'s' hides the variable of that name in an outer block")


def sum16_overflow(case):
    """Sums of 16-bit numbers are added in f32."""
    arrays.save("x.npy", "f16", (1, 8), [32000] * 4 + [-32000] * 4)
    run(case + "/sum.tile", "--arg", "X=x.npy", "--out", "S=s.npy", "--check").good()
    expect(arrays.load("s.npy") == [0], arrays.load("s.npy"))


def visible_promise_unchecked(case):
    """Logits of -1 where the mask hides: the promise of visible(mask) is not kept."""
    for name in "qkv":
        normals(name, "f32", 1, 300, 1, 64, seed=ord(name))
    said = attend("--arg", "scale=0.125", "--hook", "mask=causal", "--out", "O=o.npy", "--check", kernel=case + "/soft_mask.tile")
    expect(said.code == 3 and "the promise is not kept" in said.out, "exit", said.code, said.all)


def where_literals(case):
    """Literals take the type of what they meet."""
    for type_ in ("f16", "f32", "f64"):
        build(case + "/gelu.tile", "--set", "T=" + type_).good()


def wide_row_warps(case):
    """One row is spread over all warps."""
    build(case + "/layer_norm.tile", "--set", "R=1", "--set", "D=65536", "--set", "warps=32").good().within()


def window_intmax(case):
    """2^31 - 1 is no bound."""
    normals("q", "f32", 1, 65, 1, 32, seed=1), normals("k", "f32", 1, 129, 1, 32, seed=2), normals("v", "f32", 1, 129, 1, 32, seed=3)
    attend("--arg", "scale=0.125", "--hook", "mask=window(0, 2147483647)", "--out", "O=o.npy", "--check").good()
    q, k, v = (arrays.load(name + ".npy") for name in "qkv")
    right = arrays.attention(q, k, v, 32, 0.125, lambda i, j: j >= i + 64)
    expect(arrays.largest_difference(arrays.load("o.npy"), right) < 1e-5, "not what a window without end gives")


CASES = {name: case for name, case in globals().items()
         if inspect.isfunction(case) and list(inspect.signature(case).parameters) == ["case"]}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    words = sys.argv[3:]
    folder = os.path.abspath(words.pop(0)) if words and os.path.isdir(words[0]) else here
    found = {name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name)) and name != "__pycache__"}
    chosen = words or sorted(found | (set(CASES) if folder == here else set()))
    wrong = []
    for name in chosen:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as place:
            os.chdir(place)
            try:
                expect(name in CASES, "no outcome is known of this case")
                CASES[name](os.path.join(folder, name))
            except (Wrong, subprocess.TimeoutExpired) as failure:
                print("    WRONG:", failure, flush=True)
                wrong.append(name)
            os.chdir(here)
        print("%s: %.1f s" % (name, time.monotonic() - begin), flush=True)
    print("%d of %d cases end as they must" % (len(chosen) - len(wrong), len(chosen)) + (": not " + ", ".join(wrong) if wrong else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
