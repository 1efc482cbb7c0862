# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The grid of attention that every forward kernel is run over, as FlashAttention's tests have it, in a seeded order.

Cases come so that every pair of values of two dimensions is met early: what ends before the whole grid has still seen
each. Placements are spread over the grid; extreme logits and offsets past 2^31 elements are cases beside it.
"""
import dataclasses, itertools, random
from cases import Attention

LENGTHS = [(1, 1), (64, 128), (128, 192), (256, 256), (239, 1), (799, 3), (113, 203), (113, 128), (128, 217), (113, 211),
           (108, 256), (256, 512), (384, 256), (640, 128), (512, 256), (1024, 1024), (1023, 1024), (1024, 1023), (4096, 4096),
           (4224, 4224)]
DIMENSIONS = {"type": ["f16", "bf16"], "kv_heads": [6, 2, 1], "softcap": [0, 15], "window": [False, True],
              "causal": [False, True], "depth": [64, 96, 128, 192, 256], "lengths": LENGTHS}
BATCH, HEADS = 9, 6
PLACES = ["dense", "dense", "heads_first", "padded"]
EXTREMES = [-10000, -65000, -245000, 245000]

LEFT_OUT = ["varlen lengths (no kernel reads cu_seqlens)", "paged and appended caches", "dropout", "ALiBi and bias", "sinks",
            "8-bit types", "backward"]


@dataclasses.dataclass(frozen=True)
class GridCase:
    attention: Attention
    seed: int
    place: str = "dense"  # dense, heads_first (memory [batch, heads, sequence, depth]), padded (8 elements a row more), far
    extreme: int = 0  # a logit near this value

    def text(self):
        """All that is needed to run it again: grid.py --only TEXT."""
        text = "%s %s seed %d" % (self.attention.text(), self.place, self.seed)
        return text + (" extreme %d" % self.extreme if self.extreme else "")


def mask_of(window, causal, keys, source):
    left, right = source.randrange(keys + 1), source.randrange(keys + 1)
    if not window:
        return "causal" if causal else "full"
    return "window:%d:%d" % (left, 0 if causal else right)


def whole_grid():
    cases = []
    for number, values in enumerate(itertools.product(*DIMENSIONS.values())):
        type, kv_heads, softcap, window, causal, depth, (q, k) = values
        source = random.Random(number)
        mask = mask_of(window, causal, k, source)
        attention = Attention(BATCH, HEADS, kv_heads, q, k, depth, type=type, mask=mask, softcap=softcap)
        cases.append((values, GridCase(attention, number, source.choice(PLACES))))
    return cases


def beside_the_grid():
    for type in ("bf16", "f16"):
        for extreme in EXTREMES:
            yield GridCase(Attention(2, 3, 1, 200, 300, 64, type=type, mask="causal"), 1, extreme=extreme)
        yield GridCase(Attention(2, 3, 3, 130, 200, 128, type=type, mask="causal"), 2, "far")


def ordered(seed):
    """All cases; those that show a pair of values for the first time come first."""
    grid = whole_grid()
    random.Random(seed).shuffle(grid)
    seen, early, late = set(), [], []
    for values, case in grid:
        pairs = set(itertools.combinations(enumerate(values), 2))
        (late if pairs <= seen else early).append(case)
        seen |= pairs
    return early + list(beside_the_grid()) + late


TINY = [GridCase(Attention(2, 3, 1, 20, 33, 16, type="bf16", mask="window:9:0"), 1),
        GridCase(Attention(1, 3, 3, 17, 9, 24, type="f16", mask="causal"), 2),
        GridCase(Attention(1, 2, 1, 33, 20, 16, type="bf16", softcap=15), 3),
        GridCase(Attention(1, 2, 2, 13, 21, 40, type="f16", mask="window:4:6", softcap=15), 4),
        GridCase(Attention(1, 1, 1, 1, 1, 8, type="bf16"), 5)]
