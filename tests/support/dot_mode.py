# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A kernel's text with its products by another mode: dot<tf32>(...) in place of dot(...)."""
import os
import re


def with_mode(path, mode, folder):
    """`path`; with a mode, that of a copy in `folder` whose products have it."""
    if not mode:
        return path
    with open(path) as file:
        text = re.sub(r"\bdot\(", "dot<%s>(" % mode, file.read())
    copy = os.path.join(folder, os.path.basename(path))
    with open(copy, "w") as file:
        file.write(text)
    return copy
