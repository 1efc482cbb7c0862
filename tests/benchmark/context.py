# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One piece of work of a script, done at most once: left out where it stands in the records, kept from hanging, and
what goes wrong in it noted and told. Needs no torch; what it asks of a GPU it asks through `lost`.
"""
import contextlib, sys
import progress as ends


@contextlib.contextmanager
def running(name):
    """What is raised within is the implementation's of that name, whoever catches it."""
    try:
        yield
    except Exception as error:
        error.culprit = getattr(error, "culprit", name)
        raise


def culprit(error, otherwise):
    return getattr(error, "culprit", otherwise)


LOST = "fault: it lost the device"  # the failure of who is left out for it


class DeviceLost(Exception):
    """No call works any more in this process; args: the implementation that was running, what the device said."""


def words_of(error):
    """An exception in a line: its type and the first lines of what it says."""
    said = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ("%s: %s" % (type(error).__name__, " | ".join(said[:4]) or "nothing said"))[:300]


class Context:
    def __init__(self, device, records, progress, peers=(), lost=lambda: False):
        """`peers`: the names of other implementations to measure; `lost()`: whether the device answers no more."""
        self.device, self.records, self.progress = device, records, progress
        self.peers, self.lost = list(peers), lost

    def run_once(self, fields, what, action):
        """Exits the process when the time is over or the device is lost; any other failure is written and told."""
        if self.records.done(fields):
            return
        if self.progress.over():
            self.progress.say("the time is over; the rest is left for --resume, from: " + what)
            sys.exit(ends.TIME_OVER)
        if not self.records.may_begin(fields):
            self.fail(fields, what, "it ended the process that ran it: a hang, or twice something else")
            return
        self.progress.when_stuck = lambda: self.records.give_up(fields)
        try:
            self.progress.measuring()
            with self.progress.doing(what):
                action()
        except (SystemExit, KeyboardInterrupt):
            self.records.forget(fields)
            raise
        except DeviceLost as lost:
            self.device_lost(fields, what, *lost.args)
        except Exception as error:
            reason = words_of(error)
            if self.lost():
                self.device_lost(fields, what, culprit(error, "imbrex"), reason)
            self.fail(fields, what, reason)

    def device_lost(self, fields, what, name, reason):
        self.records.lose(fields, name)
        self.progress.say("%s lost the device in %s: %s" % (name, what, reason))
        self.progress.say("no call works any more in this process; --resume goes on without it")
        sys.exit(ends.DEVICE_LOST)

    def fail(self, fields, what, reason):
        self.progress.say("FAILED %s: %s" % (what, reason))
        self.records.write(fields, [{"implementation": "imbrex", "checked": False, "failure": reason}])
