# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What steps came to, a JSON line each, on disk as soon as it is known. The first line says on what device and with
which kit: {"on": {...}}. A kill, or a disk that is full, may tear the last line: reading cuts it off."""
import json, os

STATUSES = ("passed", "failed", "left out")


def good(entry):
    """Whether a line's value is a step's entry, with all its fields."""
    return (isinstance(entry, dict) and isinstance(entry.get("step"), str) and entry.get("status") in STATUSES
            and isinstance(entry.get("seconds"), (int, float)) and isinstance(entry.get("summary"), str))


class Journal:
    def __init__(self, path):
        self.path, self.on, self.entries = path, None, {}  # the first line's, and the last entry by step
        if os.path.exists(path):
            self._read()

    def _read(self):
        with open(self.path, "rb+") as file:
            content = file.read()
            whole = content[: content.rfind(b"\n") + 1]
            file.truncate(len(whole))
        for line in whole.splitlines():
            try:
                entry = json.loads(line.decode())
            except ValueError:
                continue  # damaged: its step runs again
            if good(entry):
                self.entries[entry["step"]] = entry
            elif isinstance(entry, dict) and self.on is None:
                self.on = entry.get("on")

    def begin(self, on):
        """Of a new journal: on what the steps run."""
        if self.on is None and not self.entries:
            self.on = on
            self._append({"on": on})

    def add(self, step, status, seconds, summary):
        entry = {"step": step, "status": status, "seconds": round(seconds, 1), "summary": summary}
        self._append(entry)
        self.entries[step] = entry
        return entry

    def _append(self, value):
        with open(self.path, "a") as file:
            file.write(json.dumps(value) + "\n")
