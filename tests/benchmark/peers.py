# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The other implementations of attention, each behind one function. Needs: torch; FlexAttention and Triton where they are.

A peer is made once for a case and a set of tensors (rule: `bind(case, set) -> call`), and the call returns the output
as [batch, sequence, heads, head_dim], a view where the peer wants another order. What a peer cannot do it refuses:
bind raises Refused with the reason.
"""
import functools
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from rule import visible


class Refused(Exception):
    """What an implementation does not do, by name."""


def heads_first(set):
    return [x.transpose(1, 2) for x in (set.q, set.k, set.v)]


def bind_sdpa(backend, case, set):
    """PyTorch's scaled_dot_product_attention held to one of its backends."""
    if case.softcap or case.mask.startswith("window"):
        raise Refused("scaled_dot_product_attention has no window and no softcap")
    if case.mask == "causal" and case.q != case.k:
        raise Refused("scaled_dot_product_attention's causal mask aligns the first rows")
    q, k, v = heads_first(set)

    def call():
        with sdpa_kernel(backend):
            return F.scaled_dot_product_attention(q, k, v, is_causal=case.mask == "causal", scale=case.scale,
                                                  enable_gqa=case.heads != case.kv_heads).transpose(1, 2)

    return call


@functools.cache
def compiled_flex():
    from torch.nn.attention import flex_attention

    torch._dynamo.config.recompile_limit = 1000
    return torch.compile(flex_attention.flex_attention, dynamic=False)


@functools.lru_cache(maxsize=1)  # the sets of a case share it, the next case makes its own
def flex_options(case):
    """(score_mod, block_mask) of FlexAttention for the case."""
    from torch.nn.attention import flex_attention

    left, right = case.window()
    off = case.k - case.q
    block_mask = score_mod = None
    if case.softcap:
        cap = float(case.softcap)
        score_mod = lambda score, b, h, i, j: cap * torch.tanh(score / cap)
    if (left, right) != (-1, -1):
        low, high = (left if left >= 0 else case.q + case.k), (right if right >= 0 else case.q + case.k)
        sees = lambda b, h, i, j: (j >= i + off - low) & (j <= i + off + high)
        block_mask = flex_attention.create_block_mask(sees, None, None, case.q, case.k, device="cuda")
    return score_mod, block_mask


def bind_flex(case, set):
    score_mod, block_mask = flex_options(case)
    q, k, v = heads_first(set)

    def call():
        return compiled_flex()(q, k, v, score_mod=score_mod, block_mask=block_mask, scale=case.scale,
                               enable_gqa=case.heads != case.kv_heads).transpose(1, 2)

    return call


def bind_triton(case, set):
    import triton_attention

    reason = triton_attention.refusal(case)
    if reason:
        raise Refused(reason)
    return triton_attention.bind(case, set.q, set.k, set.v, torch.empty_like(set.q), torch.empty_like(set.lse))


@functools.lru_cache(maxsize=1)
def hidden(case, device):
    """[q, k]: what the mask hides; kept between calls, as frameworks keep it."""
    return ~visible(case, torch.arange(case.q, device=device))


def standard(case, q, k, v):
    """Attention as the textbook has it: every head's whole matrix of weights in memory."""
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    s = (q @ k.transpose(2, 3)) * case.scale
    if case.mask != "full":
        s = s.masked_fill(hidden(case, q.device), float("-inf"))
    return (torch.softmax(s, -1) @ v).transpose(1, 2)


# By the names of the records. The order is that of the tables.
BIND = {"torch.cudnn": functools.partial(bind_sdpa, SDPBackend.CUDNN_ATTENTION),
        "torch.flash": functools.partial(bind_sdpa, SDPBackend.FLASH_ATTENTION),
        "triton": bind_triton,
        "flex": bind_flex,
        "torch.math": functools.partial(bind_sdpa, SDPBackend.MATH)}


def present(without, say):
    """The peers that are installed and wanted; what is missing is named."""
    names = [name for name in BIND if name not in without]
    try:
        import triton  # noqa: F401
    except ImportError:
        say("missing: triton, so neither its tutorial kernel nor FlexAttention is measured")
        names = [name for name in names if name not in ("triton", "flex")]
    return names
