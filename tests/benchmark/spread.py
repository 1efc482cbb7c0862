# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is said of the rounds of a measurement: the median, the spread, and the ratio of two that ran in turns."""


class Numbers:
    """Microseconds a call, a value each round."""

    def __init__(self, rounds, late):
        self.rounds, self.late = rounds, late

    def line(self):
        """The fields of a record: median, 10th and 90th percentile (least and most below ten rounds)."""
        median, low, high = spread(self.rounds)
        fields = {"median": median, "low": low, "high": high, "rounds": len(self.rounds)}
        if self.late:
            fields["note"] = "%d of %d batches waited for the host" % (self.late, len(self.rounds))
        return fields


def spread(values):
    values = sorted(values)
    count = len(values)
    median = (values[(count - 1) // 2] + values[count // 2]) / 2
    tenth = count // 10 if count >= 10 else 0
    return median, values[tenth], values[count - 1 - tenth]


def ratio(theirs, ours):
    """Their time over ours, round by round."""
    median, low, high = spread([a / b for a, b in zip(theirs.rounds, ours.rounds)])
    return {"median": median, "low": low, "high": high}
