#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A GoogleTest program under a tool of compute-sanitizer, where that works.

usage: sanitize.py TOOL TRIAL PROGRAM --gtest_filter=PATTERN [words...]

First the one test TRIAL. If the tool cannot run it (it does not know the device, or may not look into the process) that
is no fault of ours: "missing: ..." and exit code 2. Errors that the tool finds are exit code 9.
"""
import os, subprocess, sys

FOUND, MISSING = 9, 2
TRIAL_SECONDS = 40


def main():
    tool, trial, program, pattern, *words = sys.argv[1:]
    sanitizer = ["compute-sanitizer", "--tool", tool, "--error-exitcode", str(FOUND), program]
    try:
        done = subprocess.run([*sanitizer, "--gtest_filter=" + trial, *words], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", timeout=TRIAL_SECONDS)
        code, told = done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        code, told = None, "no end within %d s" % TRIAL_SECONDS
    if code not in (0, FOUND):
        print(told)
        print("missing: a compute-sanitizer --tool %s that works here: %s" % (tool, complaint(told)))
        return MISSING
    os.execvp(sanitizer[0], [*sanitizer, pattern, *words])


def complaint(told):
    lines = [line.strip("= ") for line in told.splitlines() if line.strip("= ")]
    return next((line for line in lines if "rror" in line), lines[-1] if lines else "it says nothing")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
