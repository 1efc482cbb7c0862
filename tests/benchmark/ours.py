# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Our kernels on torch's tensors, through the C interface and on torch's stream. Needs: torch with a GPU.

Arguments are prepared once: a launch then costs one foreign call, as in a program that keeps them.
"""
import functools, json
import torch
import imbrex

NAMES = {torch.float16: "f16", torch.bfloat16: "bf16", torch.float32: "f32", torch.float64: "f64", torch.int32: "i32"}


def view(tensor):
    """The tensor's memory; the view keeps the tensor alive."""
    return imbrex.View(tensor.data_ptr(), NAMES[tensor.dtype], list(tensor.shape), list(tensor.stride()), kept=tensor)


@functools.cache
def stream(device, raw):
    return device.runtime.wrap_stream(raw)


def here(device):
    """Torch's current stream."""
    return stream(device, torch.cuda.current_stream().cuda_stream)


@functools.cache
def attention_kernel(device, type, hooks, settings=()):
    """`hooks` and `settings`: pairs of a name and a value."""
    kernel = device.kernel("attention_forward.tile").copy().set("T", type)
    for name, function in hooks:
        kernel.hook(name, function)
    for name, value in settings:
        kernel.set(name, value)
    return kernel


def kernel_of(device, case, settings=()):
    return attention_kernel(device, case.type, tuple(sorted(case.hooks().items())), tuple(settings))


def arguments(case, set):
    return {"Q": view(set.q), "K": view(set.k), "V": view(set.v), "O": view(set.o), "L": view(set.lse), "scale": case.scale}


def attention_binder(device, settings=()):
    """bind(case, set) -> call, as the peers have it; the call fills set.o and set.lse."""

    def bind(case, set):
        run = kernel_of(device, case, settings).bind(arguments(case, set), here(device))

        def call():
            run()
            return set.o

        return call

    return bind


def attention_configuration(device, case, set, settings=()):
    """The tuning parameters of what was compiled, with registers and shared memory; {} if it does not compile."""
    try:
        info = kernel_of(device, case, settings).prepare(arguments(case, set))
    except imbrex.ImbrexError:
        return {}  # the check told why
    return configuration(info, kernel_of(device, case).signature())


def configuration(info, signature):
    constants = json.loads(info.text("interface"))["constants"]
    found = {tunable["name"]: constants[tunable["name"]] for tunable in signature["tunables"] if tunable["name"] in constants}
    numbers = info.numbers()
    found.update((name, numbers[name]) for name in ("warps", "registers", "local_bytes", "shared_bytes", "repairs"))
    return found


def causal_launcher(device):
    """launch(q, k, v, o, scale): causal attention of any lengths, on the current stream."""

    def launch(q, k, v, o, scale):
        kernel = attention_kernel(device, NAMES[q.dtype], (("mask", "causal"),))
        kernel.launch({"Q": view(q), "K": view(k), "V": view(v), "O": view(o), "scale": scale}, here(device))

    return launch
