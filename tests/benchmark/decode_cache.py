# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Decoding with a key/value cache against decoding without one, at GPT-2's shapes. Needs: torch.

One layer of attention, 12 heads of 64, with its projections. Without a cache each new token projects all tokens again
and attends from all of them; with one it projects itself and attends alone. Both give the same token's output, which
is checked. The time is that of a token with all that the host does in between: that is what one waits for.
"""
import time
import torch
import torch.nn.functional as F
import ours, spread
from cases import Attention
from context import LOST, running
from shapes import GPT2_DEPTH, GPT2_HEADS

TOKENS, ROUNDS = 32, 7
WIDTH = GPT2_HEADS * GPT2_DEPTH


class Layer:
    """Attention with random weights of a kind, by `attend(q, k, v)` over [batch, sequence, heads, head_dim], causal."""

    def __init__(self, attend, length, kind=torch.float16):
        generator = torch.Generator("cuda").manual_seed(3)
        self.attend = attend
        self.qkv = (torch.randn(3 * WIDTH, WIDTH, device="cuda", generator=generator) * WIDTH**-0.5).to(kind)
        self.out = (torch.randn(WIDTH, WIDTH, device="cuda", generator=generator) * WIDTH**-0.5).to(kind)
        self.x = torch.randn(1, length, WIDTH, device="cuda", generator=generator).to(kind)
        self.cache = torch.zeros(2, 1, length, GPT2_HEADS, GPT2_DEPTH, device="cuda", dtype=kind)

    def project(self, x):
        return F.linear(x, self.qkv).view(1, x.shape[1], 3, GPT2_HEADS, GPT2_DEPTH).unbind(2)

    def without(self, t):
        """The output of token t from all tokens up to it."""
        q, k, v = self.project(self.x[:, : t + 1])
        return F.linear(self.attend(q, k, v).reshape(1, t + 1, WIDTH), self.out)[:, -1]

    def fill(self, t):
        """The cache of the tokens before t."""
        _, k, v = self.project(self.x[:, :t])
        self.cache[0][:, :t], self.cache[1][:, :t] = k, v

    def with_cache(self, t):
        q, k, v = self.project(self.x[:, t : t + 1])
        self.cache[0][:, t], self.cache[1][:, t] = k[:, 0], v[:, 0]
        out = self.attend(q, self.cache[0][:, : t + 1], self.cache[1][:, : t + 1])
        return F.linear(out.reshape(1, 1, WIDTH), self.out)[:, -1]


def by_torch(q, k, v):
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=q.shape[2] > 1).transpose(1, 2)


def by_imbrex(context):
    launch = ours.causal_launcher(context.device)  # one kernel, any lengths

    def attend(q, k, v):
        o = torch.empty(q.shape, device="cuda", dtype=q.dtype)
        launch(q, k, v, o, GPT2_DEPTH**-0.5)
        return o

    return attend


def token_time(step, length):
    """Microseconds a token, the host's work within."""
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for t in range(length - TOKENS, length):
        step(t)
    torch.cuda.synchronize()
    return (time.perf_counter() - begin) / TOKENS * 1e6


def measure_length(length, context):
    case = Attention(1, GPT2_HEADS, GPT2_HEADS, length, length, GPT2_DEPTH, type="f16", mask="causal")
    steps, lines, lost = {}, {}, context.records.lost(case.fields("decode_cache"))
    for name, attend in (("imbrex", by_imbrex(context)), ("torch", by_torch)):
        if name in lost:
            lines[name, None] = {"implementation": name, "checked": False, "failure": LOST}
            continue
        with running(name):
            layer = Layer(attend, length)
            layer.fill(length - TOKENS)
            error = max((layer.with_cache(t) - layer.without(t)).abs().max().item() for t in range(length - TOKENS, length))
        for variant, step in (("cache", layer.with_cache), ("no_cache", layer.without)):
            line = lines[name, variant] = {"implementation": name, "variant": variant, "error": error, "tolerance": 4e-3,
                                           "checked": error <= 4e-3}
            if line["checked"]:
                steps[name, variant] = step
            else:
                line["failure"] = "wrong result: with the cache and without it differ by %.3g" % error
    times = {key: [] for key in steps}
    context.progress.measuring()
    for _ in range(ROUNDS):
        for key, step in steps.items():
            with running(key[0]):
                times[key].append(token_time(step, length))
    numbers = {key: spread.Numbers(rounds, 0) for key, rounds in times.items()}
    for key, measured in numbers.items():
        lines[key].update(measured.line(), note="a token, with the host's work")
        if key[0] == "imbrex" and ("torch", key[1]) in numbers:
            lines[key]["ratios"] = {"torch": spread.ratio(numbers["torch", key[1]], measured)}
    if ("imbrex", "cache") in numbers and ("imbrex", "no_cache") in numbers:
        gain = spread.ratio(numbers["imbrex", "no_cache"], numbers["imbrex", "cache"])["median"]
        context.progress.say("GPT-2 decode at length %d: without the cache %.1f times the time with it" % (length, gain))
    context.records.write(case.fields("decode_cache"), lines.values())


def measure_group(context):
    for length in (2048, 1024):
        case = Attention(1, GPT2_HEADS, GPT2_HEADS, length, length, GPT2_DEPTH, type="f16", mask="causal")
        context.run_once(case.fields("decode_cache"), "decode with a cache, length %d" % length,
                         lambda: measure_length(length, context))
