#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One kind of run of the kit: see README.md. Called by run.sh, which ends it after nine minutes whatever happens.

Exit code: 0 all that there is to do was done and right; 1 something failed; 2 wrong words; 3 the device is not well
any more; 75 more to do, call again.
"""
import argparse, json, os, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kinds
from runner import Runner

SECONDS = 520  # of a run; run.sh allows 535
SIMULATED = "sim:h200"
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def first_gpu():
    """The id of a GPU that the library can use, and why there is none."""
    listed = subprocess.run([os.path.join(ROOT, "bin", "imbrex"), "devices", "--json"], capture_output=True, text=True,
                            timeout=60)
    if listed.returncode:
        sys.exit("imbrex devices failed:\n" + listed.stdout + listed.stderr)
    ids = [device["id"] for device in json.loads(listed.stdout) if not device["simulated"]]
    return ids[0] if ids else ""


def state_folder(kind, words):
    """Where journals and logs are kept from one call to the next; a kit may lie on a read-only disk."""
    base = words.state or os.path.join(tempfile.gettempdir(), "imbrex-kit-%d" % os.getuid())
    folder = os.path.join(base, kind)
    if words.again:
        shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.stat(folder).st_uid != os.getuid():
        sys.exit("%s belongs to somebody else: name another with --state" % folder)
    if words.resume and not os.path.exists(os.path.join(folder, kind + "-steps.jsonl")):
        for name in os.listdir(words.resume):
            shutil.copy(os.path.join(words.resume, name), folder)
    return folder


def out_folder():
    folder = os.environ.get("OUT") or os.path.join(os.getcwd(), "out")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        sys.exit("%s: set OUT to a folder that can be written" % error)
    return folder


def health(kit):
    """A small launch in a process of its own: what a fault may have left behind shows here."""
    def ask():
        try:
            done = subprocess.run(kit.gtest("kernels_test", "Lessons.VectorAdd"), capture_output=True, text=True, timeout=40)
        except subprocess.TimeoutExpired:
            return "a vector_add does not end"
        return "" if done.returncode == 0 else (done.stdout.strip().split("\n") or ["?"])[-1]
    return ask if kit.gpu else None


def main():
    parser = argparse.ArgumentParser(prog="run.sh", description="Runs one kind of the kit on the first GPU, or, made small, on a simulated device.")
    parser.add_argument("kind", choices=kinds.KINDS)
    parser.add_argument("--again", action="store_true", help="forget what earlier calls did")
    parser.add_argument("--resume", metavar="FOLDER", help="go on from what an earlier call put into $OUT, on another machine perhaps")
    parser.add_argument("--state", metavar="FOLDER", help="where progress is kept (default: below the temporary folder)")
    parser.add_argument("--device", help='"cuda:0" or "sim:h200" (default: the first GPU)')
    words = parser.parse_args()
    device = words.device or first_gpu() or SIMULATED
    out, state = out_folder(), state_folder(words.kind, words)
    kit = kinds.Kit(ROOT, device, state)
    runner = Runner(words.kind, state, out, SECONDS, health(kit))
    runner.say("on %s, results in %s, progress in %s" % (device, out, state))
    if not kit.gpu:
        runner.say("no GPU is used: a small part runs on the simulated device, to be checked; nothing is measured")
    return runner.run(kinds.steps_of(words.kind, kit))


if __name__ == "__main__":
    sys.exit(main())
