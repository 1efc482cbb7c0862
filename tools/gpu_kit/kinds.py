# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What each kind of run does, as lists of steps. On a machine without a GPU the same lists, made small, run on a
simulated device; what needs the real thing is left out by name."""
import os, shutil

from runner import Step

# The kinds, and what each measures: files of its state folder that are handed out, and taken up again.
RESULTS = {
    "smoke": (),
    "tests": ("grid.jsonl",),
    "record": ("recording.rec", "record-replay.log"),
    "bench": ("bench.jsonl", "bench.jsonl.begun"),
    "micro": ("micro.jsonl",),
    "tune": ("tune.jsonl", "tune.jsonl.begun"),
}
KINDS = tuple(RESULTS)
NEEDS_GPU = "needs a GPU"


class Kit:
    """The folder and the device. `root` has bin/, lib/, and below it kernels/ and tests/ as in the source tree.
    `ask(words, seconds, what)` runs a command for its answer: exit code and text."""

    def __init__(self, root, device, state, commit, retry, ask):
        self.root, self.device, self.state, self.commit = root, device, state, commit
        self.retry, self.ask = retry, ask
        self.gpu = device.startswith("cuda:")

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def program(self, name, *words):
        return [self.path("bin", name), *words]

    def script(self, path, *words):
        return ["python3", self.path(*path.split("/")), *words]

    def gtest(self, step, program, pattern, limit):
        """A step of the tests that match; one at least must: GoogleTest is content with none."""
        return Step(step, self.program(program, "--gtest_filter=" + pattern, *self.where()), limit, shows=RAN)

    def where(self):
        return ["--device", self.device, "--root", self.root]

    def cli(self, *words):
        return self.program("imbrex", *words)


RAN = r"\[=+\] [1-9]\d* tests? from .* ran"  # GoogleTest's last line but one


def list_step(kit, program):
    """That a GoogleTest program lists tests, as a step: one that does not is broken, and loses its tests."""
    return Step(program + "/list", kit.program(program, "--gtest_list_tests", "--device", kit.device), 60, shows=r"^  \w")


def tests_of(kit, program):
    """Names of a GoogleTest program's tests; none if list_step fails."""
    code, listed = kit.ask(list_step(kit, program).words, 60, "listing tests")
    names, suite = [], ""
    for line in listed.splitlines() if code == 0 else ():
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
        kit.gtest("vector_add", "kernels_test", "Lessons.VectorAdd", 60),
        kit.gtest("assemblers", "kernels_test", "Assemblers.AgreeOnSoftmax", 60),
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
        words = kit.script("kit/sanitize.py", tool, "Lessons.VectorAdd", kit.path("bin", "kernels_test"),
                           "--gtest_filter=" + SANITIZED, *kit.where())
        yield Step("sanitizer/" + tool, words, 150, left_out=missing, shows=RAN)


def random_steps(kit):
    for first in range(0, RANDOM_PROGRAMS, RANDOM_CHUNK):
        pattern = ":".join("*/%d" % seed for seed in range(first, first + RANDOM_CHUNK))
        yield kit.gtest("random/%d" % first, "random_programs_test", pattern, 120)


def tests(kit):
    steps = [list_step(kit, "kernels_test"),
             Step("seeds", kit.script("tests/kernels/seeds_test.py", kit.path("bin", "imbrex"), kit.root, kit.device), 120),
             Step("readme_program", kit.program("attention_example", kit.path("kernels", "attention_forward.tile")), 60)]
    steps += [kit.gtest(name, "kernels_test", name, 120) for name in tests_of(kit, "kernels_test")]
    return [*steps, *random_steps(kit), scripted(kit, "grid"), *sanitizer_steps(kit)]


def record(kit):
    recording, forms = os.path.join(kit.state, "recording.rec"), kit.path("tests", "data", "recorded", "forms.txt")
    words = kit.program("record_forms", "--device", kit.device, "--out", recording, "--forms", forms,
                        "--retry" if kit.retry else "--resume")
    # The recorder appends as it goes: cut off, it goes on at the next call.
    return [Step("record", words, 450, resumes=True),
            Step("replay", kit.program("replay_forms", recording, forms), 200)]


def scripted(kit, name):
    """A script of tests/benchmark: it goes on where it stopped, and puts NAME.jsonl into the state folder."""
    words = ("--resume", "--seconds", "{seconds}", "--out", kit.state, *(() if kit.gpu else ("--tiny",)))
    library = kit.path("lib", "libimbrex.so.0")
    return Step(name, kit.script("tests/benchmark/%s.py" % name, "--library", library, "--device", kit.device,
                                 "--commit", kit.commit, *words), 515, resumes=True)


def bench(kit):
    return [scripted(kit, "bench")]


def tune(kit):
    return [scripted(kit, "tune")]


def micro(kit):
    """A step an experiment; each appends its lines to the one file."""
    for experiment in ("exponentials", "queue", "ports", "shared"):
        words = kit.program("micro", "--kernels", kit.path("micro"), "--device", kit.device, "--commit", kit.commit,
                            "--only", experiment, "--json", os.path.join(kit.state, "micro.jsonl"))
        yield Step(experiment, words, 200)


def steps_of(kind, kit):
    return list(globals()[kind](kit))
