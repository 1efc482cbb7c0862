# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measurements as JSON lines (results/README.md): written as they come, whole or not at all, and found again.

Lines are grouped by what they measure: kind, kernel, shape, type, mask. The lines of one group are written together, so
a group that stands in the file is complete, and `--resume` leaves it out. What was begun and not ended, and who lost the
device, stands in a file beside it, NAME.jsonl.begun, which has to go along to another machine: work that ended the
process twice is not tried a third time.
"""
import datetime, json, os, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "report"))
import schema  # noqa: E402

OURS = "imbrex"
GROUP = ("kind", "kernel", "shape", "type", "mask")
ATTEMPTS, MOST_LOSSES = 2, 6  # of a group: ends of the process by the same cause, and lost devices in all


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def group_of(fields):
    return json.dumps({name: fields.get(name) for name in GROUP}, sort_keys=True)


def is_wrong(line):
    return line["implementation"] == OURS and not line["checked"] and not line.get("failure", "").startswith("refused")


class Records:
    def __init__(self, path, resume, device, commit, software):
        """`device`: the facts of the line's field `device`, asked anew for each line: a function."""
        self.path, self.device, self.commit, self.software = path, device, commit, software
        self.run = "%s-%d" % (now(), os.getpid())
        self.begun_path = path + ".begun"
        self.begun, self.losses, self.groups = {}, {}, set()
        self.wrong = 0  # lines of ours in the file whose result was not right
        if not resume:
            for old in (path, self.begun_path):
                if os.path.exists(old):
                    os.remove(old)
        self._read()
        self._save()

    def _read(self):
        if os.path.exists(self.begun_path):
            with open(self.begun_path) as file:
                self.begun, self.losses = json.load(file)
        if not os.path.exists(self.path):
            return
        with open(self.path) as file:
            text = file.read()
        whole = text[: text.rfind("\n") + 1]
        lines = [json.loads(line) for line in whole.splitlines()]
        if whole != text:  # a kill cut the last line off: its group, whichever it is, is measured again
            lines = [line for line in lines if group_of(line) != group_of(lines[-1])]
            with open(self.path, "w") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
        self.groups = {group_of(line) for line in lines}
        self.wrong = sum(map(is_wrong, lines))

    def done(self, fields):
        return group_of(fields) in self.groups

    def may_begin(self, fields):
        """False: this group ended the process before, as often as it may. A loss is no reason while each is another's, who
        is then left out; one that was left out and lost again is."""
        key = group_of(fields)
        losses = self.losses.get(key, [])
        again = max(map(losses.count, losses), default=0)
        if max(again, self.begun.get(key, 0)) >= ATTEMPTS or len(losses) >= MOST_LOSSES:
            return False
        self._mark(key, self.begun.get(key, 0) + 1)
        return True

    def forget(self, fields):
        """The group was begun, and left for another reason than its own."""
        self._mark(group_of(fields), 0)

    def give_up(self, fields):
        """The group hangs: it is not begun again."""
        self._mark(group_of(fields), ATTEMPTS)

    def lose(self, fields, name):
        """The implementation `name` lost the device: it is left out when the group is begun again."""
        self.losses.setdefault(group_of(fields), []).append(name)
        self.forget(fields)

    def lost(self, fields):
        """The implementations to leave out of the group; another's that lost two groups is left out of all."""
        groups = [set(names) for names in self.losses.values()]
        everywhere = {name for names in groups for name in names if name != OURS and sum(name in each for each in groups) > 1}
        return set(self.losses.get(group_of(fields), [])) | everywhere

    def _mark(self, key, count):
        if count:
            self.begun[key] = count
        else:
            self.begun.pop(key, None)
        self._save()

    def _save(self):
        with open(self.begun_path + ".new", "w") as file:
            json.dump([self.begun, self.losses], file)
        os.replace(self.begun_path + ".new", self.begun_path)

    def write(self, fields, lines):
        """All lines of the group `fields`. Each line: what differs from line to line, by name."""
        text, device = "", self.device()
        for line in lines:
            whole = {"schema": 1, "run": self.run, "device": device, "software": self.software, "commit": self.commit,
                     "date": now(), "unit": "us", "median": None, "low": None, "high": None, "rounds": 0}
            whole.update(fields)
            whole.update(line)
            whole = {name: value for name, value in whole.items() if name in schema.MEASURED or value not in (None, {})}
            whole.setdefault("shape", {})
            wrong = schema.complaint(whole)
            if wrong:
                raise ValueError("a line against the schema: %s: %r" % (wrong, whole))
            text += json.dumps(whole, allow_nan=False) + "\n"
            self.wrong += is_wrong(whole)
        with open(self.path, "a") as file:
            file.write(text)
        self.groups.add(group_of(fields))
        self.forget(fields)
