# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The host's time to launch a kernel of 19 arguments: ours, the driver's own call, and Triton's. Triton: where it is.

All are called from Python. What Python's foreign call itself costs is measured with a function that does nothing and
takes as many arguments of the same kinds, and subtracted from ours and from the driver's; Triton is called as its users
call it, in Python, and nothing is subtracted. The driver launches the very kernel that ours launches.
"""
import ctypes, json, time
import spread
from ctypes import c_void_p

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


class Driver:
    """cuLaunchKernel by itself, of PTX that the library made."""

    def __init__(self, info, address, stream):
        cuda = ctypes.CDLL("libcuda.so.1")
        interface, module, self.function = json.loads(info.text("interface")), c_void_p(), c_void_p()
        self._must(cuda.cuModuleLoadData(ctypes.byref(module), info.text("ptx").encode()))
        self._must(cuda.cuModuleGetFunction(ctypes.byref(self.function), module, interface["entry"].encode()))
        self.values = [ctypes.c_uint64(address)] + [ctypes.c_float(value) for value in values().values()]
        pointers = [ctypes.cast(ctypes.byref(value), c_void_p) for value in self.values]
        self.packed = (c_void_p * ARGUMENTS)(*pointers)
        self.launch = cuda.cuLaunchKernel
        self.launch.argtypes = [c_void_p] + [ctypes.c_uint] * 7 + [c_void_p] * 3
        self.fixed = (self.function, 1, 1, 1, 32, 1, 1, info.numbers()["shared_bytes"], stream, self.packed, None)

    @staticmethod
    def _must(status):
        if status:
            raise RuntimeError("the driver answers %d" % status)

    def __call__(self):
        self._must(self.launch(*self.fixed))


def nothing(library, types, fixed):
    """A foreign call that does nothing, with these arguments."""
    function = ctypes.CDLL(library.dll._name)["imbrex_c_version"]  # a function object of its own
    function.argtypes = types
    return lambda: function(*fixed)


def triton_call(y):
    import triton
    import triton.language as tl

    names = ", ".join(SCALARS)
    # Triton reads its kernels' source from a file.
    import importlib.util, os, tempfile

    folder = tempfile.TemporaryDirectory()
    path = os.path.join(folder.name, "nineteen_triton.py")
    with open(path, "w") as file:
        file.write("import triton\nimport triton.language as tl\n\n\n@triton.jit\ndef nineteen(y, %s):\n" % names)
        file.write("    tl.store(y + tl.arange(0, 32), tl.full([32], 0.0, tl.float32) + (%s))\n" % " + ".join(SCALARS))
    spec = importlib.util.spec_from_file_location("nineteen_triton", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    arguments = [float(i) + 0.0 for i in range(ARGUMENTS - 1)]

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


def measure(context):
    import torch
    import ours

    device, y = context.device, torch.full((32,), float("nan"), device="cuda")
    kernel = device.runtime.load_source("nineteen.tile", TEXT).kernel()
    named = {"Y": ours.view(y), **values()}
    stream = ours.here(device)
    run, library = kernel.bind(named, stream), device.library
    bare = Driver(kernel.prepare(named), y.data_ptr(), stream.raw)
    calls = {"imbrex": run, "driver": bare}
    if "triton" in context.peers:
        calls["triton"] = triton_call(y)
    lines = {}
    for name, call in calls.items():
        y.fill_(float("nan"))
        call()
        torch.cuda.synchronize()
        error = (y - EXPECTED).abs().max().item()
        lines[name] = {"implementation": name, "checked": error == 0}
    arguments = kernel.arguments(named)
    empty = {"imbrex": nothing(library, library.functions["kernel_launch"].argtypes,
                               (kernel.handle, stream.handle, arguments.array, arguments.count, ctypes.byref(c_void_p()))),
             "driver": nothing(library, bare.launch.argtypes, bare.fixed)}
    times = {key: [] for key in list(calls) + ["empty " + name for name in empty]}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            times[name].append(host_time(call, torch.cuda.synchronize))
            if name in empty:
                times["empty " + name].append(host_time(empty[name], torch.cuda.synchronize))
    numbers = {}
    for name, line in lines.items():
        call_cost = spread.spread(times["empty " + name])[0] if name in empty else 0.0
        numbers[name] = spread.Numbers([max(value - call_cost, 0.001) for value in times[name]], 0)
        line.update(numbers[name].line())
        line["note"] = ("Python's foreign call subtracted: %.2f us" % call_cost) if name in empty else "called from Python"
    lines["imbrex"]["ratios"] = {name: spread.ratio(numbers[name], numbers["imbrex"]) for name in numbers if name != "imbrex"}
    context.records.write(FIELDS, lines.values())
    context.progress.say("launch of %d arguments: %s" % (ARGUMENTS, ", ".join(
        "%s %.2f us" % (name, line["median"]) for name, line in lines.items())))


def measure_group(context):
    context.run_once(FIELDS, "launch of %d arguments" % ARGUMENTS, lambda: measure(context))
