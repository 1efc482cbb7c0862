# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""When a result of attention is right, with torch. Needs: torch. plain.py is the same in plain Python, for small shapes.

With ref the attention in f64 on the stored inputs, base the same as an eager framework computes it in the storage type
(product, softmax, product, each rounded), and r = ref rounded to the storage type:

  output   max|out - ref| <= 2 max|base - ref| + 2 max|(r + 0.3 - 0.3) - r|     (3 for the first 2 with softcap)
           extreme logits, where base says nothing: 4 u max|V|, u the unit roundoff
  LSE      |lse - ref| <= 1e-4 + 1e-6 |ref|, and -inf exactly where ref is

A row that sees nothing has O = 0, LSE = -inf. Large shapes are judged on some of their rows, of every head and batch.
"""
import contextlib
import torch

TYPES = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32, "f64": torch.float64}
UNIT_ROUNDOFF = {"f16": 2.0**-11, "bf16": 2.0**-8, "f32": 2.0**-24, "f64": 2.0**-53}
ROWS = 64  # of a large shape: so many first rows, last rows, and rows from the middle
SMALL = 1024  # rows; a shape of no more is judged whole


def device_lost():
    """Whether the device answers no more: after such an error no call of CUDA works in this process."""
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        return True
    return False


@contextlib.contextmanager
def full_sums():
    """For a baseline, which rounds its products and no partial sum. What is timed runs with torch's own settings."""
    settings, names = torch.backends.cuda.matmul, ["allow_%s_reduced_precision_reduction" % name for name in ("bf16", "fp16")]
    before = [getattr(settings, name) for name in names]
    try:
        for name in names:
            setattr(settings, name, False)
        yield
    finally:
        for name, value in zip(names, before):
            setattr(settings, name, value)


def chosen_rows(case, device, whole):
    """The rows that are judged, ascending."""
    if whole or case.q <= SMALL:
        return torch.arange(case.q, device=device)
    middle = case.q // 2 - 3  # not at the edge of a tile
    parts = [torch.arange(start, start + ROWS, device=device) for start in (0, middle, case.q - ROWS)]
    return torch.cat(parts)


def visible(case, rows):
    """[rows, k]: what each row sees."""
    left, right = case.window()
    middle = (rows + (case.k - case.q))[:, None]
    columns = torch.arange(case.k, device=rows.device)[None, :]
    sees = torch.ones(len(rows), case.k, dtype=torch.bool, device=rows.device)
    if left >= 0:
        sees &= columns >= middle - left
    if right >= 0:
        sees &= columns <= middle + right
    return sees


def attend(case, q, k, v, rows, kind):
    """(O [rows, heads, D], LSE [heads, rows]) of one batch element in the type `kind`, every step rounded to it."""
    group = case.heads // case.kv_heads
    q = q[rows].to(kind).transpose(0, 1)
    k = k.to(kind).transpose(0, 1).repeat_interleave(group, 0)
    v = v.to(kind).transpose(0, 1).repeat_interleave(group, 0)
    s = (q @ k.transpose(1, 2)) * case.scale
    if case.softcap:
        s = case.softcap * torch.tanh(s / case.softcap)
    s.masked_fill_(~visible(case, rows), float("-inf"))
    lse = torch.logsumexp(s, -1)
    p = torch.softmax(s, -1).nan_to_num_(0.0)  # a row of -inf alone
    return (p @ v).transpose(0, 1), lse


class Judge:
    """The reference of one case's inputs, and the limits that follow."""

    def __init__(self, case, q, k, v, extreme=False, whole=False):
        """`whole`: every row is judged, however many."""
        self.case, self.rows = case, chosen_rows(case, q.device, whole)
        parts = [attend(case, q[b], k[b], v[b], self.rows, torch.float64) for b in range(case.batch)]
        self.output, self.lse = (torch.stack(part) for part in zip(*parts))
        kind = TYPES[case.type]
        if extreme:
            self.limit = 4 * UNIT_ROUNDOFF[case.type] * v.abs().max().item()
            return
        with full_sums():
            baseline = max(self._difference(attend(case, q[b], k[b], v[b], self.rows, kind)[0], self.output[b])
                           for b in range(case.batch))
        r = self.output.to(kind)
        rounding = ((r + 0.3 - 0.3) - r).abs().max().item()
        self.limit = (3 if case.softcap else 2) * baseline + 2 * rounding

    @staticmethod
    def _difference(a, b):
        return (a.double() - b).abs().max().item()

    def error(self, out):
        """The largest error of an output [B, Sq, H, Dv]; infinite where it holds NaN."""
        error = self._difference(out[:, self.rows], self.output)
        return error if error == error else float("inf")

    def judge(self, out, lse=None):
        """"" if the output, and LSE [B, H, Sq] where given, are right, else one line."""
        error = self.error(out)
        if not error <= self.limit:
            return "O: largest error %.3g, allowed %.3g" % (error, self.limit)
        if lse is None:
            return ""
        got = lse[:, :, self.rows].double()
        nothing = self.lse == float("-inf")
        if not torch.equal(nothing, got == float("-inf")):
            return "LSE: -inf is not where it should be"
        off = ((got - self.lse).abs() - (1e-4 + 1e-6 * self.lse.abs())).masked_fill(nothing, -1.0)
        if bool((off <= 0).all()):
            return ""
        return "LSE: beyond its limit by %.3g" % off.nan_to_num(float("inf")).max().item()
