# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Flash attention as Triton's tutorial writes it: tensor descriptors, one tile of queries an instance, autotuned.

Needs: triton, torch. For f16 and bf16, no window, equal lengths where causal, lengths that are multiples of the tiles.
Arrays are [batch, sequence, heads, head_dim], dense: to a descriptor a matrix [batch * sequence, heads * head_dim].
"""
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor

LENGTHS_DIVIDE = 128  # the largest tile


def set_blocks(values):
    """Descriptors carry the tile's shape, which the tuner chooses."""
    for name in ("q", "o"):
        values[name].block_shape = [values["BM"], values["D"]]
    for name in ("k", "v"):
        values[name].block_shape = [values["BN"], values["D"]]


CONFIGS = [triton.Config({"BM": bm, "BN": bn}, num_warps=warps, num_stages=stages, pre_hook=set_blocks)
           for bm, bn, warps, stages in ((128, 128, 8, 2), (128, 64, 8, 3), (128, 64, 4, 3), (64, 64, 4, 3), (128, 128, 8, 3),
                                         (128, 32, 8, 3))]


@triton.jit
def inner(acc, l, m, q, k, v, row, column, begin, end, scale, i, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
          MASKED: tl.constexpr):
    """The columns [begin, end) of the keys; `scale` holds log2 e."""
    for j in tl.range(begin, end, BN):
        s = tl.dot(q, k.load([row + j, column]).T)
        if MASKED:
            sees = (i * BM + tl.arange(0, BM))[:, None] >= (j + tl.arange(0, BN))[None, :]
            s = s * scale + tl.where(sees, 0, -1.0e6)
            most = tl.maximum(m, tl.max(s, 1))
            s -= most[:, None]
        else:
            most = tl.maximum(m, tl.max(s, 1) * scale)
            s = s * scale - most[:, None]
        p = tl.math.exp2(s)
        turn = tl.math.exp2(m - most)
        l = l * turn + tl.sum(p, 1)
        acc = acc * turn[:, None]
        acc = tl.dot(p.to(q.dtype), v.load([row + j, column]), acc)
        m = most
    return acc, l, m


@triton.jit
def attention(q, k, v, o, lse, scale, heads, group, queries, keys, D: tl.constexpr, CAUSAL: tl.constexpr, BM: tl.constexpr,
              BN: tl.constexpr):
    i, bh = tl.program_id(0), tl.program_id(1)
    b, h = bh // heads, bh % heads
    here = q.load([b * queries + i * BM, h * D])
    m = tl.full([BM], float("-inf"), tl.float32)
    l = tl.full([BM], 0.0, tl.float32)
    acc = tl.zeros([BM, D], tl.float32)
    row, column = b * keys, h // group * D
    if CAUSAL:
        acc, l, m = inner(acc, l, m, here, k, v, row, column, 0, i * BM, scale, i, D, BM, BN, False)
        acc, l, m = inner(acc, l, m, here, k, v, row, column, i * BM, (i + 1) * BM, scale, i, D, BM, BN, True)
    else:
        acc, l, m = inner(acc, l, m, here, k, v, row, column, 0, keys, scale, i, D, BM, BN, False)
    rows = tl.arange(0, BM)
    tl.store(lse + bh * queries + i * BM + rows, (m + tl.math.log2(l)) * 0.6931471805599453)
    o.store([b * queries + i * BM, h * D], (acc / l[:, None]).to(q.dtype))


tuned = triton.autotune(configs=CONFIGS, key=["D", "CAUSAL"])(attention)


def matrix(tensor):
    batch, length, heads, depth = tensor.shape
    return TensorDescriptor(tensor, shape=[batch * length, heads * depth], strides=[heads * depth, 1], block_shape=[1, depth])


def bind(case, q, k, v, o, lse):
    """A call that fills o and lse. Raises for what the kernel does not do."""
    arguments = [matrix(x) for x in (q, k, v, o)]
    arguments += [lse, case.scale * 1.4426950408889634, case.heads, case.heads // case.kv_heads, case.q, case.k]

    def call():
        tuned[lambda chosen: (triton.cdiv(case.q, chosen["BM"]), case.batch * case.heads, 1)](
            *arguments, D=case.head_dim, CAUSAL=case.mask == "causal")
        return o

    return call


def refusal(case):
    if case.type not in ("f16", "bf16") or case.softcap or case.values != case.head_dim:
        return "the tutorial's kernel takes f16 and bf16, one head_dim, no softcap"
    if case.head_dim not in (64, 128, 256):
        return "the tutorial's kernel takes head_dim 64, 128, 256"
    if case.mask not in ("full", "causal") or (case.mask == "causal" and case.q != case.k):
        return "the tutorial's kernel takes no window, and causal only with equal lengths"
    if case.q % LENGTHS_DIVIDE or case.k % LENGTHS_DIVIDE:
        return "the tutorial's kernel takes lengths that are multiples of %d" % LENGTHS_DIVIDE
    return ""
