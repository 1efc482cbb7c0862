#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kinds of runs of the kit, one after another: see README.md. Called by run.sh, which ends it after nine minutes
whatever happens.

Exit code: 0 all that there is to do was done and right; 1 something failed; 2 wrong words, or nothing could begin;
3 the device is not well any more; 75 more to do, call again.
"""
import argparse, json, os, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kinds, state
from out import Out
from processes import Interrupted, ask, raise_on_signals
from runner import MORE, Runner

SECONDS = 515  # of a run; run.sh allows 530
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def refuse(text):
    print("run.sh: %s" % text, file=sys.stderr)
    sys.exit(2)


def say(text):
    print("[kit] %s" % text, flush=True)


def find_device(wanted):
    """The device of that id, else the first GPU, else a simulated one; in a process of its own: asking opens the driver."""
    code, told = ask(["python3", os.path.join(ROOT, "kit", "devices.py"), ROOT], 60, say, "asking for devices")
    if code != 0:
        refuse("the devices cannot be listed: " + (told.strip() or "no answer within 60 s"))
    found = json.loads(told.strip().splitlines()[-1])
    if not wanted:
        return found[0]
    for device in found:
        if device["id"] == wanted:
            return device
    refuse("there is no device %s here, only %s" % (wanted, ", ".join(device["id"] for device in found)))


def parse():
    parser = argparse.ArgumentParser(prog="run.sh", description="Runs kinds of the kit on the first GPU, or, made small, on a simulated device.")
    parser.add_argument("kinds", nargs="+", choices=kinds.KINDS, metavar="KIND", help=", ".join(kinds.KINDS))
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of all kinds together (default and at most: %d)" % SECONDS)
    parser.add_argument("--again", action="store_true", help="forget what earlier calls did")
    parser.add_argument("--retry", action="store_true", help="run failed steps again")
    parser.add_argument("--resume", metavar="PATH", help="go on from what an earlier call put into $OUT, on another machine perhaps: the folder, or its kit.tar.gz")
    parser.add_argument("--state", metavar="FOLDER", help="where progress is kept (default: below the temporary folder)")
    parser.add_argument("--device", help='"cuda:0" or "sim:h200" (default: the first GPU)')
    words = parser.parse_args()
    if not 10 <= words.seconds <= SECONDS:
        parser.error("--seconds: 10 to %d" % SECONDS)
    words.kinds = list(dict.fromkeys(words.kinds))
    return words


def out_folder(packed):
    folder = os.environ.get("OUT") or os.path.join(os.getcwd(), "out")
    try:
        return Out(folder, say, packed)
    except OSError as error:
        refuse("%s: set OUT to a folder that can be written" % error)


def health(kit):
    """A small launch in a process of its own: what a fault may have left behind shows here."""
    step = kit.gtest("", "kernels_test", "Lessons.VectorAdd", 0)

    def well(seconds):
        code, told = ask(step.words, seconds, say, "asking whether the device is well")
        if code is None:
            return "a vector_add does not end within %d s" % seconds
        return "" if code == 0 else (told.strip().split("\n") or ["?"])[-1]
    return well if kit.gpu else None


def run_kind(kind, words, device, base, out, seconds):
    with open(os.path.join(ROOT, "kit", "commit")) as file:
        commit = file.read().strip()
    on = {"device": device["id"], "name": device["name"], "driver": device["driver"], "kit": commit}
    folder = state.prepare(base, kind, on, kinds.RESULTS[kind], say, words.again, words.resume)
    kit = kinds.Kit(ROOT, device["id"], folder, commit, words.retry, lambda *question: ask(*question[:2], say, question[2]))
    begin = time.monotonic()
    steps = kinds.steps_of(kind, kit)
    runner = Runner(kind, folder, out, seconds - (time.monotonic() - begin), health(kit), on, kinds.RESULTS[kind], words.retry)
    runner.say("on %s, results in %s, progress in %s" % (device["id"], out.folder, folder))
    if not kit.gpu:
        runner.say("no GPU is used: a small part runs on the simulated device, to be checked; nothing is measured")
    return runner.run(steps)


def run_kinds(words):
    until = time.monotonic() + words.seconds
    base = words.state or os.path.join(tempfile.gettempdir(), "imbrex-kit-%d" % os.getuid())
    lock = state.open_base(base)  # held while this process lives
    out = out_folder(len(words.kinds) > 1)
    device, codes = find_device(words.device), set()
    for kind in words.kinds:
        code = run_kind(kind, words, device, base, out, until - time.monotonic())
        if code == 3 or code >= 128:
            return code
        codes.add(code)
    lock.close()
    return next((code for code in (1, MORE) if code in codes), 0)


def main():
    words = parse()
    raise_on_signals()
    try:
        return run_kinds(words)
    except state.Refused as why:
        refuse(why)
    except OSError as error:
        say("cannot go on: %s" % error)
        return 1
    except Interrupted as end:
        say("interrupted: call again to go on")
        return 128 + end.number


if __name__ == "__main__":
    sys.exit(main())
