# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps in child processes, under a deadline, with a journal.

A step is a command. It runs in a process group of its own, so that a fault, a hang or an interruption ends it and
nothing else. What it prints goes to a log; every ten seconds at most the runner prints one line of its own. A step that
ended, well or badly, is a line of the journal and is not run again; one that the deadline cut off is. Progress is on
disk after every step: the runner itself may be killed at any moment.
"""
import json, os, signal, subprocess, sys, time

HEARTBEAT = 8.0  # seconds between lines of progress
MORE = 75  # a run's exit code: stopped for want of time, to be called again (EX_TEMPFAIL of sysexits.h)
TIME_OVER, CANNOT_START = 3, 2  # exit codes of a patient step: call again; something is missing here
MARK = "IMBREX_KIT_STEP"  # in the environment of all that a step starts, also what leaves its process group


class Step:
    """`words`: the command. `limit`: seconds it may take. `patient`: it minds `--seconds` itself, and may say TIME_OVER
    or CANNOT_START.
    `left_out`: a reason not to run it here; `results`: files it writes into the state folder, to be handed out."""

    def __init__(self, name, words, limit, patient=False, left_out="", results=()):
        self.name, self.words, self.limit, self.patient = name, words, limit, patient
        self.left_out, self.results = left_out, tuple(results)


class Runner:
    def __init__(self, kind, state, out, seconds, healthy=None):
        """Journal and logs lie in `state`, what is handed out in `out`. `healthy()` is asked after a step went wrong:
        "" or what is the matter with the device, which ends the run."""
        self.kind, self.state, self.out = kind, state, out
        self.begin, self.seconds, self.healthy = time.monotonic(), seconds, healthy
        self.journal = kind + "-steps.jsonl"
        self.journal_path = os.path.join(state, self.journal)
        self.entries = self.read_journal()
        self.mark = "%d-%d" % (os.getpid(), time.time_ns())
        self.child, self.trouble, self.total, self.handed = None, "", 0, set()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.interrupted)

    def read_journal(self):
        entries = {}
        if os.path.exists(self.journal_path):
            with open(self.journal_path) as file:
                for line in file:
                    try:
                        entry = json.loads(line)
                        entries[entry["step"]] = entry
                    except (ValueError, KeyError, TypeError):
                        pass  # the line that was being written when the run was killed
        return entries

    # Time.

    def elapsed(self):
        return time.monotonic() - self.begin

    def left(self):
        return self.seconds - self.elapsed()

    def say(self, text):
        print("[%s %3d s] %s" % (self.kind, self.elapsed(), text), flush=True)

    # Running.

    def run(self, steps):
        self.total = len(steps)
        known = [step.name for step in steps if step.name in self.entries]
        if known:
            self.say("going on: %d of %d steps are done already" % (len(known), len(steps)))
        for step in steps:
            for name in step.results:
                self.hand_out(name)
            if step.name in self.entries:
                continue
            if step.left_out:
                self.note(step, "left out", step.left_out, 0)
                continue
            if self.left() < min(step.limit, 5):
                self.say("no time for %s and what follows: call again to go on" % step.name)
                break
            if not self.run_step(step):
                break
        return self.finish(steps)

    def command(self, step):
        seconds = min(step.limit, self.left() - 4)
        return [word.replace("{seconds}", "%d" % max(1, seconds - 3)) for word in step.words], seconds

    def log_path(self, step):
        return os.path.join(self.state, "%s-%s.log" % (self.kind, step.name.replace("/", "_")))

    def run_step(self, step):
        """False if the run must end here."""
        words, seconds = self.command(step)
        begin = time.monotonic()
        path = self.log_path(step)
        with open(path, "ab" if step.patient else "wb") as log:
            try:
                self.child = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                              start_new_session=True, cwd=self.state,
                                              env=dict(os.environ, **{MARK: self.mark}))
            except OSError as error:
                self.note(step, "failed", str(error), 0)
                return True
            code = self.wait(step, begin + seconds, path)
        took = time.monotonic() - begin
        self.child = None
        for name in step.results:
            self.hand_out(name)
        if code == "stuck":
            self.trouble = "%s does not end when it is killed: the device may hang" % step.name
            self.note(step, "failed", self.trouble, took)
            return False
        if code == TIME_OVER and step.patient:
            self.say("%s: more to do, call again to go on" % step.name)
            return self.left() > 20
        if code is None and seconds < step.limit:
            self.say("%s was cut off by the run's end: call again to go on" % step.name)
            return False
        self.judge(step, code, took, path)
        return not self.trouble

    def judge(self, step, code, took, path):
        last = last_line(path)
        if code == 0:
            self.note(step, "passed", last, took)
            return
        if code == CANNOT_START and step.patient:
            self.note(step, "left out", what_is_missing(path) or last, took)
            return
        why = "took more than %d s" % step.limit if code is None else "exit %s: %s" % (code, last)
        self.note(step, "failed", why, took)
        self.trouble = self.healthy() if self.healthy else ""
        if self.trouble:
            self.say("the device is not well after %s: %s" % (step.name, self.trouble))

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
            if now - spoke >= HEARTBEAT:
                self.say("%s ... %s" % (step.name, last_line(path)[:100]))
                spoke = now
            time.sleep(0.05)

    def kill(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            kill_group(self.child.pid, number)
            try:
                self.child.wait(timeout=2)
                kill_marked(self.mark)
                return None
            except subprocess.TimeoutExpired:
                pass
        kill_marked(self.mark)
        return "stuck"

    def interrupted(self, number, frame):
        if self.child:
            self.kill()
        self.say("interrupted: call again to go on")
        os._exit(128 + number)

    # What is kept.

    def note(self, step, status, summary, took):
        entry = {"step": step.name, "status": status, "seconds": round(took, 1), "summary": summary}
        with open(self.journal_path, "a") as file:
            file.write(json.dumps(entry) + "\n")
        self.entries[step.name] = entry
        self.say("%-9s %s%s" % (status, step.name, ": " + summary if summary else ""))
        self.hand_out(self.journal)

    def hand_out(self, name):
        """A file of the state folder into the out folder, whole or not at all. Eight at most leave the machine."""
        source = os.path.join(self.state, name)
        if not os.path.exists(source):
            return
        self.handed.add(name)
        assert len(self.handed) <= 6, "too many files to hand out"
        with open(source, "rb") as file:
            write_whole(os.path.join(self.out, os.path.basename(name)), file.read())

    def finish(self, steps):
        entries = [self.entries[step.name] for step in steps if step.name in self.entries]
        count = lambda status: sum(entry["status"] == status for entry in entries)
        missing = [step.name for step in steps if step.name not in self.entries]
        lines = ["%-9s %6.1f s  %s%s" % (entry["status"], entry["seconds"], entry["step"],
                                        "  (%s)" % entry["summary"] if entry["summary"] else "") for entry in entries]
        lines += ["not yet              %s" % name for name in missing]
        closing = "%s: %d passed, %d failed, %d left out, %d not yet, of %d" % (
            self.kind, count("passed"), count("failed"), count("left out"), len(missing), len(steps))
        write_whole(os.path.join(self.out, self.kind + ".txt"), ("\n".join(lines + [closing]) + "\n").encode())
        self.hand_out_failures(steps)
        self.say(closing)
        return 3 if self.trouble else 1 if count("failed") else MORE if missing else 0

    def hand_out_failures(self, steps):
        texts = []
        for step in steps:
            if self.entries.get(step.name, {}).get("status") == "failed" and os.path.exists(self.log_path(step)):
                with open(self.log_path(step), "rb") as file:
                    file.seek(max(0, os.path.getsize(self.log_path(step)) - 20000))
                    texts.append(b"==== " + step.name.encode() + b"\n" + file.read() + b"\n")
        if texts:
            write_whole(os.path.join(self.out, self.kind + "-failures.txt"), b"".join(texts)[:4 << 20])


def kill_group(pid, number):
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def kill_marked(mark):
    """Ends every process that inherited the mark."""
    wanted = ("%s=%s" % (MARK, mark)).encode()
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit():
                with open("/proc/%s/environ" % entry, "rb") as file:
                    if wanted in file.read().split(b"\0"):
                        os.kill(int(entry), signal.SIGKILL)
        except (OSError, ProcessLookupError):
            pass  # ended meanwhile, or somebody else's


def write_whole(path, content):
    """Written beside and renamed: the file is never seen half."""
    beside = path + ".part"
    with open(beside, "wb") as file:
        file.write(content)
    os.replace(beside, path)


def what_is_missing(path):
    """The line that names it: "missing: torch, ..." or "no GPU: ..."."""
    with open(path, "rb") as file:
        lines = file.read().decode(errors="replace").splitlines()
    return next((line for line in lines if line.startswith(("missing", "no GPU"))), "")


def last_line(path):
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 4000))
        lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
