# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The ratios of a file of records in few lines: for each kind of measurement and peer, the geometric mean."""
import collections, json, math


def kind_of(line):
    """Shapes whose ratios may be averaged."""
    text = line["kind"] + ("" if line["kind"] == "attention_forward" else " " + line["kernel"])
    if "head_dim" in line["shape"]:
        text += " D%d" % line["shape"]["head_dim"]
    mask = line.get("mask", "").split(":")[0]
    return " ".join(filter(None, (text, line.get("type"), mask, line.get("variant") if line["kind"] == "decode_cache" else "")))


def means(path):
    """(what against which peer, mean of their value over ours, of how many shapes), in the file's order."""
    found = collections.defaultdict(list)
    with open(path) as file:
        for line in map(json.loads, file):
            for peer, ratio in line.get("ratios", {}).items():
                if ratio["median"] > 0:
                    found["%s against %s" % (kind_of(line), peer)].append(math.log(ratio["median"]))
    return [(what, math.exp(sum(logs) / len(logs)), len(logs)) for what, logs in found.items()]
