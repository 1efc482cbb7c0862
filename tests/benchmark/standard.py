# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What attention papers promise, at GPT-2's shapes: standard attention against ours, time and peak memory. Needs: torch.

Standard attention keeps every head's whole matrix of weights. Each call here allocates what it returns and needs, so
that the peak above the inputs is what an implementation costs.
"""
import torch
import ours, peers, spread, timing
from attention import attempt, make_set, summary
from rule import Judge

ROUNDS = 15


def implementations(context):
    """By (implementation, variant): a function of (case, set) that returns the output."""
    launch = ours.attention_binder(context.device)

    def imbrex(case, set):
        import dataclasses

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


def measure_case(case, context):
    set = make_set(case)
    judge = Judge(case, set.q, set.k, set.v)
    times, memory, calls = {}, {}, {}
    for (name, variant), function in implementations(context).items():
        line = {"implementation": name, "variant": variant, "checked": False, "tolerance": judge.limit}
        times[name], memory[name] = line, dict(line, unit="bytes")
        out, failure = attempt(name, lambda: function(case, set))
        if not failure:
            wrong = judge.judge(out)
            line["error"] = memory[name]["error"] = judge.error(out)
            failure = wrong and "wrong result: " + wrong
        del out
        if not failure:
            peak, failure = attempt(name, lambda: peak_bytes(function, case, set))
        if failure:
            line["failure"] = memory[name]["failure"] = failure
            continue
        line["checked"] = memory[name]["checked"] = True
        memory[name].update(median=peak, low=peak, high=peak, rounds=1)
        calls[name] = [lambda function=function: function(case, set)]
    numbers = timing.measure(calls, ROUNDS, context.progress)
    for name, measured in numbers.items():
        times[name].update(measured.line(), work=case.work())
    if "imbrex" in numbers:
        mine = memory["imbrex"]["median"]
        times["imbrex"]["ratios"] = {name: spread.ratio(numbers[name], numbers["imbrex"]) for name in numbers if name != "imbrex"}
        memory["imbrex"]["note"] = "one matrix of weights of one head and batch: %d bytes" % (case.q * case.k * 2)
        memory["imbrex"]["ratios"] = {name: dict.fromkeys(("median", "low", "high"), memory[name]["median"] / mine)
                                      for name in numbers if name != "imbrex"}
    context.records.write(case.fields("memory"), memory.values())
    context.records.write(case.fields("attention_standard"), times.values())
    context.progress.say("%s: %s; %s" % (case.text(), summary(times), summary(memory)))


def measure_group(cases, context):
    for case in cases:
        context.run_once(case.fields("attention_standard"), "standard " + case.text(), lambda: measure_case(case, context))
        torch.cuda.empty_cache()
