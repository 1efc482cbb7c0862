# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels of the grid's coming cases, compiled by other threads: that needs shapes and alignment, not tensors.

Python's standard library only.
"""
import collections, concurrent.futures
import imbrex
from device import no_memory

AHEAD, PAD = 96, 8  # cases; elements between rows of a padded tensor
FAR = 2**31 + 4096  # elements between batches: the second one's offset is past 32 bits


def strides_of(extents, place):
    batch, length, heads, depth = extents
    if place == "heads_first":
        return [heads * length * depth, depth, length * depth, 1]
    if place == "padded":
        return [(length + 2) * heads * (depth + PAD), heads * (depth + PAD), depth + PAD, 1]
    row = heads * depth
    return [FAR if place == "far" else length * row, row, depth, 1]


def compile_ahead(case, device):
    """Compiles what grid_gpu.check will launch."""
    c, addresses = case.attention, no_memory()

    def view(*extents):
        return imbrex.View(next(addresses), c.type, extents, strides_of(extents, case.place))

    kernel = device.kernel("attention_forward.tile").set("T", c.type)
    for name, function in c.hooks().items():
        kernel.hook(name, function)
    kernel.prepare({"Q": view(c.batch, c.q, c.heads, c.head_dim), "K": view(c.batch, c.k, c.kv_heads, c.head_dim),
                    "V": view(c.batch, c.k, c.kv_heads, c.values), "O": view(c.batch, c.q, c.heads, c.values),
                    "L": imbrex.View(next(addresses), "f32", [c.batch, c.heads, c.q]), "scale": c.scale})


def ready(cases, device, threads):
    """The cases in order, each when its kernel is compiled (or could not be: the launch then tells why)."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        waiting, source = collections.deque(), iter(cases)
        try:
            while True:
                for case in source:
                    waiting.append((case, pool.submit(compile_ahead, case, device)))
                    if len(waiting) >= AHEAD:
                        break
                if not waiting:
                    return
                case, future = waiting.popleft()
                future.exception()
                yield case
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
