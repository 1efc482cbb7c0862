# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The configurations whose code is watched: name -> (file, settings, hooks, target, whether in the ordinary sample), and
how much more than others some may take. A file may be a pair: its path and the kernel's name."""

SAMPLE = {("sm_80", 64, "full"), ("sm_80", 128, "full"), ("sm_80", 128, "causal"), ("sm_80", 256, "full"), ("sm_120", 256, "full")}
FORWARD, BACKWARD, DECODE = ("kernels/attention_%s.tile" % name for name in ("forward", "backward", "decode"))
MATMUL, SOFTMAX = "kernels/lessons/matmul.tile", "kernels/lessons/softmax.tile"


def forward(d, dtype="bf16", **settings):
    return dict(T=dtype, DQK=d, DV=d, G=1, **settings)


# Loops that must not grow by one instruction of PTX, whatever the language learns.
DENSE = {"forward bf16 D%d %s sm_80" % (d, mask) for d in (64, 96, 128, 192, 256) for mask in ("full", "causal")}
# How keys and values are stored, and how many times the instructions of a loop over dense ones are allowed: of machine
# code, and where there is none of PTX, which has products and sums apart that are one instruction of a machine.
STORED = {"sm_80": ("padded", "ragged", "paged:1", "paged:16", "paged:64", "paged:128"),
          "sm_90a": ("ragged", "paged:1", "paged:16", "paged:64", "paged:1024")}  # by the copy engine
MORE = {"sass": 1.06, "ptx": 1.2}
# A bias of [B, H, Sq, Sk]: beside 409 instructions 16 loads of two f32, 32 additions, 16 zeros for rows that the bias does
# not have, and 2 addresses of two words that go on.
BIAS = {"sass": 1.18, "ptx": 1.5}


def stored(d, storage, target):
    """The name of a row whose keys and values are stored so."""
    return "forward bf16 D%d %s %s" % (d, storage.replace(":", ""), target)


def scaled_pages(bytes_, pages):
    return "forward bf16 D128 of %s in paged%d sm_80" % (bytes_, pages)


# Causal and windowed masks in other words, which cost what the usual ones do.
SPELLED = {"causal": ("!(at.k > at.q + (at.Sk - at.Sq))", "at.Sk - at.k > at.Sq - at.q - 1", "-at.k >= -(at.q + at.Sk - at.Sq)",
                      "min(at.q + at.Sk - at.Sq - at.k, 0) >= 0", "at.k <= min(at.q + at.Sk - at.Sq, at.Sk)",
                      "where(at.k <= at.q + at.Sk - at.Sq, 1, 0) == 1", "cast<i32>(at.k > at.q + at.Sk - at.Sq) != 1"),
           "window": ("!(at.k > at.q + (at.Sk - at.Sq) || at.k < at.q + (at.Sk - at.Sq) - 512)",
                      "fn gap(at) = at.q + at.Sk - at.Sq - at.k; gap(at) >= 0 && gap(at) < 513",
                      "max(at.k - (at.q + at.Sk - at.Sq), at.q + at.Sk - at.Sq - 512 - at.k) <= 0",
                      "abs(at.q + at.Sk - at.Sq - at.k) <= 512")}


def limits():
    """{name: (name of another row, {figure: how many times its number this one may have}, waits and barriers it may have more)}"""
    # On Hopper threads copy rows of pages that a box does not fit: who multiplies what they wrote has a fence for each tile.
    found = {stored(128, storage, target): ("forward bf16 D128 full " + target, MORE, 2 if (target, storage) == ("sm_90a", "paged:1") else 0)
             for target, storages in STORED.items() for storage in storages}
    for mask, others in SPELLED.items():
        for i in range(len(others)):
            found["forward bf16 D128 %s spelled %d sm_80" % (mask, i)] = ("forward bf16 D128 %s sm_80" % mask, {"sass": 1.01, "ptx": 1.01}, 0)
    for bytes_ in ("i8", "f8e4m3"):  # pages cost as much of bytes as of bf16
        for pages in (1, 16, 64):
            found[scaled_pages(bytes_, pages)] = ("forward bf16 D128 of %s sm_80" % bytes_, MORE, 0)
    found["forward bf16 D128 bias sm_80"] = ("forward bf16 D128 full sm_80", BIAS, 0)
    return found


