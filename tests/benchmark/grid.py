#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention over the grid of types, heads, masks, depths and lengths at batch 9, judged; README.md tells how.

usage: grid.py --out DIR [--seconds N] [--resume] [--seed N] [--only TEXT]      on a GPU, with torch
       grid.py --tiny --device sim:h200 --out DIR                              some small cases, Python's standard library alone

A line a case in DIR/grid.jsonl: {"case": its text, "wrong": "" or what}. A case that ends the process is wrong, and the
rest goes on in another process.
"""
import json, os, sys
import children, grid_cases
import device as devices
import progress as ends
from context import words_of
from progress import Progress

RESTARTS = 12


class Ledger:
    """What was judged, in a file; and the case under way, so that one which ends the process is known."""

    def __init__(self, folder, resume):
        self.path, self.current = os.path.join(folder, "grid.jsonl"), os.path.join(folder, "grid.current")
        self.wrong = {}  # "" or what is wrong, by a case's text
        for old in () if resume else (self.path, self.current):
            if os.path.exists(old):
                os.remove(old)
        if os.path.exists(self.path):
            with open(self.path) as file:
                text = file.read()
            whole = text[: text.rfind("\n") + 1]
            with open(self.path, "w") as file:  # without a line that a kill cut off
                file.write(whole)
            self.wrong = {line["case"]: line["wrong"] for line in map(json.loads, whole.splitlines())}
        if os.path.exists(self.current):
            with open(self.current) as file:
                self.note(file.read(), "it ended the process: a lost device or a hang")

    def begin(self, text):
        with open(self.current, "w") as file:
            file.write(text)

    def note(self, text, wrong):
        with open(self.path, "a") as file:
            file.write(json.dumps({"case": text, "wrong": wrong}) + "\n")
        self.wrong[text] = wrong
        self.forget()

    def forget(self):
        if os.path.exists(self.current):
            os.remove(self.current)

    def failed(self):
        return [text for text, wrong in self.wrong.items() if wrong]


def run(cases, check, ledger, progress, lost=lambda: False):
    """Judges the cases that are not in the ledger, in order."""
    for case in cases:
        if progress.over():
            return ends.TIME_OVER
        text = case.text()
        ledger.begin(text)
        try:
            with progress.doing(text, 60):
                wrong = check(case)
        except Exception as error:
            wrong = words_of(error)
            if lost():
                ledger.note(text, wrong)
                progress.say("FAILED %s: %s: the device is lost" % (text, wrong))
                return ends.DEVICE_LOST
        except BaseException:
            ledger.forget()
            raise
        ledger.note(text, wrong)
        if wrong:
            progress.say("FAILED %s: %s" % (text, wrong))
        elif len(ledger.wrong) % 50 == 0:
            progress.say("%d judged, %d failed" % (len(ledger.wrong), len(ledger.failed())))
    return ends.WRONG if ledger.failed() else ends.DONE


def tiny(chosen, progress, ledger):
    """Small cases against plain Python."""
    import plain

    device = devices.Device(chosen)

    def check(case):
        kernel = device.kernel("attention_forward.tile").set("T", case.attention.type)
        for name, function in case.attention.hooks().items():
            kernel.hook(name, function)
        inputs = plain.Inputs(case.attention, case.seed)
        return plain.Judge(case.attention, inputs).judge(*plain.Attention(device.runtime, case.attention, inputs).launch(kernel))

    return run(remaining(grid_cases.TINY, chosen, ledger), check, ledger, progress)


def remaining(cases, chosen, ledger):
    return [case for case in cases if chosen.only in case.text() and case.text() not in ledger.wrong]


def child(chosen, progress, ledger):
    with progress.doing("loading torch and opening the device"):
        if not devices.torch_sees_a_gpu("judged on a GPU"):
            return ends.USAGE
        import torch
        import grid_ahead, grid_gpu, rule

        device = devices.Device(chosen)
    cases = remaining(grid_cases.ordered(chosen.seed), chosen, ledger)
    with torch.no_grad():
        ahead = grid_ahead.ready(cases, device, max(1, (os.cpu_count() or 2) - 2))
        return run(ahead, lambda case: grid_gpu.check(case, device), ledger, progress, rule.device_lost)


def parent(chosen, progress):
    words = ["--child", "--resume", "--seed=%d" % chosen.seed]
    words += ["--%s=%s" % (name, getattr(chosen, name)) for name in ("library", "device", "out", "only", "ptxas")]
    for _ in range(RESTARTS):
        code = children.run(os.path.abspath(__file__), words, progress)
        if code in (ends.DONE, ends.WRONG, ends.USAGE, ends.TIME_OVER):
            return code
        progress.say("the process ended with %d; the grid goes on in a new one" % code)
    return code


def tell(ledger, chosen, progress):
    total = len(grid_cases.TINY) if chosen.tiny else len(grid_cases.ordered(chosen.seed))
    failed = ledger.failed()
    for text in failed[:20]:
        progress.say("again: grid.py --only '%s'   # %s" % (text, ledger.wrong[text]))
    if not chosen.tiny:
        progress.say("left out: " + "; ".join(grid_cases.LEFT_OUT))
    progress.say("grid: %d passed, %d failed, %d not reached" % (len(ledger.wrong) - len(failed), len(failed), total - len(ledger.wrong)))


def main():
    parser = devices.command_line("Attention over its grid of shapes.")
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    parser.add_argument("--only", default="", help="only the cases whose text holds this")
    parser.add_argument("--child", action="store_true", help="run in this process")
    chosen = parser.parse_args()
    os.makedirs(chosen.out, exist_ok=True)
    devices.say_what_is_measured(chosen)
    progress = Progress(chosen.seconds, watch=chosen.child or chosen.tiny)
    if chosen.child:
        return child(chosen, progress, Ledger(chosen.out, True))
    ledger = Ledger(chosen.out, chosen.resume)
    code = tiny(chosen, progress, ledger) if chosen.tiny else parent(chosen, progress)
    tell(Ledger(chosen.out, True), chosen, progress)
    return code


if __name__ == "__main__":
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    os._exit(code)  # threads that still compile must not hold the process back
