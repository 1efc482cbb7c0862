# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention on a GPU: ours and the peers on the same tensors, each checked, then timed side by side. Needs: torch.

Outputs are NaN before they are checked. What raises is noted by name and left out; what loses the device (an error
after which no call of CUDA works in this process) ends the process, and is left out of this case when it goes on.
"""
import dataclasses, warnings
import torch
import ours, peers, spread, timing
from context import LOST, DeviceLost, culprit, words_of
from rule import TYPES, Judge, device_lost

ROUNDS = 15


@dataclasses.dataclass
class Set:
    """One set of buffers of a case, [batch, sequence, heads, head_dim] and lse [batch, heads, q]."""

    q: torch.Tensor
    k: torch.Tensor
    v: torch.Tensor
    o: torch.Tensor
    lse: torch.Tensor


def make_set(case, seed=0):
    """Seeded normals, outputs NaN."""
    generator = torch.Generator("cuda").manual_seed(seed)
    kind = TYPES[case.type]

    def normals(length, heads, depth):
        return torch.randn(case.batch, length, heads, depth, device="cuda", generator=generator).to(kind)

    o = torch.full((case.batch, case.q, case.heads, case.values), float("nan"), device="cuda", dtype=kind)
    lse = torch.full((case.batch, case.heads, case.q), float("nan"), device="cuda")
    return Set(normals(case.q, case.heads, case.head_dim), normals(case.k, case.kv_heads, case.head_dim),
               normals(case.k, case.kv_heads, case.values), o, lse)


def copy_of(set):
    return Set(*(getattr(set, field.name).clone() for field in dataclasses.fields(set)))


def make_sets(first):
    """`first` and as many copies as it takes to exceed the L2 cache."""
    count = timing.sets_beyond_l2(sum(x.nbytes for x in (first.q, first.k, first.v, first.o)))
    return [first] + [copy_of(first) for _ in range(count - 1)]


def attempt(name, action):
    """(the action's result, "") or (None, why it has none). `name`: whose action it is, where the error names nobody."""
    with warnings.catch_warnings(record=True) as told:  # torch tells why a backend cannot by warnings
        warnings.simplefilter("always")
        try:
            return action(), ""
        except peers.Refused as refused:
            return None, "refused: %s" % refused
        except torch.OutOfMemoryError:
            reason = "out of memory"
        except Exception as error:  # a peer may raise anything, and is then left out by what it says
            reason, name = words_of(error), culprit(error, name)
    said = [str(warning.message).split(" (Triggered")[0] for warning in told if warning.category is UserWarning]
    reason = "; ".join([reason] + said[-2:])
    torch.cuda.empty_cache()
    if device_lost():
        raise DeviceLost(name, reason)
    return None, reason


def check(name, case, bind, set, judge):
    """(the largest error, what is wrong or "")."""
    out = bind(case, set)()
    torch.cuda.synchronize()
    lse = set.lse if name == "imbrex" else None
    if name == "imbrex" and bool(torch.isnan(set.o).any()):
        return None, "wrong result: not every element of O was written"
    wrong = judge.judge(out, lse)
    error = judge.error(out)
    return error if error < float("inf") else None, wrong and "wrong result: " + wrong


def checked_lines(case, binds, set, lost, say):
    """A line for each implementation, without its numbers; those that may not be timed carry a failure."""
    judge = Judge(case, set.q, set.k, set.v)
    lines = {}
    for name, bind in binds.items():
        line = lines[name] = {"implementation": name, "checked": False, "tolerance": judge.limit}
        if name in lost:
            line["failure"] = LOST
            continue
        result, failure = attempt(name, lambda: check(name, case, bind, set, judge))
        if result:
            line["error"], failure = result
        line["checked"] = not failure
        if failure:
            line["failure"] = failure
            say("  %s is left out: %s" % (name, failure))
    return lines


def time_lines(case, binds, lines, first, progress, rounds):
    """Adds numbers to the lines that have no failure."""
    good = [name for name, line in lines.items() if "failure" not in line]
    sets = make_sets(first)
    calls, numbers = {}, {}
    for name in good:
        calls[name], failure = attempt(name, lambda: [binds[name](case, set) for set in sets])
        if not failure:
            _, failure = attempt(name, lambda: timing.calibrate(calls[name]))  # warm, and whole in memory
        if failure:
            del calls[name]
            lines[name]["failure"] = failure
    if calls:
        numbers, failure = attempt("imbrex", lambda: timing.measure(calls, rounds, progress))
        for name in calls if failure else ():
            lines[name]["failure"] = failure
    for name, measured in (numbers or {}).items():
        lines[name].update(measured.line())
        lines[name]["work"] = case.work()
    if numbers and "imbrex" in numbers:
        others = [name for name in numbers if name != "imbrex"]
        lines["imbrex"]["ratios"] = {name: spread.ratio(numbers[name], numbers["imbrex"]) for name in others}


def summary(lines):
    text = []
    for name, line in lines.items():
        if "failure" in line:
            text.append("%s -" % name)
        elif "flop" in line.get("work", {}):
            text.append("%s %.1f us %.0f TFLOP/s" % (name, line["median"], line["work"]["flop"] / line["median"] * 1e-6))
        else:
            text.append("%s %.1f %s" % (name, line["median"], line.get("unit", "us")))
    return ", ".join(text)


def measure_case(case, kind, context, rounds=ROUNDS):
    fields = case.fields(kind)
    binds = {"imbrex": ours.attention_binder(context.device)}
    binds.update((name, peers.BIND[name]) for name in context.peers)
    first = make_set(case)
    lines = checked_lines(case, binds, first, context.records.lost(fields), context.progress.say)
    lines["imbrex"].update(variant="default", configuration=ours.attention_configuration(context.device, case, first))
    time_lines(case, binds, lines, first, context.progress, rounds)
    context.records.write(fields, lines.values())
    context.progress.say("%s: %s" % (case.text(), summary(lines)))


def measure_group(cases, kind, context):
    for case in cases:
        context.run_once(case.fields(kind), case.text(), lambda: measure_case(case, kind, context))
        torch.cuda.empty_cache()
