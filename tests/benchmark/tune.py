#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The assignments of a kernel's declared tuning parameters, compiled, checked, timed in turns and ranked; see README.md.

usage: tune.py --out DIR [--seconds N] [--resume]       on a GPU, with torch
       tune.py --tiny --device sim:h200 --out DIR       a sample of assignments is checked; Python's standard library alone

The default comes first, the others in an order that a seed shuffles, and as many are compiled as a problem's budget
allows: all of them, or a fair sample. What does not compile or load, spills registers, or was repaired by the assembler
is left out and counted. All that is left runs a few rounds; the fastest and the default then run many. One JSON line an
assignment, in DIR/tune.jsonl; what was compiled stays in DIR/tune-cache.
"""
import collections, concurrent.futures, itertools, json, math, os, random, sys, time
import children
import device as devices
import imbrex
import progress as ends
from context import Context, DeviceLost, words_of
from progress import Progress
from records import Records

FEW, MANY, FINALISTS, RESTARTS = 3, 15, 16, 16
COMPILE_SECONDS = 110  # of a problem, and no more than half of what is left of the run
PROBLEM_SECONDS = 150  # what one takes about: with less left, the next is for --resume
TIMING_SECONDS = 200  # a pass over all that runs; longer is a hang
LATE = "no time left"


def assignments(kernel):
    """All of them: dicts by parameter."""
    tunables = kernel.signature()["tunables"]
    names = [tunable["name"] for tunable in tunables]
    return [dict(zip(names, values)) for values in itertools.product(*(tunable["choices"] for tunable in tunables))]


def shuffled(choices):
    """Always in the same order, so that the first of them are a fair sample."""
    return random.Random(7).sample(choices, len(choices))


def text_of(assignment):
    return " ".join("%s=%d" % pair for pair in assignment.items())


def set_to(kernel, assignment):
    kernel = kernel.copy()
    for name, value in assignment.items():
        kernel.set(name, value)
    return kernel


def refusal(kernel, arguments):
    """Why the kernel is not to be run, or ""."""
    try:
        numbers = kernel.prepare(arguments).numbers()
    except imbrex.ImbrexError as error:
        return error.status
    if numbers["local_bytes"]:
        return "spills"
    return "repairs" if numbers["repairs"] else ""


def compiled(kernel, arguments, choices, progress, seconds=math.inf):
    """(the kernels that may run, by their assignment's text, how many were tried). In the order of `choices`, of which the
    first is always tried and no other is begun after so many seconds. Tells how often each reason to refuse was met."""
    kernels, reasons = {text_of(choice): set_to(kernel, choice) for choice in choices}, collections.Counter()
    deadline, first = time.monotonic() + seconds, next(iter(kernels))

    def attempt(text, each):
        return refusal(each, arguments) if text == first or time.monotonic() < deadline else LATE

    with concurrent.futures.ThreadPoolExecutor(max(1, (os.cpu_count() or 2) - 1)) as pool:
        futures = {text: pool.submit(attempt, text, each) for text, each in kernels.items()}
        for text, future in futures.items():
            with progress.doing("compiling " + text):
                reason = future.result()
            if reason:
                reasons[reason] += 1
                del kernels[text]
    tried = len(choices) - reasons.pop(LATE, 0)
    progress.say("  of %d assignments %d were tried, %d compile; refused: %s" % (
        len(choices), tried, len(kernels), dict(reasons) or "none"))
    return kernels, tried


def default_of(kernel, arguments):
    """The assignment that the kernel takes by itself."""
    constants = json.loads(kernel.prepare(arguments).text("interface"))["constants"]
    return {tunable["name"]: constants[tunable["name"]] for tunable in kernel.signature()["tunables"]}


def right_ones(problem, kernels, context):
    """Those whose result is right, as far as the time reaches. The others are told: a wrong result is a fault of ours, in
    whatever assignment. One that hangs or loses the device ends the process, and is left out by the next."""
    good, wrong, lost = {}, {}, context.records.lost(problem.fields)
    for text, kernel in kernels.items():
        if good and context.progress.over():
            break
        if text in lost:
            wrong[text] = "it lost the device, or hung"
            continue
        context.progress.when_stuck = lambda: context.records.lose(problem.fields, text)
        try:
            with context.progress.doing("checking " + text):
                said = problem.check(kernel)
        except Exception as error:  # torch tells a fault of ours in words of its own, at whatever call comes next
            said = words_of(error)
        if context.lost():
            raise DeviceLost(text, said)
        if said:
            wrong[text] = said
            context.progress.say("FAILED %s %s: %s" % (problem.name, text, said))
        else:
            good[text] = kernel
    context.progress.when_stuck = lambda: context.records.give_up(problem.fields)
    return good, wrong


def timed(problem, kernels, default, progress):
    """Numbers by assignment: many rounds for the fastest and the default, few for the rest."""
    import timing

    calls = {text: problem.calls(kernel) for text, kernel in kernels.items()}
    with progress.doing("timing %d assignments" % len(calls), TIMING_SECONDS):
        few = timing.measure(calls, FEW, progress)
    ranking = sorted(few, key=lambda text: few[text].line()["median"])
    finalists = ranking[:FINALISTS] + [text for text in ranking[FINALISTS:] if text == default]
    with progress.doing("timing the fastest", TIMING_SECONDS):
        many = timing.measure({text: calls[text] for text in finalists}, MANY, progress)
    return dict(few, **many), sorted(many, key=lambda text: many[text].line()["median"])


def lines_of(problem, good, wrong, numbers, ranking, default, extent):
    """`extent`: how many of the assignments were tried, in words."""
    best = ranking[0] if ranking else None
    for text in list(good) + list(wrong):
        line = {"implementation": "imbrex", "checked": text in good,
                "variant": "default" if text == default else "tuned" if text == best else text,
                "configuration": {name: int(value) for name, value in (pair.split("=") for pair in text.split())}}
        if text in wrong:
            line["failure"] = "wrong result: " + wrong[text]
        elif text in numbers:
            line.update(numbers[text].line())
            line["work"] = problem.work
            if text in ranking:
                line["note"] = "rank %d of %d; %s" % (ranking.index(text) + 1, len(numbers), extent)
        yield line


def tune(problem, context, choices=None):
    """One kernel at one shape. `choices`: of the assignments, beside the default; None: all, as far as the time reaches."""
    kernel, arguments = problem.kernel(), problem.arguments()
    chosen, default = choices(kernel) if choices else assignments(kernel), default_of(kernel, arguments)
    chosen = [default] + shuffled([choice for choice in chosen if choice != default])
    default = text_of(default)
    seconds = min(COMPILE_SECONDS, context.progress.left() / 2)
    kernels, tried = compiled(kernel, arguments, chosen, context.progress, seconds)
    good, wrong = right_ones(problem, kernels, context)
    numbers, ranking = {}, []
    if good and not context.device.simulated:
        numbers, ranking = timed(problem, good, default, context.progress)
    context.records.write(problem.fields, list(lines_of(
        problem, good, wrong, numbers, ranking, default, "%d of %d assignments tried" % (tried, len(chosen)))))
    context.progress.say("%s: %d assignments right, %d wrong%s" % (problem.name, len(good), len(wrong), place(numbers, ranking, default)))


def place(numbers, ranking, default):
    """The default's place among what was timed."""
    if not ranking:
        return ""
    best = "; best %s %.1f us" % (ranking[0], numbers[ranking[0]].line()["median"])
    if default not in ranking:
        return best + "; the default %s is not among them" % default
    import spread

    share = spread.ratio(numbers[ranking[0]], numbers[default])["median"]
    return best + "; the default %s is number %d, at %.1f %% of the best" % (default, ranking.index(default) + 1, 100 * share)


def run(problems, context, choices=None):
    done = False
    for problem in problems:
        if done and context.progress.left() < PROBLEM_SECONDS and not context.records.done(problem.fields):
            context.progress.say("no time for a whole problem; the rest is left for --resume, from: " + problem.name)
            return ends.TIME_OVER
        done = done or not context.records.done(problem.fields)
        context.run_once(problem.fields, "tuning " + problem.name, lambda: tune(problem, context, choices))
    return ends.WRONG if context.records.wrong else ends.DONE


def cache_of(chosen):
    """What was compiled stays: a process after this one goes on where this one ended."""
    return os.path.join(chosen.out, "tune-cache")


def child(chosen, progress, records):
    with progress.doing("loading torch and opening the device"):
        if not devices.torch_sees_a_gpu("measured"):
            return ends.USAGE
        import torch
        import rule, tune_problems

        device = devices.Device(chosen, cache_of(chosen))
        side = torch.cuda.Stream()
    with torch.no_grad(), torch.cuda.stream(side):
        context = Context(device, records(device), progress, (), rule.device_lost)
        return run(tune_problems.all_of(device), context)


def parent(chosen, progress):
    words = ["--child", "--resume", "--commit", devices.commit(chosen.commit)]
    words += ["--%s=%s" % (name, getattr(chosen, name)) for name in ("library", "device", "out", "ptxas")]
    for _ in range(RESTARTS):
        code = children.run(os.path.abspath(__file__), words, progress)
        if code in (ends.DONE, ends.WRONG, ends.USAGE, ends.TIME_OVER):
            return code
        progress.say("the process ended with %d; tuning goes on in a new one" % code)
    return code


def main():
    parser = devices.command_line("Every declared choice of our kernels.")
    parser.add_argument("--child", action="store_true", help="run in this process")
    chosen = parser.parse_args()
    os.makedirs(chosen.out, exist_ok=True)
    devices.say_what_is_measured(chosen)
    progress = Progress(chosen.seconds, watch=chosen.child or chosen.tiny)

    def records(device):
        return Records(os.path.join(chosen.out, "tune.jsonl"), chosen.resume, device and (lambda: device.facts(progress.since)),
                       devices.commit(chosen.commit), devices.software())

    if chosen.child:
        return child(chosen, progress, records)
    if chosen.tiny:
        import tune_tiny

        device = devices.Device(chosen, cache_of(chosen))
        return run(tune_tiny.all_of(device), Context(device, records(device), progress), tune_tiny.sample)
    if not chosen.resume:
        records(None)
    return parent(chosen, progress)


if __name__ == "__main__":
    sys.exit(main())
