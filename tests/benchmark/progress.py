# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a long run owes the one who watches: a line at least every ten seconds, an end within its time, and no hanging.

One Progress a process. A thread beside the work prints what is under way when nothing else was printed for a while,
and ends the process when one piece of work takes longer than it may: a GPU that hangs is left only by exiting.
Time is the watch's own here: nothing of it is a measurement, and none of it is printed.
"""
import contextlib, os, signal, sys, threading, time

# How a process ends; README.md says what each asks of the caller.
DONE, WRONG, USAGE, TIME_OVER, DEVICE_LOST, STUCK = 0, 1, 2, 3, 4, 5

SILENCE = 8.0  # seconds without a line before the watch prints one


class Progress:
    def __init__(self, seconds, limit=100.0, watch=True):
        """`seconds`: the whole budget, from now. `limit`: what one piece of work may take. `watch`: False for a process
        whose child does the work and prints."""
        self.deadline = time.monotonic() + seconds
        self.limit = limit
        self.last = time.monotonic()
        self.what, self.until = "starting", None
        self.since = self.last  # when the last measurement began
        self.when_stuck = lambda: None  # called before the process ends
        if watch:
            threading.Thread(target=self._watch, daemon=True).start()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(TIME_OVER))

    def say(self, text):
        self.last = time.monotonic()
        print(text, flush=True)

    def left(self):
        return self.deadline - time.monotonic()

    def over(self):
        return self.left() <= 0

    def measuring(self):
        """What follows is what is measured: the GPU's clocks are those from now on."""
        self.since = time.monotonic()

    @contextlib.contextmanager
    def doing(self, what, limit=None):
        """Names what is under way; it may take `limit` seconds (None: what one piece may). The time of a piece within it
        counts against that piece's limit alone."""
        what_before, until_before, begin = self.what, self.until, time.monotonic()
        self.what, self.until = what, begin + (limit or self.limit)
        try:
            yield
        finally:
            spent = time.monotonic() - begin
            self.what, self.until = what_before, until_before and until_before + spent

    def _watch(self):
        while True:
            time.sleep(0.5)
            now = time.monotonic()
            if self.until is not None and now > self.until:
                self.say("stuck: %s: it may take no longer; this process ends" % self.what)
                self.when_stuck()
                os._exit(STUCK)
            if now - self.last > SILENCE:
                self.say("... %s" % self.what)
