# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bench.py with --tiny: the road of each measurement on small shapes, its checks and its records, and no time.

Python's standard library alone. What is checked here is checked by other means than the kernel's: plain.py, or numbers
that are known.
"""
import os, tempfile
import cases, device as devices, launch_overhead, plain
import progress as ends
from context import Context
from imbrex import View
from progress import Progress
from records import Records

ATTENTION = [cases.Attention(1, 2, 1, 33, 40, 16, mask="causal"),
             cases.Attention(2, 2, 2, 17, 24, 16, type="f16"),
             cases.Attention(1, 2, 2, 20, 20, 24, value_dim=16, mask="window:5:3", softcap=15),
             cases.Attention(1, 3, 1, 1, 50, 32),
             cases.Attention(1, 1, 1, 9, 4, 16, mask="causal")]  # rows that see nothing


def kernel_of(device, case):
    kernel = device.kernel("attention_forward.tile").set("T", case.type)
    for name, function in case.hooks().items():
        kernel.hook(name, function)
    return kernel


def attention(case, context):
    inputs = plain.Inputs(case)
    problem = plain.Attention(context.device.runtime, case, inputs)
    wrong = plain.Judge(case, inputs).judge(*problem.launch(kernel_of(context.device, case)))
    report(context, case.fields("attention_forward"), wrong, variant="default")


def report(context, fields, wrong, **more):
    """The record of a check: without numbers."""
    if wrong:
        raise AssertionError(wrong)
    context.records.write(fields, [dict(more, implementation="imbrex", checked=True)])
    context.progress.say("right: %s %s %s" % (fields["kind"], fields["shape"], fields.get("mask", "")))


def decode_cache(case, context):
    """The last token's output from a cache is that of the whole causal attention."""
    import dataclasses

    whole = plain.Inputs(case)
    last = dataclasses.replace(case, q=1)
    part = plain.Inputs(last)
    part.q, part.k, part.v = whole.q[-case.heads * case.head_dim :], whole.k, whole.v
    runtime, row = context.device.runtime, case.heads * case.head_dim
    all_rows, _ = plain.Attention(runtime, case, whole).launch(kernel_of(context.device, case))
    one, _ = plain.Attention(runtime, last, part).launch(kernel_of(context.device, last))
    error = plain.difference(all_rows[-row:], one)
    report(context, case.fields("decode_cache"), "differs by %g" % error if error > 1e-2 else "", variant="cache")


def launch(context):
    """The kernel of 19 arguments adds them."""
    runtime = context.device.runtime
    y = runtime.upload(b"\xff" * 128)
    kernel = runtime.load_source("nineteen.tile", launch_overhead.TEXT).kernel()
    kernel.bind({"Y": View(y, "f32", [32]), **launch_overhead.values()})()
    runtime.synchronize()
    wrong = plain.decode(y.download(), "f32") != [launch_overhead.EXPECTED] * 32
    report(context, launch_overhead.FIELDS, "the sum is wrong" if wrong else "")


def compilation(context):
    """A kernel compiled in one runtime is found on disk by the next."""
    with tempfile.TemporaryDirectory() as folder:
        for from_disk in (0, 1):
            with context.device.open(folder) as runtime:
                views = {name: View(runtime.allocate(256), "f32", [64]) for name in "XYZ"}
                info = context.device.kernel("lessons/vector_add.tile", runtime).prepare(views)
                if info.numbers()["from_disk"] != from_disk:
                    raise AssertionError("from_disk is %d" % info.numbers()["from_disk"])
    report(context, {"kind": "compile", "kernel": "vector_add", "shape": {"elements": 64}}, "", variant="disk")


def bench(chosen):
    progress = Progress(chosen.seconds)
    device = devices.Device(chosen)
    records = Records(os.path.join(chosen.out, "bench.jsonl"), chosen.resume, lambda: device.facts(progress.since), devices.commit(chosen.commit),
                      devices.software())
    context = Context(device, records, progress)
    for case in ATTENTION:
        context.run_once(case.fields("attention_forward"), case.text(), lambda: attention(case, context))
    case = cases.Attention(1, 2, 2, 12, 12, 16, type="f16", mask="causal")
    context.run_once(case.fields("decode_cache"), "decoding with a cache", lambda: decode_cache(case, context))
    context.run_once(launch_overhead.FIELDS, "a launch", lambda: launch(context))
    context.run_once({"kind": "compile", "kernel": "vector_add", "shape": {"elements": 64}}, "compiling", lambda: compilation(context))
    progress.say("%d checks passed, %d failed; nothing was measured" % (len(records.groups) - records.wrong, records.wrong))
    return ends.WRONG if records.wrong else ends.DONE
