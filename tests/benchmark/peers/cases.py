# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The rows of the comparison: the same tiles, warps and stages on both sides."""
import dataclasses
import os

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


@dataclasses.dataclass
class Case:
    group: str  # forward, matmul, softmax, norm
    name: str
    file: str
    settings: dict  # of imbrex build --set
    triton: tuple  # (kernel of triton_kernels.py, its constants, element type, warps, stages)
    hooks: dict = dataclasses.field(default_factory=dict)
    mode: str = ""  # of dot: "tf32"
    per: str = "loop"  # what is compared: the hot loop, or the whole kernel


def forward(d, bn, warps, mask, stages=2, bm=128, mode=""):
    dtype = "f32" if mode else "bf16"
    settings = dict(T=dtype, DQK=d, DV=d, G=1, BM=bm, BN=bn, warps=warps, stages=stages)
    triton = ("attention", dict(D=d, BM=bm, BN=bn, CAUSAL=mask == "causal"), dtype, warps, stages)
    name = ("%s " % mode if mode else "") + "D%d %dx%d w%d %s" % (d, bm, bn, warps, mask)
    return Case(mode or "forward", name, "kernels/attention_forward.tile", settings, triton, {} if mask == "full" else {"mask": mask}, mode)


def matmul(dtype, bm, bn, bk, warps, stages, mode=""):
    settings = dict(T=dtype, BM=bm, BN=bn, BK=bk, warps=warps, stages=stages)
    triton = ("matmul", dict(BM=bm, BN=bn, BK=bk, MODE=mode or "ieee"), dtype, warps, stages)
    return Case(mode or ("f32" if dtype == "f32" else "matmul"), "%s %dx%dx%d w%d s%d" % (mode or dtype, bm, bn, bk, warps, stages),
                "kernels/lessons/matmul.tile", settings, triton, mode=mode)


def rows(kernel, group, file, dtype, d, warps):
    settings = dict(T=dtype, D=d, warps=warps, ROWS=1)
    return Case(group, "%s D%d w%d" % (dtype, d, warps), file, settings, (kernel, dict(D=d), dtype, warps, 1), per="kernel")


CASES = [forward(d, bn, warps, mask) for d, bn, warps in ((64, 64, 8), (64, 64, 4), (64, 128, 8), (128, 64, 8), (128, 128, 8), (256, 32, 8))
         for mask in ("full", "causal")]
CASES += [matmul("f16", 128, 128, 64, 4, 3), matmul("f16", 128, 128, 64, 8, 3), matmul("f16", 64, 64, 32, 4, 3),
          matmul("f32", 64, 64, 32, 4, 3)]
CASES += [matmul("f32", 64, 64, 32, 4, 3, "tf32"), matmul("f32", 128, 128, 32, 8, 3, "tf32"), forward(64, 64, 4, "full", 1, mode="tf32"),
          forward(128, 32, 8, "full", 1, mode="tf32")]
CASES += [rows("softmax", "softmax", "kernels/lessons/softmax.tile", dtype, d, warps)
          for dtype in ("f32", "f16") for d, warps in ((1024, 4), (4096, 8))]
CASES += [rows("layer_norm", "norm", os.path.relpath(os.path.join(HERE, "layer_norm.tile"), ROOT), dtype, 1024, 4)
          for dtype in ("f32", "f16")]