def rows():
    """[(name, file, settings, hooks, target, in the sample[, storages])]"""
    found = [(stored(128, storage, target), FORWARD, forward(128), {}, target, True, {"K": storage, "V": storage})
             for target, storages in STORED.items() for storage in storages]
    for mask, others in SPELLED.items():
        for i, other in enumerate(others):
            found.append(("forward bf16 D128 %s spelled %d sm_80" % (mask, i), FORWARD, forward(128), {"mask": other}, "sm_80", i == 0))
    for bytes_ in ("i8", "f8e4m3"):
        for target in ("sm_80", "sm_89"):
            found.append(("forward bf16 D128 of %s %s" % (bytes_, target), FORWARD, forward(128), {}, target, target == "sm_80",
                          {"K": "scaled(dense,%s)" % bytes_, "V": "scaled(dense,%s)" % bytes_}))
        for pages in (1, 16, 64):
            found.append((scaled_pages(bytes_, pages), FORWARD, forward(128), {}, "sm_80", pages == 16,
                          {view: "scaled(paged:%d,%s)" % (pages, bytes_) for view in "KV"}))
    for target in ("sm_80", "sm_89", "sm_90", "sm_120"):
        for d in (64, 96, 128, 192, 256):
            for mask in ("full", "causal"):
                found.append(("forward bf16 D%d %s %s" % (d, mask, target), FORWARD, forward(d), {"mask": mask}, target,
                              (target, d, mask) in SAMPLE))
    for d in (64, 96, 128, 192, 256):  # by wgmma
        for mask in ("full", "causal", "window(512, 0)"):
            found.append(("forward bf16 D%d %s sm_90a" % (d, mask.split("(")[0]), FORWARD, forward(d), {"mask": mask}, "sm_90a",
                          (d, mask) in ((64, "full"), (128, "causal"))))
    for d in (64, 128, 192, 256):
        for mask in ("full", "causal"):
            found.append(("bytes f8e4m3 D%d %s sm_90a" % (d, mask), "kernels/attention_bytes.tile", dict(forward(d, "f8e4m3"), U="bf16"), {"mask": mask},
                          "sm_90a", (d, mask) == (128, "causal")))
    for bm, bn, warps, d in ((128, 128, 8, 128), (128, 192, 8, 128)):
        found.append(("forward bf16 D%d %dx%d w%d sm_90a" % (d, bm, bn, warps), FORWARD, forward(d, BM=bm, BN=bn, warps=warps, stages=2), {},
                      "sm_90a", bn == 128))
    for d, dv in ((512, 512), (576, 512)):  # warpgroups that share rows
        for mask in ("full", "causal"):
            found.append(("forward bf16 D%d Dv%d %s sm_90a" % (d, dv, mask), FORWARD, dict(forward(d), DV=dv), {"mask": mask}, "sm_90a", mask == "full"))
    found.append(("split bf16 D576 Dv512 G128 64x64 w8 sm_90a", (DECODE, "attention_split"),
                  dict(forward(576, BM=64, BN=64, warps=8, stages=1, U="f32"), DV=512, G=128), {}, "sm_90a", True))
    for kernel, depths in (("dq", (64, 96, 128, 192, 256)), ("dkdv", (64, 96, 128, 192, 256)), ("backward", (64, 96, 128, 192, 256))):
        for d in depths:
            for g, mask in ((1, "full"), (4, "causal")):
                found.append(("%s bf16 D%d G%d %s sm_90a" % (kernel, d, g, mask), (BACKWARD, "attention_" + kernel),
                              dict(forward(d), G=g), {"mask": mask}, "sm_90a", d == 128 and g == 1))
    for kernel in ("dkdv", "backward"):
        for g, mask in ((1, "full"), (4, "causal")):
            found.append(("%s bf16 D192 Dv128 G%d %s sm_90a" % (kernel, g, mask), (BACKWARD, "attention_" + kernel),
                          dict(forward(192), DV=128, G=g), {"mask": mask}, "sm_90a", kernel == "backward" and g == 1))
    found.append(("dkdv bf16 D128 64x64 w8 sm_90a", (BACKWARD, "attention_dkdv"), forward(128, BM=64, BN=64, warps=8), {}, "sm_90a", True))
    for d, bm, bn, warps in ((64, 64, 64, 4), (128, 64, 64, 8)):  # L and Delta by copies beside mma.sync
        for mask in ("full", "causal"):
            found.append(("dkdv bf16 D%d %dx%d w%d %s sm_80" % (d, bm, bn, warps, mask), (BACKWARD, "attention_dkdv"),
                          forward(d, BM=bm, BN=bn, warps=warps, stages=2), {"mask": mask}, "sm_80", d == 64 and mask == "full"))
    found.append(("matmul f16 128x128x64 w8 sm_90a", MATMUL, dict(T="f16", BM=128, BN=128, BK=64, warps=8), {}, "sm_90a", True))
    found.append(("matmul bf16 128x256x64 w8 sm_90a", "tests/benchmark/peers/matmul.tile", dict(T="bf16"), {}, "sm_90a", True))
    for target in ("sm_80", "sm_120"):
        found.append(("forward bf16 D128 window " + target, FORWARD, forward(128), {"mask": "window(512, 0)"}, target, target == "sm_80"))
        found.append(("forward bf16 D128 bias " + target, FORWARD, forward(128), {"score": "bias(table)"}, target, target == "sm_80"))
        found.append(("forward bf16 D128 softcap " + target, FORWARD, forward(128), {"score": "softcap(15.0)"}, target, target == "sm_80"))
        for d in (64, 128):
            found.append(("forward f32 D%d %s" % (d, target), FORWARD, forward(d, "f32"), {}, target, target == "sm_80" and d == 64))
            found.append(("forward f64 D%d %s" % (d, target), FORWARD, forward(d, "f64"), {}, target, False))
    for bn, warps in ((64, 4), (64, 8), (128, 8)):
        for d in (64, 128):
            found.append(("forward bf16 D%d 128x%d w%d sm_80" % (d, bn, warps), FORWARD, forward(d, BM=128, BN=bn, warps=warps, stages=2), {}, "sm_80",
                          bn == 128))
    for dtype, bm, bn, bk, warps in (("f16", 128, 128, 64, 4), ("f16", 128, 128, 64, 8), ("f16", 64, 64, 32, 4), ("f32", 64, 64, 32, 4)):
        found.append(("matmul %s %dx%dx%d w%d sm_80" % (dtype, bm, bn, bk, warps), MATMUL, dict(T=dtype, BM=bm, BN=bn, BK=bk, warps=warps), {},
                      "sm_80", bk == 64))
    for mode, products in (("tf32", 1), ("tf32x3", 3)):
        for d, bm, bn, warps in ((64, 128, 64, 4), (128, 128, 32, 8)):
            found.append(("forward %s D%d %dx%d w%d sm_80" % (mode, d, bm, bn, warps), FORWARD,
                          forward(d, "f32", tf32=products, BM=bm, BN=bn, warps=warps, stages=1), {}, "sm_80", mode == "tf32" and d == 128))
        found.append(("matmul %s 128x128x32 w8 sm_80" % mode, MATMUL, dict(T="f32", tf32=products, BM=128, BN=128, BK=32, warps=8), {}, "sm_80",
                      mode == "tf32"))
    for d in (64, 128, 192, 256):  # by wgmma, K and V rounded by the warps that copy
        for mask in ("full", "causal"):
            found.append(("forward tf32 D%d %s sm_90a" % (d, mask), FORWARD, forward(d, "f32", tf32=1), {"mask": mask}, "sm_90a", (d, mask) == (128, "causal")))
    found.append(("matmul tf32 128x128x32 w8 sm_90a", MATMUL, dict(T="f32", tf32=1, BM=128, BN=128, BK=32, warps=8), {}, "sm_90a", True))
    for bn, warps in ((48, "4 copy"), (64, "12 alone")):  # three tiles rounded by warps that copy, and by those that compute
        found.append(("rounded_rows 192x%d w12 %s sm_90a" % (bn, warps), "tests/static/rounded_rows.tile", dict(BN=bn), {}, "sm_90a", False))
    # As tuned, where a few registers more would be spilled.
    for products, d, dv, target in ((3, 32, 32, "sm_80"), (3, 192, 192, "sm_90a"), (3, 320, 320, "sm_80"), (3, 576, 512, "sm_80"), (1, 512, 512, "sm_80")):
        found.append(("forward tf32=%d D%d:%d %s" % (products, d, dv, target), FORWARD, dict(T="f32", DQK=d, DV=dv, G=1, tf32=products), {}, target,
                      d == 320))
    found.append(("split tf32=3 D256 sm_90", ("kernels/attention_decode.tile", "attention_split"),
                  dict(forward(256, "f32", tf32=3), U="f32"), {}, "sm_90", False))
    for dtype in ("f8e4m3", "i8"):
        found.append(("product %s of rows 128x128x128 w8 sm_90a" % dtype, "tests/static/products_of_rows.tile",
                      dict(T=dtype, BN=128, BK=128, warps=8), {}, "sm_90a", dtype == "f8e4m3"))
    for dtype, target, bn, bk in (("i8", "sm_80", 128, 128), ("i8", "sm_90a", 128, 128), ("f8e4m3", "sm_90a", 128, 128), ("f8e4m3", "sm_89", 128, 128), ("f8e4m3", "sm_80", 64, 64)):
        found.append(("product %s 128x%dx%d w4 %s" % (dtype, bn, bk, target), "tests/static/products_of_bytes.tile", dict(T=dtype, BN=bn, BK=bk), {},
                      target, dtype != "i8"))
    for group in (64, 128):  # 4 bits of a byte as floats: nothing is converted
        found.append(("int4 f16 G%d sm_80" % group, "kernels/lessons/int4.tile", dict(T="f16", GROUP=group), {}, "sm_80", group == 128))
    for kernel in ("wide_reduce", "wide_scan", "wide_steps"):  # spread over all warps: by each warp alone 224, 487 and 963
        found.append(("%s f32 D4096 w8 sm_80" % kernel, ("tests/static/wide_rows.tile", kernel), dict(D=4096, warps=8), {}, "sm_80", True))
    for kernel in ("plain_product", "transposed_product"):  # 64 sums a thread, nothing spilled
        for dtype, bn, bk, warps in (("f64", 32, 16, 1), ("f64", 32, 32, 1), ("f64", 64, 16, 2), ("f32", 32, 32, 1), ("f32", 64, 32, 2)):
            for target in ("sm_80", "sm_90"):
                found.append(("%s %s 64x%dx%d w%d %s" % (kernel, dtype, bn, bk, warps, target), ("tests/static/plain_products.tile", kernel),
                              dict(T=dtype, BM=64, BN=bn, BK=bk, warps=warps), {}, target, (dtype, bk, target) == ("f64", 16, "sm_80")))
    for dtype in ("f32", "f16"):
        for d in (1024, 4096):
            found.append(("softmax %s D%d sm_80" % (dtype, d), SOFTMAX, dict(T=dtype, D=d), {}, "sm_80", True))
    return found
