# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Processes that end: by group, by the mark they inherited, or asked for an answer within a time while lines of progress
go on."""
import os, signal, subprocess, time

HEARTBEAT = 8.0  # seconds between lines of progress
MARK = "IMBREX_KIT_STATE"  # in the environment of all that a step starts, also what leaves its process group


class Interrupted(BaseException):
    """SIGINT or SIGTERM came; `number` is which."""

    def __init__(self, number):
        self.number = number


def raise_on_signals():
    """From now on the first of these signals is an Interrupted; the others are no longer heard."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def interrupted(number, frame):
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise Interrupted(number)

    for number in numbers:
        signal.signal(number, interrupted)


def kill_group(pid, number=signal.SIGKILL):
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def kill_marked(mark):
    """Ends every process that inherited the mark; how many there were."""
    wanted, count = ("%s=%s" % (MARK, mark)).encode(), 0
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit():
                with open("/proc/%s/environ" % entry, "rb") as file:
                    if wanted in file.read().split(b"\0"):
                        os.kill(int(entry), signal.SIGKILL)
                        count += 1
        except (OSError, ProcessLookupError):
            pass  # ended meanwhile, or somebody else's
    return count


def ask(words, limit, say, what):
    """Runs a command for its answer: exit code, or None if it did not end within `limit` seconds, and all it printed.
    `say` hears of `what` while it lasts."""
    until = time.monotonic() + limit
    try:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True, errors="replace", start_new_session=True)
    except OSError as error:
        return 127, str(error)
    try:
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return None, ""
            try:
                told = child.communicate(timeout=min(left, HEARTBEAT))[0]
                return child.returncode, told
            except subprocess.TimeoutExpired:
                say("%s ..." % what)
    finally:
        kill_group(child.pid)
        child.stdout.close()
        child.poll()
