# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The rows of the comparison: the same tiles, warps and stages on both sides."""
import dataclasses
import os

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


@dataclasses.dataclass
class Case:
    group: str  # forward, decode, backward, matmul, softmax, norm
    name: str
    file: str
    settings: dict  # of imbrex build --set
    triton: tuple  # (kernel of triton_kernels.py, its constants, element type, warps, stages)
    hooks: dict = dataclasses.field(default_factory=dict)
    kernel: str = ""  # of the file, where it has several
    per: str = "loop"  # what is compared: the hot loop, or the whole kernel


def mode_of(mode):
    """The setting of a kernel whose products of f32 have this mode."""
    return {"tf32": 1} if mode == "tf32" else {}


def forward(d, bn, warps, mask, stages=2, bm=128, mode=""):
    dtype = "f32" if mode else "bf16"
    settings = dict(T=dtype, DQK=d, DV=d, G=1, BM=bm, BN=bn, warps=warps, stages=stages, **mode_of(mode))
    triton = ("attention", dict(D=d, BM=bm, BN=bn, CAUSAL=mask == "causal"), dtype, warps, stages)
    name = ("%s " % mode if mode else "") + "D%d %dx%d w%d %s" % (d, bm, bn, warps, mask)
    return Case(mode or "forward", name, "kernels/attention_forward.tile", settings, triton, {} if mask == "full" else {"mask": mask})


def decode(d, bm, bn, warps, stages=2):
    """Keys of one part, rows of a group of 8 heads."""
    settings = dict(T="bf16", U="f32", DQK=d, DV=d, G=8, BM=bm, BN=bn, warps=warps, stages=stages)
    return Case("decode", "split D%d %dx%d w%d" % (d, bm, bn, warps), "kernels/attention_decode.tile", settings,
                ("split", dict(D=d, BM=bm, BN=bn), "bf16", warps, stages), kernel="attention_split")


def backward(part, d, bm, bn, warps, mask, stages=2):
    """`part` is dq or dkdv. Of ours as of Triton's a loop with a mask for the tiles on the diagonal, and one without."""
    settings = dict(T="bf16", DQK=d, DV=d, G=1, BM=bm, BN=bn, warps=warps, stages=stages)
    peer = {"dq": "queries_gradient", "dkdv": "keys_gradient"}[part]
    triton = (peer, dict(D=d, BM=bm, BN=bn, CAUSAL=mask == "causal"), "bf16", warps, stages)
    return Case("backward", "%s D%d %dx%d w%d s%d %s" % (part, d, bm, bn, warps, stages, mask), "kernels/attention_backward.tile", settings, triton,
                {} if mask == "full" else {"mask": mask}, kernel="attention_" + part)


def matmul(dtype, bm, bn, bk, warps, stages, mode=""):
    settings = dict(T=dtype, BM=bm, BN=bn, BK=bk, warps=warps, stages=stages, **mode_of(mode))
    triton = ("matmul", dict(BM=bm, BN=bn, BK=bk, MODE=mode or "ieee"), dtype, warps, stages)
    return Case(mode or ("f32" if dtype == "f32" else "matmul"), "%s %dx%dx%d w%d s%d" % (mode or dtype, bm, bn, bk, warps, stages),
                "kernels/lessons/matmul.tile", settings, triton)


def rows(kernel, group, file, dtype, d, warps):
    settings = dict(T=dtype, D=d, warps=warps, ROWS=1)
    return Case(group, "%s D%d w%d" % (dtype, d, warps), file, settings, (kernel, dict(D=d), dtype, warps, 1), per="kernel")


CASES = [forward(d, bn, warps, mask) for d, bn, warps in ((64, 64, 8), (64, 64, 4), (64, 128, 8), (128, 64, 8), (128, 128, 8), (256, 32, 8))
         for mask in ("full", "causal")]
CASES += [decode(d, bm, 64, warps) for d in (64, 128) for bm, warps in ((16, 2), (32, 2), (64, 4))]
CASES += [backward(part, d, bm, bn, warps, mask) for part, d, bm, bn, warps in
          (("dkdv", 64, 32, 128, 4), ("dq", 64, 128, 32, 4), ("dkdv", 64, 64, 64, 4), ("dq", 64, 64, 64, 4), ("dkdv", 128, 64, 64, 8),
           ("dkdv", 128, 32, 128, 8), ("dq", 128, 64, 64, 4), ("dq", 128, 128, 64, 8)) for mask in ("full", "causal")]
CASES += [matmul("f16", 128, 128, 64, 4, 3), matmul("f16", 128, 128, 64, 8, 3), matmul("f16", 64, 64, 32, 4, 3),
          matmul("f32", 64, 64, 32, 4, 3)]
CASES += [matmul("f32", 64, 64, 32, 4, 3, "tf32"), matmul("f32", 128, 128, 32, 8, 3, "tf32"), forward(64, 64, 4, "full", 1, mode="tf32"),
          forward(128, 32, 8, "full", 1, mode="tf32")]
CASES += [rows("softmax", "softmax", "kernels/lessons/softmax.tile", dtype, d, warps)
          for dtype in ("f32", "f16") for d, warps in ((1024, 4), (4096, 8))]
CASES += [rows("layer_norm", "norm", os.path.relpath(os.path.join(HERE, "layer_norm.tile"), ROOT), dtype, 1024, 4)
          for dtype in ("f32", "f16")]
