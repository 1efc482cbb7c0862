# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels in Triton's language, in the style of its tutorials, and how each is compiled without a GPU.

`compile(name, constants, dtype, warps, stages, target)` gives (seconds, asm): asm["ptx"] text, asm["cubin"] bytes.
"""
import os
import tempfile
import time

os.environ.setdefault("TRITON_CACHE_DIR", tempfile.mkdtemp())
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource


@triton.jit
def attend(acc, l, m, q, K, V, stride, rows, scale, begin, end, D: tl.constexpr, BN: tl.constexpr, MASKED: tl.constexpr):
    columns, features = tl.arange(0, BN), tl.arange(0, D)
    for j in tl.range(begin, end, BN):
        j = tl.multiple_of(j, BN)
        k = tl.load(K + (j + columns)[None, :] * stride + features[:, None])
        v = tl.load(V + (j + columns)[:, None] * stride + features[None, :])
        s = tl.dot(q, k)
        if MASKED:
            s = s * scale + tl.where(rows[:, None] >= (j + columns)[None, :], 0, -1.0e6)
            most = tl.maximum(m, tl.max(s, 1))
            s -= most[:, None]
        else:
            most = tl.maximum(m, tl.max(s, 1) * scale)
            s = s * scale - most[:, None]
        p = tl.math.exp2(s)
        turn = tl.math.exp2(m - most)
        acc = tl.dot(p.to(v.dtype), v, acc * turn[:, None])
        l = l * turn + tl.sum(p, 1)
        m = most
    return acc, l, m


@triton.jit
def attention(scale, Q, K, V, O, L, stride, N, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, CAUSAL: tl.constexpr):
    i, base = tl.program_id(0), tl.program_id(1).to(tl.int64) * N * stride
    rows, features = i * BM + tl.arange(0, BM), tl.arange(0, D)
    m = tl.full([BM], float("-inf"), tl.float32)
    l = tl.zeros([BM], tl.float32)
    acc = tl.zeros([BM, D], tl.float32)
    here = rows[:, None] * stride + features[None, :]
    q = tl.load(Q + base + here)
    units = scale * 1.44269504
    full = i * BM if CAUSAL else N
    acc, l, m = attend(acc, l, m, q, K + base, V + base, stride, rows, units, 0, full, D, BN, False)
    if CAUSAL:
        acc, l, m = attend(acc, l, m, q, K + base, V + base, stride, rows, units, i * BM, (i + 1) * BM, D, BN, True)
    tl.store(L + tl.program_id(1) * N + rows, m + tl.math.log2(l))
    tl.store(O + base + here, (acc / l[:, None]).to(O.dtype.element_ty))


@triton.jit
def split(scale, Q, K, V, O, L, stride, N, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    """A tile of a group's heads over the keys of one of the parts, N each."""
    part, base = tl.program_id(0), tl.program_id(1).to(tl.int64)
    rows, features = tl.arange(0, BM), tl.arange(0, D)
    m = tl.zeros([BM], tl.float32) - float("inf")
    l = tl.zeros([BM], tl.float32)
    acc = tl.zeros([BM, D], tl.float32)
    q = tl.load(Q + base * BM * D + rows[:, None] * D + features[None, :])
    K += base * tl.num_programs(0) * N * stride
    V += base * tl.num_programs(0) * N * stride
    acc, l, m = attend(acc, l, m, q, K, V, stride, rows, scale * 1.44269504, part * N, (part + 1) * N, D, BN, False)
    line = (base * tl.num_programs(0) + part) * BM
    tl.store(L + line + rows, m + tl.math.log2(l))
    tl.store(O + line * D + rows[:, None] * D + features[None, :], (acc / l[:, None]).to(O.dtype.element_ty))


