# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""All that the kernels of attention may be asked for without a word of tuning: kernel x target x features x heads a group x
mask x storage x type, as words of `imbrex build`. In one seeded order, so that any part of the list is a sample of it.
"""
import itertools, random

TARGETS = ("sm_80", "sm_86", "sm_89", "sm_90", "sm_90a", "sm_100", "sm_120")
MASKS = ("full", "causal", "window(100, 20)")
SMALL = [(d, d) for d in (16, 32, 40, 64, 72, 80, 96, 112, 128, 160, 192, 256)] + [(192, 128), (128, 64), (13, 7)]
WIDE = [(320, 320), (512, 512), (576, 512)]
PAGES = "paged:16"


def scaled(storage):
    return {view: storage for view in "KV"}


def ragged(views):
    return {view: "ragged" for view in views.split()}


# Of keys and values, of queries and what has a row for each, or of both.
FORWARD = ({}, ragged("Q K V O"), scaled(PAGES), scaled("scaled(dense,i8)"), scaled("scaled(paged:16,f8e4m3)"))
BYTES = ({}, ragged("Q K V O"), scaled(PAGES))
DECODE = ({}, scaled("ragged"), scaled(PAGES), scaled("scaled(paged:16,i8)"), scaled("scaled(paged:16,f8e4m3)"))
DQ = ({}, ragged("Q K V dO L Delta dQ"), scaled(PAGES))
DKDV = ({}, ragged("Q K V dO L Delta dK dV"), {view: PAGES for view in ("K", "V", "dK", "dV")})
ONE_PASS = ({}, ragged("Q K V dO L Delta dQ dK dV"), {view: PAGES for view in ("K", "V", "dK", "dV")})
TYPES, PLAIN = ("bf16", "f32", "tf32", "f64"), ("bf16", "f32", "f64")
SUMS = {"f64": "f64"}  # else f32

# kernel: (file, features, storages, types, queries of a launch; 0: not told)
KERNELS = {
    "attention_forward": ("attention_forward", SMALL + WIDE, FORWARD, TYPES, (0, 64, 1)),
    "attention_bytes": ("attention_bytes", SMALL, BYTES, ("f8e4m3",), (0, 64, 1)),
    "attention_dq": ("attention_backward", SMALL, DQ, PLAIN, (0,)),
    "attention_dkdv": ("attention_backward", SMALL, DKDV, PLAIN, (0,)),
    "attention_backward": ("attention_backward", SMALL, ONE_PASS, PLAIN, (0,)),
    "attention_split": ("attention_decode", SMALL + WIDE, DECODE, TYPES, (1, 4, 16)),
    "attention_append": ("attention_append", SMALL, ({}, scaled(PAGES)), PLAIN, (1, 4)),
}


def parameters(kernel, kind, keys, values, group):
    found = dict(T="f32" if kind == "tf32" else kind, DQK=keys, DV=values, G=group)
    if kind == "tf32":
        found["tf32"] = 1
    if kernel == "attention_bytes":
        found["U"] = "bf16"
    if kernel in ("attention_split", "attention_append"):
        found["U"] = SUMS.get(kind, "f32")
    if kernel == "attention_append":
        found.update(R=keys // 2 * 2 if group == 1 else 0, INTERLEAVED=0)
    return found


def case(kernel, target, features, group, mask, storage, kind, queries):
    """Words of `imbrex build`, without where to write."""
    words = ["kernels/%s.tile" % KERNELS[kernel][0], "--kernel", kernel, "--target", target, "--hook", "mask=" + mask]
    words += [word for each in parameters(kernel, kind, *features, group).items() for word in ("--set", "%s=%s" % each)]
    words += [word for each in storage.items() for word in ("--storage", "%s=%s" % each)]
    return words + (["--extent", "Sq=%d" % queries] if queries else [])


def every():
    """All cases, in the seeded order."""
    found = [case(kernel, target, features, group, mask, storage, kind, queries)
             for kernel, (_, depths, storages, types, extents) in KERNELS.items()
             for target, features, group, mask, storage, kind, queries in itertools.product(
                 TARGETS, depths, (1, 4, 8), MASKS, storages, types, extents)
             if not (kind in ("f32", "tf32", "f64") and any("scaled" in each for each in storage.values()))]
    random.Random(11).shuffle(found)
    return found
