# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where journals and logs are kept from one call to the next: below one folder, a folder for each kind. A kit may lie on
a read-only disk, so it is elsewhere. What was done on another device or with another kit is never taken for done here."""
import fcntl, os, shutil, tarfile

from journal import Journal
from out import read_back


class Refused(Exception):
    """The state cannot be used; the text says why."""


def open_base(base):
    """Makes the folder this process's alone, until it ends. Keep what is returned."""
    os.makedirs(base, mode=0o700, exist_ok=True)
    if os.stat(base).st_uid != os.getuid():
        raise Refused("%s belongs to somebody else: name another with --state" % base)
    lock = open(os.path.join(base, "lock"), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Refused("another run keeps its progress in %s: wait for its end, or name another with --state" % base) from None
    return lock


def journal_name(kind):
    return kind + "-steps.jsonl"


def prepare(base, kind, on, results, say, again=False, resume=None):
    """The folder of a kind, ready for a run `on` a device and kit. `resume`: what an earlier run handed out, of which
    the journal and the files `results` are taken if nothing is here yet."""
    folder = os.path.join(base, kind)
    if again:
        shutil.rmtree(folder, ignore_errors=True)
    set_aside_if_other(folder, kind, on, say)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if resume and os.path.exists(os.path.join(folder, journal_name(kind))):
        say("%s is here and goes on: --resume takes nothing" % folder)
    elif resume:
        try:
            found = read_back(resume, (journal_name(kind), *results))
        except (OSError, tarfile.TarError, EOFError) as error:
            raise Refused("--resume %s: %s" % (resume, error)) from None
        if journal_name(kind) not in found:
            say("--resume %s has nothing of %s" % (resume, kind))
        for name, content in found.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        set_aside_if_other(folder, kind, on, say)
        os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder


def set_aside_if_other(folder, kind, on, say):
    path = os.path.join(folder, journal_name(kind))
    was = Journal(path).on if os.path.exists(path) else on
    if was == on:
        return
    number = 1
    while os.path.exists("%s.old%d" % (folder, number)):
        number += 1
    os.rename(folder, "%s.old%d" % (folder, number))
    say("begun anew: what was done before was on %s, now it is %s; it is set aside in %s.old%d"
        % (text_of(was), text_of(on), folder, number))


def text_of(on):
    return ", ".join("%s %s" % item for item in on.items()) if isinstance(on, dict) else "an unknown device"
