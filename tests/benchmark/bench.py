#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Our kernels beside PyTorch's backends, FlexAttention, Triton's tutorial kernel and the driver. README.md tells how.

usage: bench.py --out DIR [--seconds N] [--resume] [--group NAME ...]          on a GPU, with torch
       bench.py --tiny --device sim:h200 --out DIR                            checks only, Python's standard library alone

Everything that is compared runs in one process, in turns. A lost device ends only that process: the rest goes on in
another. One JSON line a measurement, in DIR/bench.jsonl.
"""
import os, sys
import children
import device as devices
import progress as ends
import ratios, shapes
from context import Context
from progress import Progress
from records import Records

RESTARTS = 16  # each after a lost device or a hang


def options():
    parser = devices.command_line("Time of our kernels beside their peers.")
    parser.add_argument("--group", action="append", choices=shapes.GROUPS, help="only this group, may be repeated")
    parser.add_argument("--without", default="", help="peers to leave out: torch.math,flex")
    parser.add_argument("--child", action="store_true", help="run in this process")
    return parser.parse_args()


def measure_group(name, context):
    if name in shapes.ATTENTION:
        import attention

        attention.measure_group(shapes.ATTENTION[name], "attention_decode" if name == "decode" else "attention_forward", context)
    elif name == "standard":
        import standard

        standard.measure_group(shapes.STANDARD, context)
    else:
        module = {"launch": "launch_overhead", "compile": "compile_time"}.get(name, name)
        __import__(module).measure_group(context)


def child(chosen):
    """The groups, on a GPU, in this process; what stands in the folder is left out."""
    progress = Progress(chosen.seconds)
    with progress.doing("loading torch"):
        if not devices.torch_sees_a_gpu("measured"):
            return ends.USAGE
        import torch
        import peers, rule
    with progress.doing("opening " + chosen.device):
        device = devices.Device(chosen)
        torch.cuda.set_device(int(chosen.device.split(":")[1]))
        side = torch.cuda.Stream()
    names = peers.present(chosen.without.split(","), progress.say)

    records = Records(os.path.join(chosen.out, "bench.jsonl"), True, lambda: device.facts(progress.since), devices.commit(chosen.commit),
                      devices.software())
    context = Context(device, records, progress, names, rule.device_lost)
    progress.say("before: %s" % device.facts(progress.since))
    with torch.no_grad(), torch.cuda.stream(side):
        for name in chosen.group or shapes.GROUPS:
            progress.say("group %s" % name)
            measure_group(name, context)
    return ends.WRONG if records.wrong else ends.DONE


def parent(chosen):
    """The groups in a process of their own, and in another what a lost device or a hang left."""
    progress = Progress(chosen.seconds, watch=False)
    for what, why in shapes.LEFT_OUT.items():
        progress.say("left out: %s: %s" % (what, why))
    words = ["--child", "--commit", devices.commit(chosen.commit)]
    words += ["--%s=%s" % (option, getattr(chosen, option)) for option in ("library", "device", "out", "without", "ptxas")]
    words += ["--group=%s" % name for name in chosen.group or ()]
    for _ in range(RESTARTS):
        # Compile times are to be cold; FlexAttention's compiler starts no processes for its one kernel.
        code = children.run(os.path.abspath(__file__), words, progress, CUDA_CACHE_DISABLE="1", TORCHINDUCTOR_COMPILE_THREADS="1")
        if code in (ends.DONE, ends.WRONG, ends.USAGE, ends.TIME_OVER):
            break
        progress.say("the process ended with %d; the rest goes on in a new one" % code)
    return code


def tell_ratios(chosen, say):
    """What stands in the file, a line for each kind of shape and peer: the last lines of a run."""
    path = os.path.join(chosen.out, "bench.jsonl")
    for what, ratio, count in ratios.means(path) if os.path.exists(path) else ():
        say("%s: imbrex %.2fx (geometric mean of %d)" % (what, ratio, count))


def main():
    chosen = options()
    os.makedirs(chosen.out, exist_ok=True)
    devices.say_what_is_measured(chosen)
    if chosen.tiny:
        import tiny

        return tiny.bench(chosen)
    if chosen.child:
        return child(chosen)
    if not chosen.resume:
        Records(os.path.join(chosen.out, "bench.jsonl"), False, None, "", {})
    code = parent(chosen)
    tell_ratios(chosen, print)
    return code


if __name__ == "__main__":
    sys.exit(main())
