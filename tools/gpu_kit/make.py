#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Puts the kit together from a finished build.

usage: make.py SOURCE_DIR BUILD_DIR DIR

The layout below DIR is that of the source tree for what is copied from it, so that test programs and scripts find their
files under one root: kernels/, tests/data/, tests/benchmark/. Programs go to bin/, stripped; the library to lib/.
"""
import os, shutil, subprocess, sys

LIMIT = 60 << 20
PROGRAMS = ("imbrex", "kernels_test", "random_programs_test", "attention_example", "record_forms", "replay_forms", "micro")
SUPPORT = ("imbrex.py", "imbrex_capsules.py", "imbrex_declarations.py")
TREES = ("kernels", "tests/data", "tests/benchmark", "tests/kernels/seeds_test.py", "tools/report")
OURS = ("README.md", "run.py", "runner.py", "processes.py", "journal.py", "state.py", "out.py", "kinds.py", "devices.py",
        "smoke.py", "sanitize.py")
MARKS = (("run.sh",), ("kit", "commit"), ("kit", "kinds.py"))  # what makes a folder a kit, which may be replaced
SKIPPED = shutil.ignore_patterns("__pycache__", "*.cpp", "*.h", "CMakeLists.txt")


def copy(source, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(source):
        shutil.copytree(source, target, ignore=SKIPPED, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def commit_of(source):
    """The commit, marked where the tree has changes; "unknown" outside a checkout."""
    def git(*words):
        return subprocess.run(["git", "-C", source, *words], capture_output=True, text=True)
    head = git("rev-parse", "--short=12", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no").stdout.strip()
    return (head.stdout.strip() + ("+changes" if changed else "")) if head.returncode == 0 else "unknown"


def size_of(folder):
    return sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(folder) for name in names)


def main():
    source, build, target = sys.argv[1:]
    kit = os.path.join(build, "gpu_kit")
    is_kit = all(os.path.exists(os.path.join(target, *mark)) for mark in MARKS)
    if os.path.exists(target) and os.listdir(target) and not is_kit:
        sys.exit("%s is there and is no kit: name another folder" % target)
    shutil.rmtree(target, ignore_errors=True)
    # First what marks a kit: one that was left half done may be replaced.
    copy(os.path.join(source, "tools", "gpu_kit", "run.sh"), os.path.join(target, "run.sh"))
    for name in OURS:
        copy(os.path.join(source, "tools", "gpu_kit", name), os.path.join(target, "kit", name))
    with open(os.path.join(target, "kit", "commit"), "w") as file:
        file.write(commit_of(source) + "\n")
    for name in PROGRAMS:
        copy(os.path.join(kit, name), os.path.join(target, "bin", name))
    copy(os.path.join(build, "runtime", "library", "libimbrex.so.0"), os.path.join(target, "lib", "libimbrex.so.0"))
    subprocess.run(["strip", *(os.path.join(target, "bin", name) for name in PROGRAMS)], check=True)
    for path in (*TREES, *(os.path.join("tests", "support", name) for name in SUPPORT)):
        copy(os.path.join(source, path), os.path.join(target, path))
    copy(os.path.join(build, "micro", "kernels"), os.path.join(target, "micro"))
    size = size_of(target)
    print("%s: %.1f MiB" % (target, size / (1 << 20)))
    if size > LIMIT:
        sys.exit("the kit is larger than %d MiB: leave something out" % (LIMIT >> 20))


if __name__ == "__main__":
    main()
