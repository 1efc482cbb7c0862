# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One case of the grid on a GPU, judged by rule.py on all of its rows. Needs: torch.

Outputs and padding start as NaN. Keys and values that no query sees are NaN. Every case runs twice, to the same bits.
"""
import torch
import ours
from attention import Set
from grid_ahead import FAR, PAD
from rule import TYPES, Judge

NAN = float("nan")


def empty(extents, kind, place):
    """(a tensor of those extents with NaN in it, the memory it lies in)."""
    batch, length, heads, depth = extents
    if place == "heads_first":
        memory = torch.full((batch, heads, length, depth), NAN, device="cuda", dtype=kind)
        return memory.transpose(1, 2), memory
    if place == "padded":
        memory = torch.full((batch, length + 2, heads, depth + PAD), NAN, device="cuda", dtype=kind)
        return memory[:, :length, :, :depth], memory
    if place == "far":
        memory = torch.empty((batch - 1) * FAR + length * heads * depth, device="cuda", dtype=kind)
        tensor = memory.as_strided(extents, (FAR, heads * depth, depth, 1))
        return tensor.fill_(NAN), memory
    memory = torch.full(extents, NAN, device="cuda", dtype=kind)
    return memory, memory


def make_extreme(case, q, k):
    """Every logit near case.extreme, some units apart."""
    q.zero_(), k.zero_()
    q[..., 0], q[..., 1] = case.extreme / 128 / case.attention.scale, 1 / case.attention.scale
    k[..., 0] = 128
    k[..., 1] = ((torch.arange(k.shape[1], device="cuda") * 7) % 11).to(k.dtype)[None, :, None]


def make(case):
    """(the buffers, the memory behind the output, the judge of the result)."""
    c, kind = case.attention, TYPES[case.attention.type]
    generator = torch.Generator("cuda").manual_seed(case.seed)
    tensors = []
    for length, heads, depth in ((c.q, c.heads, c.head_dim), (c.k, c.kv_heads, c.head_dim), (c.k, c.kv_heads, c.values)):
        tensor, _ = empty((c.batch, length, heads, depth), kind, case.place)
        tensor.copy_(torch.randn(tensor.shape, device="cuda", generator=generator))
        tensors.append(tensor)
    q, k, v = tensors
    if case.extreme:
        make_extreme(case, q, k)
    judge = Judge(c, q, k, v, extreme=bool(case.extreme), whole=True)
    hidden = torch.ones(c.k, dtype=torch.bool)
    for first, last in set(map(c.columns, range(c.q))):
        hidden[first:last] = False
    k[:, hidden.cuda()] = NAN
    v[:, hidden.cuda()] = NAN
    o, memory = empty((c.batch, c.q, c.heads, c.values), kind, case.place)
    return Set(q, k, v, o, torch.full((c.batch, c.heads, c.q), NAN, device="cuda")), memory, judge


def padding_is_touched(case, memory):
    if case.place != "padded":
        return False
    c = case.attention
    rows, columns = memory[:, c.q :], memory[..., c.values :]
    return not (bool(rows.isnan().all()) and bool(columns.isnan().all()))


def check(case, device):
    """"" or what is wrong, in a line."""
    buffers, memory, judge = make(case)
    run = ours.kernel_of(device, case.attention).bind(ours.arguments(case.attention, buffers), ours.here(device))
    run()
    first, first_lse = buffers.o.clone(), buffers.lse.clone()
    wrong = judge.judge(first, first_lse)
    if wrong:
        return wrong
    run()
    if not torch.equal(first, buffers.o) or not torch.equal(first_lse, buffers.lse):
        return "a second run gave other bits"
    return "bytes between the output's rows were written" if padding_is_touched(case, memory) else ""
