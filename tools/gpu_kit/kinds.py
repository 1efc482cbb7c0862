# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What each kind of run does, as lists of steps. On a machine without a GPU the same lists, made small, run on a
simulated device; what needs the real thing is left out by name."""
import os, shutil, subprocess

from runner import Step

KINDS = ("smoke", "tests", "record", "bench", "micro", "tune")
NEEDS_GPU = "needs a GPU"


class Kit:
    """The folder and the device. `root` has bin/, lib/, and below it kernels/ and tests/ as in the source tree."""

    def __init__(self, root, device, state):
        self.root, self.device, self.state = root, device, state
        self.gpu = device.startswith("cuda:")
        with open(os.path.join(root, "kit", "commit")) as file:
            self.commit = file.read().strip()

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def program(self, name, *words):
        return [self.path("bin", name), *words]

    def script(self, path, *words):
        return ["python3", self.path(*path.split("/")), *words]

    def gtest(self, name, pattern, *words):
        return self.program(name, "--gtest_filter=" + pattern, "--device", self.device, "--root", self.root, *words)

    def cli(self, *words):
        return self.program("imbrex", *words)

    def for_gpu(self):
        return "" if self.gpu else NEEDS_GPU


def tests_of(kit, program):
    """Names of a GoogleTest program's tests."""
    listed = subprocess.run(kit.program(program, "--gtest_list_tests", "--device", kit.device), capture_output=True,
                            text=True, timeout=60).stdout
    names, suite = [], ""
    for line in listed.splitlines():
        word = line.split("#")[0].rstrip()
        if word.startswith("  "):
            names.append(suite + word.strip())
        elif word.endswith("."):
            suite = word
    return names


def smoke(kit):
    attention = kit.path("kernels", "attention_forward.tile")
    return [
        Step("devices", kit.cli("devices"), 30),
        Step("driver", ["nvidia-smi"], 30, left_out="" if shutil.which("nvidia-smi") else "no nvidia-smi here"),
        Step("vector_add", kit.gtest("kernels_test", "Lessons.VectorAdd"), 60),
        Step("assemblers", kit.gtest("kernels_test", "Assemblers.AgreeOnSoftmax"), 60),
        Step("readme_program", kit.program("attention_example", attention), 60),
        Step("c_interface", kit.script("kit/smoke.py", kit.root, kit.device), 60),
    ]


# The tools of compute-sanitizer, and what runs under each: it makes a launch some hundred times slower.
SANITIZERS = ("memcheck", "racecheck", "initcheck", "synccheck")
SANITIZED = "Lessons.*:AttentionEdge.RowsThatSeeNothingAndPoisonedKeys"
RANDOM_PROGRAMS, RANDOM_CHUNK = 256, 32


def sanitizer_steps(kit):
    missing = NEEDS_GPU if not kit.gpu else "" if shutil.which("compute-sanitizer") else "no compute-sanitizer here"
    for tool in SANITIZERS:
        words = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "9"]
        yield Step("sanitizer/" + tool, words + kit.gtest("kernels_test", SANITIZED), 110, left_out=missing)


def random_steps(kit):
    for first in range(0, RANDOM_PROGRAMS, RANDOM_CHUNK):
        pattern = ":".join("*/%d" % seed for seed in range(first, first + RANDOM_CHUNK))
        yield Step("random/%d" % first, kit.gtest("random_programs_test", pattern), 120)


def tests(kit):
    steps = [Step("seeds", kit.script("tests/kernels/seeds_test.py", kit.path("bin", "imbrex"), kit.root, kit.device), 120),
             Step("readme_program", kit.program("attention_example", kit.path("kernels", "attention_forward.tile")), 60)]
    steps += [Step(name, kit.gtest("kernels_test", name), 120) for name in tests_of(kit, "kernels_test")]
    steps += sanitizer_steps(kit)
    steps += random_steps(kit)
    return steps + [scripted(kit, "grid", 500)]


def record(kit):
    recording, forms = os.path.join(kit.state, "recording.rec"), kit.path("tests", "data", "recorded", "forms.txt")
    words = kit.program("record_forms", "--device", kit.device, "--out", recording, "--forms", forms, "--resume")
    # The recorder appends as it goes: cut off, it goes on at the next call.
    return [Step("record", words, 450, results=("recording.rec",)),
            Step("replay", kit.program("replay_forms", recording, forms), 200, results=("record-replay.log",))]


def scripted(kit, name, limit, *words):
    """A script of tests/benchmark: it goes on where it stopped, and puts NAME.jsonl into the state folder."""
    words = ("--resume", "--seconds", "{seconds}", "--out", kit.state, *words, *(() if kit.gpu else ("--tiny",)))
    library = kit.path("lib", "libimbrex.so.0")
    return Step(name, kit.script("tests/benchmark/%s.py" % name, "--library", library, "--device", kit.device,
                                 "--commit", kit.commit, *words), limit, patient=True, results=(name + ".jsonl",))


def bench(kit):
    return [scripted(kit, "bench", 515)]


def tune(kit):
    return [scripted(kit, "tune", 515)]


def micro(kit):
    for experiment in ("exponentials", "queue", "ports", "shared"):
        name = "micro-%s.jsonl" % experiment
        words = kit.program("micro", "--kernels", kit.path("micro"), "--device", kit.device, "--commit", kit.commit,
                            "--only", experiment, "--json", os.path.join(kit.state, name))
        yield Step(experiment, words, 200, results=(name,))


def steps_of(kind, kit):
    return list(globals()[kind](kit))
