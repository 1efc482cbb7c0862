#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""vector_add through the C interface, by every way to machine code that this machine has, and from the disk cache.

usage: smoke.py KIT DEVICE
"""
import array, os, shutil, sys, tempfile

KIT, DEVICE = sys.argv[1:]
sys.path.insert(0, os.path.join(KIT, "tests", "support"))
import imbrex

COUNT = 3001


def launch(library, **options):
    """Opens the device, adds two vectors, checks every element; what is known of the kernel."""
    with library.open(DEVICE, **options) as runtime:
        kernel = runtime.load(os.path.join(KIT, "kernels", "lessons", "vector_add.tile")).kernel()
        x, y = array.array("f", range(COUNT)), array.array("f", (0.5 * i for i in range(COUNT)))
        out = runtime.allocate(4 * COUNT)
        views = {name: imbrex.View(runtime.upload(values.tobytes()), "f32", [COUNT]) for name, values in (("X", x), ("Y", y))}
        views["Z"] = imbrex.View(out, "f32", [COUNT])
        with runtime.create_stream() as stream:
            run = kernel.bind(views, stream)
            run()
            run()
            stream.synchronize()
        got = array.array("f", out.download())
        wrong = [i for i in range(COUNT) if got[i] != x[i] + y[i]]
        if wrong:
            sys.exit("element %d is %r, not %r" % (wrong[0], got[wrong[0]], x[wrong[0]] + y[wrong[0]]))
        return runtime.device, kernel.prepare(views).numbers()


def main():
    library = imbrex.Library(os.path.join(KIT, "lib", "libimbrex.so.0"))
    cache = tempfile.TemporaryDirectory()
    roads = {"driver or simulator": {}, "into the cache": dict(cache_directory=cache.name),
             "from the cache": dict(cache_directory=cache.name)}
    if shutil.which("ptxas") and DEVICE.startswith("cuda:"):
        roads["ptxas"] = dict(ptxas=shutil.which("ptxas"))
    for name, options in roads.items():
        device, numbers = launch(library, **options)
        if bool(numbers["from_disk"]) != (name == "from the cache"):
            sys.exit("%s: the disk cache was not used as it should be: %r" % (name, numbers))
        print("%s: right, %d registers a thread" % (name, numbers["registers"]))
    print("%s (%s): right by %d roads" % (device.id.decode(), device.name.decode(), len(roads)))


if __name__ == "__main__":
    main()