@triton.jit
def keys_gradient(scale, Q, K, V, dO, L, Delta, dK, dV, stride, N, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, CAUSAL: tl.constexpr):
    j, base, line = tl.program_id(0), tl.program_id(1).to(tl.int64) * N * stride, tl.program_id(1).to(tl.int64) * N
    columns, features, inner = j * BN + tl.arange(0, BN), tl.arange(0, D), tl.arange(0, BM)
    here = columns[:, None] * stride + features[None, :]
    k, v = tl.load(K + base + here), tl.load(V + base + here)
    units = scale * 1.44269504
    dk = tl.zeros([BN, D], tl.float32)
    dv = tl.zeros([BN, D], tl.float32)
    begin = 0
    if CAUSAL:
        dk, dv = keys_steps(dk, dv, k, v, Q + base, dO + base, L + line, Delta + line, columns, units, stride, j * BN, (j + 1) * BN, D, BM, True)
        begin = (j + 1) * BN
    dk, dv = keys_steps(dk, dv, k, v, Q + base, dO + base, L + line, Delta + line, columns, units, stride, begin, N, D, BM, False)
    tl.store(dK + base + here, (dk * scale).to(dK.dtype.element_ty))
    tl.store(dV + base + here, dv.to(dV.dtype.element_ty))


@triton.jit
def keys_steps(dk, dv, k, v, Q, dO, L, Delta, columns, units, stride, begin, end, D: tl.constexpr, BM: tl.constexpr, MASKED: tl.constexpr):
    features, inner = tl.arange(0, D), tl.arange(0, BM)
    for i in tl.range(begin, end, BM):
        i = tl.multiple_of(i, BM)
        q = tl.load(Q + (i + inner)[None, :] * stride + features[:, None])
        p = tl.math.exp2(tl.dot(k, q) * units - tl.load(L + i + inner)[None, :])
        if MASKED:
            p = tl.where((i + inner)[None, :] >= columns[:, None], p, 0.0)
        do = tl.load(dO + (i + inner)[:, None] * stride + features[None, :])
        dv += tl.dot(p.to(do.dtype), do)
        delta = tl.load(Delta + i + inner)
        dp = tl.dot(v, tl.trans(do))
        dk += tl.dot((p * (dp - delta[None, :])).to(do.dtype), tl.trans(q))
    return dk, dv


@triton.jit
def queries_gradient(scale, Q, K, V, dO, L, Delta, dQ, stride, N, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, CAUSAL: tl.constexpr):
    i, base, line = tl.program_id(0), tl.program_id(1).to(tl.int64) * N * stride, tl.program_id(1).to(tl.int64) * N
    rows, features = i * BM + tl.arange(0, BM), tl.arange(0, D)
    here = rows[:, None] * stride + features[None, :]
    q, do = tl.load(Q + base + here), tl.load(dO + base + here)
    l, delta = tl.load(L + line + rows)[:, None], tl.load(Delta + line + rows)[:, None]
    units = scale * 1.44269504
    dq = tl.zeros([BM, D], tl.float32)
    full = i * BM if CAUSAL else N
    dq = queries_steps(dq, q, do, l, delta, K + base, V + base, rows, units, stride, 0, full, D, BN, False)
    if CAUSAL:
        dq = queries_steps(dq, q, do, l, delta, K + base, V + base, rows, units, stride, i * BM, (i + 1) * BM, D, BN, True)
    tl.store(dQ + base + here, (dq * scale).to(dQ.dtype.element_ty))


@triton.jit
def queries_steps(dq, q, do, l, delta, K, V, rows, units, stride, begin, end, D: tl.constexpr, BN: tl.constexpr, MASKED: tl.constexpr):
    features, inner = tl.arange(0, D), tl.arange(0, BN)
    for j in tl.range(begin, end, BN):
        j = tl.multiple_of(j, BN)
        there = (j + inner)[None, :] * stride + features[:, None]
        k, v = tl.load(K + there), tl.load(V + there)
        p = tl.math.exp2(tl.dot(q, k) * units - l)
        if MASKED:
            p = tl.where(rows[:, None] >= (j + inner)[None, :], p, 0.0)
        dq += tl.dot((p * (tl.dot(do, v) - delta)).to(k.dtype), tl.trans(k))
    return dq


