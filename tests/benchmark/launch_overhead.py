# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The host's time to launch a kernel of 19 arguments: ours, the driver's own call, and Triton's. Triton: where it is.

All are called from Python. What Python's foreign call itself costs is measured with a function that does nothing and
takes as many arguments of the same kinds, and subtracted from ours and from the driver's; Triton is called as its users
call it, in Python, and nothing is subtracted. The driver launches the very kernel that ours launches.
"""
import ctypes, importlib.util, json, os, tempfile, time
from ctypes import c_void_p
import spread
from context import LOST, running

ARGUMENTS, LAUNCHES, ROUNDS = 19, 100, 41
SCALARS = ["a%d" % i for i in range(ARGUMENTS - 1)]
TEXT = """
kernel nineteen(Y: out view<f32>[32], %s)
tune { warps: {1} = 1; }
grid (1) |i| { store Y[0 :+ 32] = fill<f32>[32](%s); }
""" % (", ".join("%s: f32" % name for name in SCALARS), " + ".join(SCALARS))
FIELDS = {"kind": "launch", "kernel": "arguments19", "shape": {"arguments": ARGUMENTS}}


def values():
    return {name: float(i) for i, name in enumerate(SCALARS)}


EXPECTED = float(sum(range(ARGUMENTS - 1)))


def bound(function, fixed):
    """A callable of the very shape that imbrex.Kernel.bind gives: Python spends on each as much around the foreign call."""

    def run():
        if status := function(*fixed):
            raise RuntimeError("the driver answers %d" % status)

    return run


def driver_call(info, address, stream):
    """(cuLaunchKernel by itself, of PTX that the library made; the types of its arguments, and the arguments)."""
    cuda = ctypes.CDLL("libcuda.so.1")
    interface, module, entry = json.loads(info.text("interface")), c_void_p(), c_void_p()
    bound(cuda.cuModuleLoadData, (ctypes.byref(module), info.text("ptx").encode()))()
    bound(cuda.cuModuleGetFunction, (ctypes.byref(entry), module, interface["entry"].encode()))()
    stored = [ctypes.c_uint64(address)] + [ctypes.c_float(value) for value in values().values()]
    packed = (c_void_p * ARGUMENTS)(*(ctypes.cast(ctypes.byref(value), c_void_p) for value in stored))
    cuda.cuLaunchKernel.argtypes = [c_void_p] + [ctypes.c_uint] * 7 + [c_void_p] * 3
    fixed = (entry, 1, 1, 1, 32, 1, 1, info.numbers()["shared_bytes"], stream, packed, None)
    run = bound(cuda.cuLaunchKernel, fixed)
    run.kept = stored
    return run, cuda.cuLaunchKernel.argtypes, fixed


def nothing(library, types, fixed):
    """A foreign call that does nothing, with these arguments."""
    function = ctypes.CDLL(library.dll._name)["imbrex_c_version"]  # a function object of its own
    function.argtypes, function.restype = types, None  # None is success to `bound`
    return bound(function, fixed)


TRITON = """import triton
import triton.language as tl


@triton.jit
def nineteen(y, %s):
    tl.store(y + tl.arange(0, 32), tl.full([32], 0.0, tl.float32) + (%s))
""" % (", ".join(SCALARS), " + ".join(SCALARS))


def triton_call(y):
    """Triton reads a kernel's source from a file, which must stay."""
    folder = tempfile.TemporaryDirectory()
    path = os.path.join(folder.name, "nineteen_triton.py")
    with open(path, "w") as file:
        file.write(TRITON)
    spec = importlib.util.spec_from_file_location("nineteen_triton", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    arguments = list(values().values())

    def call():
        module.nineteen[(1,)](y, *arguments, num_warps=1)

    call.kept = folder
    return call


def host_time(call, synchronize):
    """Microseconds of the host for one launch; the queue is empty before, and never full."""
    synchronize()
    begin = time.perf_counter()
    for _ in range(LAUNCHES):
        call()
    end = time.perf_counter()
    synchronize()
    return (end - begin) / LAUNCHES * 1e6


def calls_of(context, y):
    """({name: a launch}, {name: a foreign call that costs Python as much and does nothing})."""
    import ours

    device, stream = context.device, ours.here(context.device)
    kernel = device.runtime.load_source("nineteen.tile", TEXT).kernel()
    named = {"Y": ours.view(y), **values()}
    arguments = kernel.arguments(named)
    bare, bare_types, bare_fixed = driver_call(kernel.prepare(named), y.data_ptr(), stream.raw)
    fixed = (kernel.handle, stream.handle, arguments.array, arguments.count, ctypes.byref(c_void_p()))
    calls = {"imbrex": kernel.bind(arguments, stream), "driver": bare}
    if "triton" in context.peers:
        calls["triton"] = triton_call(y)
    empty = {"imbrex": nothing(device.library, device.library.functions["kernel_launch"].argtypes, fixed),
             "driver": nothing(device.library, bare_types, bare_fixed)}
    return calls, empty


def checked_lines(calls, y, lost):
    """A line for each whose kernel wrote what it should."""
    from attention import attempt

    lines = {}
    for name, call in calls.items():
        y.fill_(float("nan"))
        right, failure = (False, LOST) if name in lost else attempt(name, lambda: (call(), bool((y == EXPECTED).all()))[1])
        lines[name] = {"implementation": name, "checked": bool(right)}
        if not right:
            lines[name]["failure"] = failure or "wrong result"
    return lines


def rounds_of(calls, empty, synchronize):
    """{name: microseconds a round}, the cost of the foreign call taken off, and {name: that cost}."""
    times, costs = {name: [] for name in calls}, {name: [] for name in empty if name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            with running(name):
                times[name].append(host_time(call, synchronize))
            if name in costs:
                costs[name].append(host_time(empty[name], synchronize))
    costs = {name: spread.spread(rounds)[0] for name, rounds in costs.items()}
    return {name: [time - costs.get(name, 0.0) for time in rounds] for name, rounds in times.items()}, costs


def measure(context):
    import torch

    y = torch.zeros(32, device="cuda")
    calls, empty = calls_of(context, y)
    lines = checked_lines(calls, y, context.records.lost(FIELDS))
    calls = {name: call for name, call in calls.items() if lines[name]["checked"]}
    context.progress.measuring()
    rounds, costs = rounds_of(calls, empty, torch.cuda.synchronize)
    numbers = {name: spread.Numbers(times, 0) for name, times in rounds.items()}
    for name, measured in numbers.items():
        lines[name].update(measured.line())
        taken_off = "Python's foreign call, %.2f us, is subtracted" % costs[name] if name in costs else "called from Python"
        lines[name]["note"] = taken_off
        if name == "imbrex":
            lines[name]["ratios"] = {other: spread.ratio(numbers[other], measured) for other in numbers if other != name}
    context.records.write(FIELDS, lines.values())
    context.progress.say("launch of %d arguments: %s" % (ARGUMENTS, ", ".join(
        "%s %.2f us" % (name, measured.line()["median"]) for name, measured in numbers.items())))


def measure_group(context):
    context.run_once(FIELDS, "launch of %d arguments" % ARGUMENTS, lambda: measure(context))
