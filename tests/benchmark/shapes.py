# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What bench.py measures: groups of shapes, the most important first, and what is left out, by name.

The forward shapes hold 16 k tokens and a model width of 2048, as attention papers compare: length S has batch 16 k / S
and 2048 / D heads.
"""
from cases import Attention

TOKENS, WIDTH = 16 * 1024, 2048


def forward(length, depth, mask="full", type="bf16", **more):
    heads = WIDTH // depth if depth != 192 else 16
    return Attention(max(1, TOKENS // length), heads, heads, length, length, depth, type=type, mask=mask, **more)


def sweep(depth, lengths=(4096, 8192, 2048, 16384, 32768), **more):
    return [forward(length, depth, mask, **more) for length in lengths for mask in ("causal", "full")]


def decode(batch, keys, heads=64, kv_heads=8, queries=1):
    return Attention(batch, heads, kv_heads, queries, keys, 128)


ATTENTION = {
    "d128": sweep(128),
    "d64": sweep(64, (4096, 8192, 2048, 16384)),
    "d256": sweep(256, (4096, 8192, 2048)),
    "variants": [
        forward(8192, 64, "window:128:0"),
        Attention(2, 32, 8, 8192, 8192, 128, mask="causal"),
        Attention(2, 32, 4, 8192, 8192, 128, mask="causal"),
        forward(4096, 128, "causal", type="f16"),
        forward(4096, 128, "full", type="f16"),
        forward(8192, 192, "causal", value_dim=128),
        forward(8192, 192, "full", value_dim=128),
        forward(4096, 128, "causal", softcap=50),
        forward(4096, 128, "window:512:512"),
        Attention(1, 8, 8, 256, 32768, 128),
    ],
    # One query a sequence through the ordinary forward kernel: its keys are not split over CTAs.
    "decode": [decode(128, 8192), decode(1, 2048), decode(16, 8192), decode(128, 8192, queries=8)],
}

# In the order of their worth: what is first is measured if time is short.
GROUPS = ["d128", "launch", "compile", "standard", "decode_cache", "d64", "variants", "d256", "decode", "lessons"]

LEFT_OUT = {
    "backward": "the tree has no backward kernel",
    "decode with split keys": "no kernel splits the keys",
    "paged cache": "no kernel reads block tables",
    "8-bit types": "no kernel takes them",
    "varlen": "no kernel reads cu_seqlens",
    "dropout, ALiBi, bias, sinks": "hooks take constants, not views",
}

# GPT-2's attention: 12 heads of 64; the length that is compared first is its 2048.
GPT2_HEADS, GPT2_DEPTH = 12, 64
STANDARD = [Attention(batch, GPT2_HEADS, GPT2_HEADS, length, length, GPT2_DEPTH, mask=mask, type=type)
            for batch, length, mask, type in ((1, 2048, "causal", "f16"), (1, 2048, "full", "f16"), (8, 2048, "causal", "f16"),
                                              (1, 1024, "causal", "f16"), (1, 4096, "causal", "f16"), (1, 8192, "causal", "f16"),
                                              (8, 2048, "causal", "bf16"))]
