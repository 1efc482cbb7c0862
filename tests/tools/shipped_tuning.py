#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tunes every kernel that comes along on a simulated device, and prints what became of the candidates.
usage: shipped_tuning.py IMBREX LIBRARY SOURCE_DIR FOLDER [--device sim:h200] [--budget SECONDS] [--only NAME]

Each kernel has arguments of one shape, told below by extent. FOLDER gets the reports and pictures. A kernel of which a
candidate failed, or for which nothing was ranked, makes this fail; so does one that is not told below.
"""
import argparse, json, os, subprocess, sys, time

parser = argparse.ArgumentParser()
for name in ("imbrex", "library", "source", "folder"):
    parser.add_argument(name)
parser.add_argument("--device", default="sim:h200")
parser.add_argument("--budget", type=float, default=60)
parser.add_argument("--only", default="")
options = parser.parse_args()
sys.path.insert(0, os.path.join(options.source, "tests", "support"))
import imbrex

# Extents by name; a dict below gives a kernel its own.
USUAL = {"B": 2, "H": 8, "Hk": 2, "G": 4, "Sq": 2048, "Sk": 2048, "DQK": 128, "DV": 128, "DK": 128, "D": 1024, "N": 4096,
         "M": 4096, "K": 4096, "Parts": 4, "PARTS": 4, "S": 2048, "Sn": 16, "R": 64, "V": 32000, "C": 64, "L": 2048}
OWN = {"attention_split": {"Sq": 1, "Sk": 8192}, "attention_merge": {"Sq": 1}, "rotary": {"D": 128}, "rotary_pairs": {"D": 128},
       "attention_dbias": {"NB": 2, "NH": 8, "NQ": 2048, "NK": 2048, "SUMQ": 0, "SUMK": 0},
       "cache_append": {"INTERLEAVED": 0}, "rotary_queries": {"INTERLEAVED": 0, "Sq": 16},
       "accumulate": {"D": 128}, "rounded": {"D": 128}, "top_k": {"COUNT": 8, "D": 256},
       "block_sparse": {"SIDE": 64, "Z": 512, "Rows1": 65, "N": 1024},
       "convolution": {"Places": 56 * 56, "FH": 3, "FW": 3, "O": 64, "Outs": 56 * 56, "height": 56, "width": 56, "outWidth": 56,
                       "stride": 1, "pad": 1},
       "gated_delta": {"N": 2048}, "gelu": {"N": 1 << 20}, "gelu_backward": {"N": 1 << 20}, "vector_add": {"N": 1 << 20},
       "layer_norm_backward": {"M": 1024}, "rms_norm_backward": {"M": 1024}, "int4": {"GROUP": 128, "K2": 2048, "Groups": 32}, "moe": {"M": 8192, "Blocks": 128, "E": 8, "F": 2048},
       "moe_combine": {"M": 8192, "F": 2048}, "score_gradient": {"Sq": 1024, "Sk": 1024}}
SCALARS = {"scale": 0.088, "eps": 1e-5, "base": 10000.0, "first": 0, "turn": 1.0, "seed": 7, "threshold": 1 << 30, "offset": 0}
TYPES = {"T": ("f16", "f32", "i32"), "U": ("f16",), "W": ("f32",)}  # the first that is allowed


def evaluate(postfix, extents):
    stack = []
    for word in postfix.split():
        if word == "*":
            stack.append(stack.pop() * stack.pop())
        else:
            stack.append(int(word) if word.isdigit() else extents[word])
    return stack[0]


def flags(kernel, signature):
    """The command line's words for this kernel."""
    extents = {**USUAL, **OWN.get(kernel, {})}
    for kind in signature["types"]:
        allowed = kind["allowed"]
        yield from ("--set", "%s=%s" % (kind["name"], next(x for x in TYPES[kind["name"]] if not allowed or x in allowed)))
    inferred = {word for each in signature["parameters"] for extent in each.get("view", ()) for word in extent.split()}
    for name in signature["integers"]:
        if name not in inferred:
            yield from ("--set", "%s=%d" % (name, extents[name]))
    for each in signature["parameters"]:
        if each.get("optional"):
            continue
        name = each["name"]
        if "view" not in each:
            yield from ("--arg", "%s=%s" % (name, SCALARS.get(name, extents.get(name))))
        else:
            shape = "x".join(str(evaluate(extent, extents)) for extent in each["view"])
            yield from ("--out" if each["output"] and not each["inPlace"] else "--arg", "%s=%s" % (name, shape))


def tune(file, kernel, signature):
    """The report, or None and what was said; and the seconds."""
    stem = os.path.join(options.folder, kernel)
    begin = time.monotonic()
    done = subprocess.run([options.imbrex, "tune", file, "--kernel", kernel, "--device", options.device, "--json", "--again",
                           "--budget", str(options.budget), "--cache-dir", os.path.join(options.folder, "cache"),
                           "--picture", stem + ".svg", *flags(kernel, signature)], capture_output=True, text=True)
    with open(stem + ".json", "w", encoding="utf-8") as out:
        out.write(done.stdout)
    return (json.loads(done.stdout) if done.returncode == 0 else None), done.stderr.strip(), time.monotonic() - begin


def row(kernel, report, seconds):
    candidates = report["candidates"]
    counts = {name: sum(each["outcome"] == name for each in candidates)
              for name in ("estimated", "duplicate", "refused", "waiting", "failed")}
    best, first = candidates[report["best"]], candidates[0]
    changed = ", ".join("%s %s to %s" % (name, first["tuning"][name], value) for name, value in best["tuning"].items()
                        if first["tuning"][name] != value) or "the default"
    print("| %s | %d | %s | %s, %.3f | %.0f s%s |" % (
        kernel, len(candidates), " | ".join(str(counts[name]) for name in counts), changed, best.get("ratio", 1), seconds,
        "" if report["complete"] else ", cut"), flush=True)
    return counts


def main():
    os.makedirs(options.folder, exist_ok=True)
    failures = []
    library = imbrex.Library(options.library)
    print("| kernel | candidates | ranked | same code | refused | not tried | failed | best by the model, ratio | time |\n"
          "|---|---|---|---|---|---|---|---|---|", flush=True)
    with library.open(options.device) as runtime:
        for folder in ("kernels", "kernels/lessons"):
            for name in sorted(os.listdir(os.path.join(options.source, folder))):
                file = os.path.join(options.source, folder, name)
                if not name.endswith(".tile"):
                    continue
                module = runtime.load(file)
                for index in range(library.call("module_kernel_count", module.handle)):
                    kernel = library.call("module_kernel_name", module.handle, index).decode()
                    if options.only not in ("", kernel):
                        continue
                    signature = module.kernel(kernel).signature()
                    report, said, seconds = tune(file, kernel, signature)
                    if report is None:
                        print("| %s | %s |" % (kernel, said.replace("\n", " ")), flush=True)
                    if report is None or (counts := row(kernel, report, seconds))["failed"] or not counts["estimated"]:
                        failures.append(kernel)
    print("failed: " + ", ".join(failures) if failures else "all were tuned")
    return 1 if failures else 0


sys.exit(main())
