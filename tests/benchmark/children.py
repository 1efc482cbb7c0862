# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A script's work in a process of its own, which may lose the device or hang without harm to the script."""
import os, signal, subprocess, sys
import progress as ends


def run(script, words, progress, **environment):
    """The exit code of `script words --seconds REST`; it is ended when the time is over. Its lines go where ours go."""
    words = [sys.executable, script, *words, "--seconds=%g" % max(1.0, progress.left())]
    process = subprocess.Popen(words, env=dict(os.environ, **environment), start_new_session=True)
    try:
        return process.wait(timeout=max(1.0, progress.left()) + 10)
    except subprocess.TimeoutExpired:
        return ends.TIME_OVER
    finally:
        end_group(process)


def end_group(process):
    """The process and the compilers it started."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, kind)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass
