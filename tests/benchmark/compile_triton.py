# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One process of compile_time.py: prints the microseconds of Triton's first launch less those of its second.

Another kernel comes first: Triton's first of all in an empty folder also builds Triton's own launcher with the C compiler.
"""
import time
import torch
import triton
import triton.language as tl
import triton_attention
from cases import Attention


@triton.jit
def zero(x):
    tl.store(x, 0.0)


def launch(case, tensors, lse):
    descriptors = [triton_attention.matrix(x) for x in tensors]
    chosen = dict(zip("qkvo", descriptors), BM=128, BN=64, D=case.head_dim)
    triton_attention.set_blocks(chosen)
    begin = time.perf_counter()
    triton_attention.attention[(case.q // 128, case.batch * case.heads)](
        *descriptors, lse, case.scale, case.heads, 1, case.q, case.k, D=case.head_dim, CAUSAL=True, BM=128, BN=64, num_warps=8,
        num_stages=3)
    torch.cuda.synchronize()
    return (time.perf_counter() - begin) * 1e6


case = Attention(1, 4, 4, 256, 256, 128, mask="causal")
tensors = [torch.zeros(1, 256, 4, 128, device="cuda", dtype=torch.bfloat16) for _ in range(4)]
lse = torch.zeros(1, 4, 256, device="cuda")
zero[(1,)](lse)
torch.cuda.synchronize()
print(launch(case, tensors, lse) - launch(case, tensors, lse))