@triton.jit
def matmul(A, B, C, M, N, K, stride_a, stride_b, stride_c, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
           MODE: tl.constexpr):
    i, j = tl.program_id(0), tl.program_id(1)
    rows, columns, inner = i * BM + tl.arange(0, BM), j * BN + tl.arange(0, BN), tl.arange(0, BK)
    a = A + (rows % M)[:, None] * stride_a + inner[None, :]
    b = B + inner[:, None] * stride_b + (columns % N)[None, :]
    acc = tl.zeros([BM, BN], tl.float32)
    for k in range(0, K, BK):
        x = tl.load(a, mask=inner[None, :] < K - k, other=0.0)
        y = tl.load(b, mask=inner[:, None] < K - k, other=0.0)
        acc = tl.dot(x, y, acc, input_precision=MODE)
        a += BK
        b += BK * stride_b
    inside = (rows < M)[:, None] & (columns < N)[None, :]
    tl.store(C + rows[:, None] * stride_c + columns[None, :], acc.to(C.dtype.element_ty), mask=inside)


@triton.jit
def softmax(X, Y, stride, n, D: tl.constexpr):
    columns = tl.arange(0, D)
    x = tl.load(X + tl.program_id(0) * stride + columns, mask=columns < n, other=-float("inf")).to(tl.float32)
    e = tl.exp(x - tl.max(x, 0))
    tl.store(Y + tl.program_id(0) * stride + columns, (e / tl.sum(e, 0)).to(Y.dtype.element_ty), mask=columns < n)


@triton.jit
def layer_norm(X, W, Z, Y, stride, n, eps, D: tl.constexpr):
    columns = tl.arange(0, D)
    inside = columns < n
    x = tl.load(X + tl.program_id(0) * stride + columns, mask=inside, other=0.0).to(tl.float32)
    centred = tl.where(inside, x - tl.sum(x, 0) / n, 0.0)
    scale = tl.rsqrt(tl.sum(centred * centred, 0) / n + eps)
    w = tl.load(W + columns, mask=inside, other=0.0).to(tl.float32)
    z = tl.load(Z + columns, mask=inside, other=0.0).to(tl.float32)
    tl.store(Y + tl.program_id(0) * stride + columns, (centred * scale * w + z).to(Y.dtype.element_ty), mask=inside)


SCALARS = {"scale": "fp32", "eps": "fp32"}
TYPES = {"f16": "fp16", "bf16": "bf16", "f32": "fp32"}


def compile(name, constants, dtype, warps, stages, target):
    function = globals()[name]
    signature, aligned = {}, []
    for argument in function.arg_names:
        if argument in constants:
            signature[argument] = "constexpr"
        elif argument in SCALARS:
            signature[argument] = SCALARS[argument]
        elif (argument[0].isupper() and argument not in ("M", "N", "K") or argument[0] == "d" or
              argument == "K" and name != "matmul"):
            signature[argument] = "*fp32" if argument in ("L", "Delta") else "*" + TYPES[dtype]
            aligned.append(argument)
        else:
            signature[argument] = "i32"
            aligned.append(argument)
    at = {argument: (position,) for position, argument in enumerate(function.arg_names)}
    # Extents, strides and addresses are told to be multiples of 16, the best case.
    source = ASTSource(fn=function, signature=signature, constexprs={at[each]: value for each, value in constants.items()},
                       attrs={at[each]: [["tt.divisibility", 16]] for each in aligned})
    begin = time.perf_counter()
    kernel = triton.compile(source, target=GPUTarget("cuda", int(target[3:].rstrip("a")), 32),
                            options=dict(num_warps=warps, num_stages=stages))
    return time.perf_counter() - begin, kernel.asm
