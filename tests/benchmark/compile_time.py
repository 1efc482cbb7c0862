# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a first launch waits for: our compiler cold, from the disk cache and from memory; ptxas alone; Triton, cold.

Ours is timed from the call to a loaded kernel, in a runtime opened for it that has compiled nothing. The driver's own
cache of assembled PTX must be off: bench.py starts the process with CUDA_CACHE_DISABLE=1. Triton is timed as its first
launch less its second, of its own attention kernel in one configuration, with a cache folder that is empty.
"""
import os, shutil, subprocess, sys, tempfile, time
import spread
from device import no_memory
from imbrex import View

ROUNDS = 7
TRITON_SECONDS = 100  # of one process, most of it imports on a slow disk
WORK = {"vector_add": {"elements": 4096}, "attention": {"head_dim": 128}}


def arguments_of(name):
    """(the kernel's file, its hooks, arguments)."""
    addresses = no_memory()
    if name == "vector_add":
        return "lessons/vector_add.tile", {}, {each: View(next(addresses), "f32", [4096]) for each in "XYZ"}
    extents = [1, 256, 4, WORK[name]["head_dim"]]
    arguments = {each: View(next(addresses), "bf16", extents) for each in "QKVO"}
    arguments.update(L=View(next(addresses), "f32", [1, 4, 256]), scale=0.1)
    return "attention_forward.tile", {"mask": "causal"}, arguments


def prepare(device, name, cache, twice=False):
    """(microseconds until the kernel is loaded, its info), or of the second time in the same runtime."""
    path, hooks, arguments = arguments_of(name)
    with device.open(cache) as runtime:
        kernel = device.kernel(path, runtime)
        for hook, function in hooks.items():
            kernel.hook(hook, function)
        if twice:
            kernel.prepare(arguments)
        begin = time.perf_counter()
        info = kernel.prepare(arguments)
        return (time.perf_counter() - begin) * 1e6, info


def imbrex_rounds(device, name, progress):
    """{variant: microseconds a round}, the last PTX, and what was not as it should be."""
    times, wrong = {"cold": [], "disk": [], "memory": []}, ""
    with tempfile.TemporaryDirectory() as folder:
        with progress.doing("compiling %s for the first time" % name):
            prepare(device, name, folder)  # the process's first compilation is also its first use of the compiler
        for _ in range(ROUNDS):
            for variant, cache, twice in (("cold", None, False), ("disk", folder, False), ("memory", None, True)):
                with progress.doing("compiling %s, %s" % (name, variant)):
                    microseconds, info = prepare(device, name, cache, twice)
                times[variant].append(microseconds)
                if bool(info.numbers()["from_disk"]) != (variant == "disk"):
                    wrong = "%s: from_disk is %d" % (variant, info.numbers()["from_disk"])
    return times, info.text("ptx"), wrong


def ptxas_rounds(device, ptx, progress):
    target = ptx.split(".target ")[1].split()[0].rstrip(",")
    times = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "kernel.ptx")
        with open(path, "w") as file:
            file.write(ptx)
        words = [device.ptxas, "-arch=" + target, "-O3", path, "-o", os.path.join(folder, "kernel.cubin")]
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            with progress.doing("ptxas"):
                subprocess.run(words, check=True, capture_output=True)
            times.append((time.perf_counter() - begin) * 1e6)
    return times


def triton_rounds(progress, rounds=3):
    """Each time in a folder of its own; compile_triton.py is a process of its own, so that nothing is remembered. One that
    does not end in time is left out by subprocess.TimeoutExpired, and is no hang of this process."""
    times = []
    for _ in range(rounds):
        folder = tempfile.mkdtemp()
        try:
            with progress.doing("compiling by triton in a process of its own", TRITON_SECONDS + 20):
                told = subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "compile_triton.py")],
                                      env=dict(os.environ, TRITON_CACHE_DIR=folder), capture_output=True, text=True,
                                      check=True, timeout=TRITON_SECONDS)
            times.append(float(told.stdout.split()[-1]))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return times


def measure(name, context):
    times, ptx, wrong = imbrex_rounds(context.device, name, context.progress)
    found = {("imbrex", variant): rounds for variant, rounds in times.items()}
    if context.device.ptxas:
        found["ptxas", "cold"] = ptxas_rounds(context.device, ptx, context.progress)
    else:
        context.progress.say("  ptxas is left out: none was found, the driver assembles")
    lines = []
    if name == "attention" and "triton" in context.peers:
        try:
            found["triton", "cold"] = triton_rounds(context.progress)
        except subprocess.CalledProcessError as error:
            reason = (error.stderr.strip() or "nothing said").splitlines()[-1]
            lines.append({"implementation": "triton", "variant": "cold", "checked": False, "failure": reason})
        except subprocess.TimeoutExpired:
            lines.append({"implementation": "triton", "variant": "cold", "checked": False, "failure": "no end in %d s" % TRITON_SECONDS})
    for (implementation, variant), rounds in found.items():
        line = {"implementation": implementation, "variant": variant, "checked": not wrong}
        line.update({"failure": wrong} if wrong else spread.Numbers(rounds, 0).line())
        line["configuration"] = {"ptxas": bool(context.device.ptxas)}
        lines.append(line)
    context.records.write(fields(name), lines)
    context.progress.say("compile %s: %s" % (name, ", ".join(
        "%s %s %.1f ms" % (line["implementation"], line["variant"], line["median"] / 1e3) for line in lines if "median" in line)))


def fields(name):
    return {"kind": "compile", "kernel": name, "shape": WORK[name]}


def measure_group(context):
    for name in WORK:
        context.run_once(fields(name), "compile " + name, lambda: measure(name, context))
