#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""No default spills, nor makes the assembler run products one by one (C75xx): a sample of all that may be asked for
(defaults.py). What a runtime replaces (runtime/NearTunings.h) is counted.

usage: defaults_test.py IMBREX ROOT                       what was mended, and a few of the part that --long runs
       defaults_test.py IMBREX ROOT --long                part 1 of 400
       defaults_test.py IMBREX ROOT --part I/N            another part; of N = 1, all
       defaults_test.py IMBREX ROOT --only WORD...        all cases with these words
Says so and passes where there is no ptxas.
"""
import argparse, os, re, shutil, subprocess, sys, tempfile

import defaults

DKDV = ("attention_dkdv", "causal", "bf16", 0)
# Kernel, mask, type, queries, target, features, heads a group, storage.
MENDED = [(*DKDV, "sm_80", (256, 256), 4, {}), (*DKDV, "sm_90", (72, 72), 4, {}), (*DKDV, "sm_120", (64, 64), 4, {}),
          (*DKDV, "sm_100", (192, 192), 4, {}), (*DKDV, "sm_86", (112, 112), 4, {}),
          ("attention_bytes", "causal", "f8e4m3", 0, "sm_90a", (96, 96), 1, defaults.BYTES[2]),
          ("attention_bytes", "causal", "f8e4m3", 0, "sm_90a", (160, 160), 1, {}),
          ("attention_backward", "causal", "bf16", 0, "sm_90a", (128, 128), 1, {}),
          ("attention_backward", "window(100, 20)", "bf16", 0, "sm_90a", (128, 128), 4, defaults.ONE_PASS[2]),
          ("attention_backward", "causal", "bf16", 0, "sm_90a", (112, 112), 1, {})]


def built(options, words, folder):
    """What is wrong with the machine code, "" if nothing is, and whether another tuning replaced the text's."""
    done = subprocess.run([options.imbrex, "build", *words, "--until", "cubin", "-o", os.path.join(folder, "k.cubin")],
                          capture_output=True, text=True, cwd=options.root)
    spills = re.search(r"(\d+) bytes spilled", done.stderr)
    if not spills:
        return done.stdout + done.stderr, False
    wrong = [spills[0]] if int(spills[1]) else []
    return " ".join(wrong + sorted(set(re.findall(r"C75\d\d", done.stderr)))), "of the tune block" in done.stderr


def chosen(options):
    everything = defaults.every()
    if options.only:
        return [words for words in everything if all(word in " ".join(words) for word in options.only)]
    index, parts = map(int, (options.part or "1/400").split("/"))
    part = everything[index - 1::parts]
    if options.long or options.part:
        return part
    return [defaults.case(kernel, target, features, group, mask, storage, kind, queries)
            for kernel, mask, kind, queries, target, features, group, storage in MENDED] + part[::30]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("imbrex")
    parser.add_argument("root")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--part")
    parser.add_argument("--only", nargs="+")
    options = parser.parse_args()
    options.imbrex = os.path.abspath(options.imbrex)
    if not shutil.which("ptxas"):
        print("skipped: no ptxas on PATH to assemble with")
        return 0
    wrong, cases, replaced = 0, chosen(options), 0
    with tempfile.TemporaryDirectory() as folder:
        for words in cases:
            fault, is_replaced = built(options, words, folder)
            replaced += is_replaced
            if fault:
                wrong += 1
                print("%s: %s" % (" ".join(words[2:]), fault), flush=True)
    print("%d cases, %d with spills or repairs; of %d a tuning near the text's was taken" % (len(cases), wrong, replaced))
    return bool(wrong) or not cases


if __name__ == "__main__":
    sys.exit(main())
