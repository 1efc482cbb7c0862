# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps in child processes, under a deadline, with a journal.

A step is a command. It runs in a process group of its own, so that a fault, a hang or an interruption ends it and
nothing else. What it prints goes to a log; every ten seconds at most the runner prints one line of its own and hands
out what there is. A step that ended, well or badly, is a line of the journal and is not run again; one that the deadline
cut off is. Progress is on disk after every step: the runner itself may be killed at any moment.
"""
import os, re, signal, subprocess, time

import processes
from journal import Journal
from processes import Interrupted, kill_group, kill_marked
from state import journal_name

MORE = 75  # a run's exit code: stopped for want of time, to be called again (EX_TEMPFAIL of sysexits.h)
TIME_OVER, CANNOT_START = 3, 2  # exit codes of a step: it resumes and there is more; something, named, is missing here
KILLING = 4  # seconds that ending a step may take
SLACK = 25  # seconds between the time a step is told and its end: for the piece of work under way, and to end its own
HEALTH = 40  # seconds that the question after the device's health may take


class Step:
    """`words`: the command; the word {seconds} becomes the time it has. `limit`: seconds it may take. `resumes`: run
    again, it goes on where it stopped: out of time, by its own word (TIME_OVER) or killed, there is more to do.
    `left_out`: a reason not to run it here. `shows`: an expression that its log holds if it did its work.
    A step that exits with CANNOT_START and a line "missing: ..." or "no GPU: ..." is left out."""

    def __init__(self, name, words, limit, resumes=False, left_out="", shows=""):
        self.name, self.words, self.limit, self.resumes = name, words, limit, resumes
        self.left_out, self.shows = left_out, shows


class Runner:
    def __init__(self, kind, state, out, seconds, healthy=None, on=None, results=(), retry=False):
        """Journal and logs lie in `state`; what is handed out goes to `out`, an Out: the journal, a table, and of the
        state folder the files `results`. `healthy(seconds)` is asked after a step went wrong: "" or what is the matter
        with the device, which ends the run. `on`: the device and kit. `retry`: failed steps run again."""
        self.kind, self.state, self.out, self.results = kind, state, out, tuple(results)
        self.begin, self.seconds, self.healthy = time.monotonic(), seconds, healthy
        self.journal = Journal(os.path.join(state, journal_name(kind)))
        self.journal.begin(on)
        self.entries = {name: entry for name, entry in self.journal.entries.items()
                        if not (retry and entry["status"] == "failed")}
        self.mark = os.path.realpath(state)
        self.child, self.trouble, self.steps = None, "", []

    # Time.

    def elapsed(self):
        return time.monotonic() - self.begin

    def left(self):
        return self.seconds - self.elapsed()

    def say(self, text):
        print("[%s %3d s] %s" % (self.kind, self.elapsed(), text), flush=True)

    # Running.

    def run(self, steps):
        """The exit code."""
        self.steps = steps
        processes.raise_on_signals()
        if kill_marked(self.mark):
            self.say("ended what an earlier call had left running")
        try:
            self.run_all()
            self.report()
        except Interrupted as end:
            self.report()  # first: killing may take longer than whoever interrupts us waits
            self.out.flush()
            if self.child:
                self.kill()
            else:
                kill_marked(self.mark)  # it may come while a child is started that has no name yet
            self.report()
            self.out.flush()
            self.say("interrupted: call again to go on")
            return 128 + end.number
        self.out.flush()
        self.say(self.closing())
        return 3 if self.trouble else 1 if self.count("failed") else MORE if self.missing() else 0

    def run_all(self):
        known = [step.name for step in self.steps if step.name in self.entries]
        if known:
            self.say("going on: %d of %d steps are done already" % (len(known), len(self.steps)))
        for step in self.steps:
            if step.name in self.entries:
                continue
            if step.left_out:
                self.note(step, "left out", step.left_out, 0)
                continue
            if self.left() < min(step.limit, 5) + KILLING:
                self.say("no time for %s and what follows: call again to go on" % step.name)
                return
            if not self.run_step(step):
                return

    def command(self, step):
        seconds = min(step.limit, self.left() - KILLING)
        told = max(1, seconds - min(SLACK, seconds / 3))
        return ["%d" % told if word == "{seconds}" else word for word in step.words], seconds

    def log_path(self, step):
        return os.path.join(self.state, "%s-%s.log" % (self.kind, step.name.replace("/", "_")))

    def run_step(self, step):
        """False if the run must end here."""
        words, seconds = self.command(step)
        begin = time.monotonic()
        path = self.log_path(step)
        with open(path, "ab" if step.resumes else "wb") as log:
            try:
                self.child = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                              start_new_session=True, cwd=self.state,
                                              env=dict(os.environ, **{processes.MARK: self.mark}))
            except OSError as error:
                self.note(step, "failed", str(error), 0)
                return True
            code = self.wait(step, begin + seconds, path)
        took = time.monotonic() - begin
        self.child = None
        if code == "stuck":
            self.trouble = "%s does not end when it is killed: the device may hang" % step.name
            self.note(step, "failed", self.trouble, took)
            return False
        if step.resumes and code in (TIME_OVER, None):
            self.say("%s: more to do, call again to go on" % step.name)
            return False  # what follows may need all of it
        if code is None and seconds < step.limit:
            self.say("%s was cut off by the run's end: call again to go on" % step.name)
            return False
        self.judge(step, code, took, path)
        return not self.trouble

    def judge(self, step, code, took, path):
        last, lacks = last_line(path), lacking(path, step.shows)
        if code == 0 and not lacks:
            self.note(step, "passed", last, took)
            return
        missing = what_is_missing(path)
        if code == CANNOT_START and missing:
            self.note(step, "left out", missing, took)
            return
        why = "took more than %d s" % step.limit if code is None else lacks if code == 0 else "exit %s: %s" % (code, last)
        self.note(step, "failed", why, took)
        self.trouble = self.ask_health()
        if self.trouble:
            self.say("the device is not well after %s: %s" % (step.name, self.trouble))

    def ask_health(self):
        seconds = min(HEALTH, self.left())
        if not self.healthy:
            return ""
        if seconds < HEALTH / 4:
            self.say("no time to ask whether the device is well")
            return ""
        return self.healthy(seconds)

    def wait(self, step, until, path):
        """The exit code; None if time ran out; "stuck" if the child outlives being killed."""
        spoke = time.monotonic()
        while True:
            code = self.child.poll()
            now = time.monotonic()
            if code is not None:
                kill_marked(self.mark)  # what it may have left behind
                return code
            if now >= until:
                return self.kill()
            if now - spoke >= processes.HEARTBEAT:
                self.say("%s ... %s" % (step.name, last_line(path)[:100]))
                self.report()
                spoke = now
            time.sleep(0.05)

    def kill(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            kill_group(self.child.pid, number)
            try:
                self.child.wait(timeout=KILLING / 2)
                kill_marked(self.mark)
                return None
            except subprocess.TimeoutExpired:
                pass
        kill_marked(self.mark)
        return "stuck"

    # What is kept.

    def note(self, step, status, summary, took):
        self.entries[step.name] = self.journal.add(step.name, status, took, summary)
        self.say("%-9s %s%s" % (status, step.name, ": " + summary if summary else ""))
        self.report()

    def count(self, status):
        return sum(self.entries[step.name]["status"] == status for step in self.steps if step.name in self.entries)

    def missing(self):
        return [step.name for step in self.steps if step.name not in self.entries]

    def closing(self):
        return "%s: %d passed, %d failed, %d left out, %d not yet, of %d" % (
            self.kind, self.count("passed"), self.count("failed"), self.count("left out"), len(self.missing()), len(self.steps))

    def report(self):
        """Hands out all there is at this moment."""
        lines = []
        for step in self.steps:
            entry = self.entries.get(step.name)
            if entry:
                lines.append("%-9s %6.1f s  %s%s" % (entry["status"], entry["seconds"], step.name,
                                                    "  (%s)" % entry["summary"] if entry["summary"] else ""))
        lines += ["not yet              %s" % name for name in self.missing()]
        self.out.put(self.kind + ".txt", ("\n".join(lines + [self.closing()]) + "\n").encode(errors="replace"))
        failures = self.failures()
        if failures:
            self.out.put(self.kind + "-failures.txt", failures)
        for name in (journal_name(self.kind), *self.results):
            self.out.put_file(os.path.join(self.state, name))

    def failures(self):
        """The ends of failed steps' logs."""
        texts = []
        for step in self.steps:
            if self.entries.get(step.name, {}).get("status") == "failed" and os.path.exists(self.log_path(step)):
                with open(self.log_path(step), "rb") as file:
                    file.seek(max(0, os.path.getsize(self.log_path(step)) - 20000))
                    texts.append(b"==== " + step.name.encode() + b"\n" + file.read() + b"\n")
        return b"".join(texts)[:4 << 20]


def text_of(path):
    with open(path, "rb") as file:
        return file.read().decode(errors="replace").replace("\r", "\n")


def what_is_missing(path):
    """The line that names it: "missing: torch, ..." or "no GPU: ..."."""
    return next((line for line in text_of(path).splitlines() if line.startswith(("missing:", "no GPU:"))), "")


def lacking(path, shows):
    """"" if the log holds what it is to show."""
    return "" if not shows or re.search(shows, text_of(path), re.MULTILINE) else "it says nowhere that it did its work"


def last_line(path):
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 4000))
        lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
