# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What every script here needs at its start: the command line, the library, a device, and what is known of it.

The scripts run from the project's tree or from a copy of it: tests/benchmark, tests/support, tools/report and kernels as
here, the library named by --library. Python's standard library only.
"""
import argparse, itertools, os, platform, shutil, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import clocks, imbrex  # noqa: E402


def command_line(description):
    """The options that all scripts share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--library", default=os.path.join(ROOT, "build", "runtime", "library", "libimbrex.so"))
    parser.add_argument("--device", default="cuda:0", help="cuda:0, or a simulated one with --tiny: sim:h200")
    parser.add_argument("--tiny", action="store_true", help="small cases with Python's standard library alone; no time is taken")
    parser.add_argument("--out", default=".", help="the folder that everything is put into")
    parser.add_argument("--seconds", type=float, default=520, help="end before so many have passed")
    parser.add_argument("--resume", action="store_true", help="leave out what already stands in the folder")
    parser.add_argument("--commit", default="", help="of Imbrex; else git is asked")
    parser.add_argument("--ptxas", default="", help='a program, or "driver"; else one is looked for')
    return parser


def commit(given):
    if given:
        return given
    try:
        told = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
    except OSError:
        return "unknown"
    return told.stdout.strip() or "unknown"


def no_memory():
    """Addresses to compile for, never to launch: aligned, and so far apart that no views overlap."""
    return itertools.count(1 << 40, 1 << 36)


def find_ptxas(given):
    """A path, or None: the driver assembles."""
    if given:
        return None if given == "driver" else given
    return shutil.which("ptxas") or shutil.which("/usr/local/cuda/bin/ptxas")


def software():
    """Versions of what is loaded in this process."""
    found = {"python": platform.python_version()}
    for name in ("torch", "triton"):
        if name in sys.modules:
            found[name] = sys.modules[name].__version__
    if "torch" in sys.modules:
        found["cuda"] = str(sys.modules["torch"].version.cuda)
        found["cudnn"] = str(sys.modules["torch"].backends.cudnn.version())
    return found


class Device:
    """A device with the library's runtime on it. Where there is none the process ends, with the reason."""

    def __init__(self, options, cache=None):
        """`cache`: a folder for the disk cache of `runtime`."""
        self.options, self.ptxas = options, find_ptxas(options.ptxas)
        try:
            self.library = imbrex.Library(options.library)
            self.runtime = self.open(cache)
        except (OSError, imbrex.ImbrexError) as error:
            print("%s on %s: %s" % (options.library, options.device, error), file=sys.stderr)
            sys.exit(2)
        self.info = self.runtime.device
        self.simulated = bool(self.info.simulated)
        self.clocks = None if self.simulated else clocks.Sampler(self.info.id.decode())

    def open(self, cache=None):
        """A runtime of its own, with nothing compiled yet; `cache`: a folder for the disk cache."""
        return self.library.open(self.options.device, cache_directory=cache, ptxas=self.ptxas)

    def kernel(self, name, runtime=None):
        return (runtime or self.runtime).load(os.path.join(ROOT, "kernels", name)).kernel()

    def facts(self, since):
        """The field `device` of a record, with the clocks since then (time.monotonic())."""
        facts = {"id": self.info.id.decode(), "name": self.info.name.decode(), "simulated": self.simulated}
        if self.simulated:
            return facts
        facts.update(compute_capability="%d.%d" % (self.info.major, self.info.minor), multiprocessors=self.info.multiprocessors)
        facts.update(driver=str(self.info.driver_version))
        facts.update(self.clocks.facts(since))
        return facts


def torch_sees_a_gpu(loss):
    """Loads torch. False, with a line that names what is missing and what is lost by it, where it cannot be used."""
    try:
        import torch
    except ImportError:
        print("missing: torch, without which nothing is " + loss, file=sys.stderr)
        return False
    if not torch.cuda.is_available():
        print("no GPU: torch sees none", file=sys.stderr)
        return False
    return True


def say_what_is_measured(options):
    """A simulated device runs only the small checks, and those only run on one. Says so; exits where it is otherwise."""
    simulated = options.device.startswith("sim:")
    if simulated != options.tiny:
        print("a simulated device measures nothing: it runs with --tiny, and --tiny runs on one", file=sys.stderr)
        sys.exit(2)
    if simulated:
        print("%s is a simulated device: this run checks results and measures nothing" % options.device, flush=True)
