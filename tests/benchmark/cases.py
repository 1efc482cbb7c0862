# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One attention problem: its shape, what a query sees, how much work it is, and its name in every file.

Arrays are [batch, sequence, heads, head_dim]. A mask is "full", "causal" or "window:LEFT:RIGHT" (inclusive, -1 is
unbounded), and always aligns the last query with the last key. Query head h reads key/value head h / (heads / kv_heads).
"""
import dataclasses

BYTES = {"f16": 2, "bf16": 2, "f32": 4, "f64": 8}


@dataclasses.dataclass(frozen=True)
class Attention:
    batch: int
    heads: int
    kv_heads: int
    q: int
    k: int
    head_dim: int
    value_dim: int = 0  # 0: as head_dim
    type: str = "bf16"
    mask: str = "full"
    softcap: int = 0  # 0: none

    @property
    def values(self):
        return self.value_dim or self.head_dim

    @property
    def scale(self):
        return self.head_dim**-0.5

    def fields(self, kind):
        """The line's fields that say what is computed; see records.GROUP."""
        shape = {"batch": self.batch, "heads": self.heads, "kv_heads": self.kv_heads, "q": self.q, "k": self.k,
                 "head_dim": self.head_dim}
        if self.values != self.head_dim:
            shape["value_dim"] = self.values
        if self.softcap:
            shape["softcap"] = self.softcap
        return {"kind": kind, "kernel": "attention", "shape": shape, "type": self.type, "mask": self.mask}

    def text(self):
        text = "%s B%d H%d:%d q%d k%d D%d" % (self.type, self.batch, self.heads, self.kv_heads, self.q, self.k, self.head_dim)
        text += "/%d" % self.values if self.values != self.head_dim else ""
        return text + " " + self.mask + (" softcap %d" % self.softcap if self.softcap else "")

    def window(self):
        """(left, right) of the mask; -1 is unbounded."""
        if self.mask == "full":
            return -1, -1
        if self.mask == "causal":
            return -1, 0
        left, right = self.mask.split(":")[1:]
        return int(left), int(right)

    def columns(self, i):
        """The first column that row i sees and the one past the last; equal if it sees nothing."""
        left, right = self.window()
        middle = i + self.k - self.q
        first = 0 if left < 0 else max(0, middle - left)
        last = self.k if right < 0 else min(self.k, middle + right + 1)
        return first, max(first, last)

    def hooks(self):
        """For attention_forward.tile: each hook that is not the default, with its function."""
        left, right = self.window()
        hooks = {"score": "softcap(%d.0)" % self.softcap} if self.softcap else {}
        if self.mask == "causal":
            hooks["mask"] = "causal"
        elif self.mask != "full":
            hooks["mask"] = "causal_window(%d)" % left if right == 0 else "window(%d, %d)" % (left, right)
        return hooks

    def work(self):
        """Operations by the usual counting (4 B H Sq Sk D, half if causal, the visible part of a window), and bytes."""
        pairs = self.q * self.k
        if self.mask == "causal" and self.q == self.k:
            pairs /= 2
        elif self.mask != "full":
            pairs = sum(last - first for first, last in map(self.columns, range(self.q)))
        rows = self.batch * (self.q * self.heads + self.k * self.kv_heads)
        return {"flop": 2 * self.batch * self.heads * pairs * (self.head_dim + self.values),
                "bytes": rows * (self.head_dim + self.values) * BYTES[self.type]}
