#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every kernel at its defaults assembles for every target without a spill and without a repaired wait (C75xx).

usage: assemble_test.py IMBREX SOURCE_DIR [--long]      Says so and passes where there is no ptxas.
"""
import itertools, json, os, shutil, subprocess, sys

IMBREX, ROOT = sys.argv[1], sys.argv[2]
TARGETS = ["sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"]
CLASSES = ["sm_80", "sm_89", "sm_90a", "sm_100", "sm_120"]  # those whose defaults may differ


def explain(kernel, target, hooks=(), extents=(), **settings):
    """`kernel` is of the file of its name, or "FILE KERNEL"."""
    file, _, name = kernel.partition(" ")
    words = [IMBREX, "explain", os.path.join(ROOT, "kernels", file), "--target", target, "--json"]
    words += ["--kernel", name or os.path.basename(file).removesuffix(".tile")]
    for extent in extents:
        words += ["--extent", extent]
    for name, value in settings.items():
        words += ["--set", "%s=%s" % (name, value)]
    for hook in hooks:
        words += ["--hook", hook]
    result = subprocess.run(words, capture_output=True, text=True)
    name = " ".join(words[2:])
    if result.returncode:
        return name, "exit %d: %s" % (result.returncode, result.stderr)
    told = json.loads(result.stdout)
    if "registers" not in told:
        return name, "ptxas did not assemble it"
    if told["spilled_bytes"] or told.get("repairs"):
        return name, "%d registers, %d bytes spilled, repairs %s" % (told["registers"], told["spilled_bytes"], told.get("repairs"))
    return name, ""


def usual():
    """The extents that models have, of every type, on every class of devices: all kernels of attention."""
    for target, kind, d in itertools.product(CLASSES, ["bf16", "f16", "f32", "f64"], (64, 96, 128, 192, 256)):
        wide, types = "f64" if kind == "f64" else "f32", dict(T=kind, DQK=d, DV=d)
        yield "attention_forward.tile", target, ["mask=causal"], [], dict(types, G=1)
        yield "attention_forward.tile", target, ["mask=causal"], ["Sq=1"], dict(types, G=1)
        for part in "dq", "dkdv", "backward":
            yield "attention_backward.tile attention_" + part, target, ["mask=causal"], [], dict(types, G=1)
        for over in itertools.product((0, 1), (0, 1)):
            yield ("attention_backward.tile attention_dbias", target, ["mask=causal"], [],
                   dict(types, G=1, SUMQ=over[0], SUMK=over[1]))
        for group, queries in (1, 1), (8, 1), (8, 4), (8, 16):
            yield "attention_decode.tile attention_split", target, ["mask=causal"], ["Sq=%d" % queries], dict(types, U=wide, G=group)
        for group, queries, turned in (8, 1, 0), (1, 4, d):
            yield ("attention_append.tile", target, ["mask=causal"], ["Sq=%d" % queries],
                   dict(types, U=wide, G=group, R=turned, INTERLEAVED=0))
        yield "cache_append.tile cache_append_scaled", target, [], [], dict(types, C="f8e4m3", R=d, INTERLEAVED=0)


def cases(long):
    for i, case in enumerate(usual()):
        if long or i % 97 == 0:
            yield case
    masks = ["mask=full", "mask=causal", "mask=window(100, 20)"]
    sizes = [(8, 8), (40, 72), (64, 64), (96, 96), (128, 128), (192, 128), (256, 256), (13, 7), (576, 512)]
    types = ["f16", "bf16", "f32", "f64"]
    everything = list(itertools.product(TARGETS, types, sizes, masks))
    for i, (target, kind, (d, dv), mask) in enumerate(everything):
        if long or i % 17 == 0:
            yield "attention_forward.tile", target, [mask], [], dict(T=kind, DQK=d, DV=dv, G=1)
        for part in "dq", "dkdv":
            if d <= 256 and (long or i % 41 == 0):
                yield "attention_backward.tile attention_" + part, target, [mask], [], dict(T=kind, DQK=d, DV=dv, G=1)
        if kind in ("f16", "bf16") and d <= 256 and (long or i % 29 == 0):
            yield "attention_backward.tile attention_backward", target, [mask], [], dict(T=kind, DQK=d, DV=dv, G=1)
            yield ("attention_backward.tile attention_dbias", target, [mask], [],
                   dict(T=kind, DQK=d, DV=dv, G=1, SUMQ=i % 2, SUMK=i // 2 % 2))
    everything = list(itertools.product(TARGETS, types, sizes, masks[1:], (1, 3, 8), (1, 4, 16)))
    for i, (target, kind, (d, dv), mask, g, queries) in enumerate(everything):
        if i % (11 if long else 307) == 0:
            yield ("attention_decode.tile attention_split", target, [mask], ["Sq=%d" % queries],
                   dict(T=kind, U="f64" if kind == "f64" else "f32", DQK=d, DV=dv, G=g))
    for target in TARGETS if long else TARGETS[:1]:
        yield "attention_decode.tile attention_merge", target, [], [], dict(T="bf16", W="f32", DV=128)
        for turned, interleaved in (0, 0), (128, 0), (64, 1):
            yield ("cache_append.tile cache_append", target, [], [], dict(T="bf16", DQK=128, DV=128, R=turned, INTERLEAVED=interleaved))
        yield "lessons/vector_add.tile", target, [], [], dict(T="f32")
        yield "lessons/softmax.tile", target, [], [], dict(T="bf16", D=256)
        yield "lessons/matmul.tile", target, [], [], dict(T="bf16")
        for lesson in "softmax_wide", "swiglu", "cross_entropy", "argmax", "dropout":
            yield "lessons/%s.tile" % lesson, target, [], [], dict(T="bf16")
        yield "lessons/gated_delta.tile", target, [], [], dict(T="bf16", DK=128)
        for lesson in "cumulative_sum", "selective_scan":
            yield "lessons/%s.tile" % lesson, target, [], [], dict(T="f32")


def main():
    if not shutil.which("ptxas"):
        print("skipped: no ptxas on PATH to assemble with")
        return 0
    failures, count = [], 0
    for kernel, target, hooks, extents, settings in cases("--long" in sys.argv):
        name, what = explain(kernel, target, hooks, extents, **settings)
        count += 1
        if what:
            failures.append("%s: %s" % (name, what))
    print("\n".join(failures))
    print("%d assembled, %d failed" % (count, len(failures)))
    return bool(failures) or not count


if __name__ == "__main__":
    sys.exit(main())
