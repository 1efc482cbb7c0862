# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What attention papers promise, at GPT-2's shapes: standard attention against ours, time and peak memory. Needs: torch.

Standard attention keeps every head's whole matrix of weights. Each call here allocates what it returns and needs, so
that the peak above the inputs is what an implementation costs.
"""
import dataclasses, functools
import torch
import ours, peers, spread, timing
from attention import attempt, make_set, make_sets, summary
from context import LOST
from rule import Judge

ROUNDS = 15


def implementations(context):
    """By (implementation, variant): a function of (case, set) that returns the output."""
    launch = ours.attention_binder(context.device)

    def imbrex(case, set):
        fresh = dataclasses.replace(set, o=torch.empty_like(set.o), lse=torch.empty_like(set.lse))
        return launch(case, fresh)()

    found = {("imbrex", "default"): imbrex, ("torch", "standard"): lambda case, set: peers.standard(case, set.q, set.k, set.v)}
    for name in ("torch.flash", "torch.cudnn"):
        if name in context.peers:
            found[name, None] = lambda case, set, bind=peers.BIND[name]: bind(case, set)()
    return found


def peak_bytes(function, case, set):
    """What one call needs above its inputs, at the highest."""
    function(case, set)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    out = function(case, set)
    torch.cuda.synchronize()
    del out
    return torch.cuda.max_memory_allocated() - before


def checked_lines(functions, case, set, lost):
    """(lines of time, lines of memory) by implementation; those that may not be timed carry a failure."""
    judge = Judge(case, set.q, set.k, set.v)
    times, memory = {}, {}
    for (name, variant), function in functions.items():
        line = {"implementation": name, "variant": variant, "checked": False, "tolerance": judge.limit}
        out, failure = (None, LOST) if name in lost else attempt(name, lambda: function(case, set))
        if not failure:
            wrong = judge.judge(out)
            line["error"] = min(judge.error(out), 1e30)  # NaN is infinite, which JSON has not
            failure = wrong and "wrong result: " + wrong
        del out
        if not failure:
            peak, failure = attempt(name, lambda: peak_bytes(function, case, set))
        line["checked"] = not failure
        more = {"failure": failure} if failure else {"median": peak, "low": peak, "high": peak, "rounds": 1}
        times[name], memory[name] = dict(line, **({"failure": failure} if failure else {})), dict(line, unit="bytes", **more)
    return times, memory


def measure_case(case, context):
    set, functions = make_set(case), implementations(context)
    times, memory = checked_lines(functions, case, set, context.records.lost(case.fields("attention_standard")))
    sets = make_sets(set)
    calls = {name: [functools.partial(function, case, each) for each in sets] for (name, _), function in functions.items()
             if times[name]["checked"]}
    numbers = timing.measure(calls, ROUNDS, context.progress)
    for name, measured in numbers.items():
        times[name].update(measured.line(), work=case.work())
    if "imbrex" in numbers:
        others, mine = [name for name in numbers if name != "imbrex"], memory["imbrex"]
        times["imbrex"]["ratios"] = {name: spread.ratio(numbers[name], numbers["imbrex"]) for name in others}
        mine["ratios"] = {name: dict.fromkeys(("median", "low", "high"), memory[name]["median"] / mine["median"]) for name in others}
        mine["note"] = "one matrix of weights, of one head and batch: %d bytes" % (case.q * case.k * 2)
    context.records.write(case.fields("memory"), memory.values())
    context.records.write(case.fields("attention_standard"), times.values())
    context.progress.say("%s: %s; %s" % (case.text(), summary(times), summary(memory)))


def measure_group(cases, context):
    for case in cases:
        context.run_once(case.fields("attention_standard"), "standard " + case.text(), lambda: measure_case(case, context))
        torch.cuda.empty_cache()
