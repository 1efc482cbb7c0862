#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The kit's one command: ./run.sh smoke | tests | record | bench | micro | tune [--again] [--resume FOLDER]
# README.md beside this file says what each does. The last resort against a hang: nothing outlives nine minutes.
here=$(cd "$(dirname "$0")" && pwd) || exit 2
if ! command -v python3 >/dev/null 2>&1; then
  echo "the kit needs python3 (3.9 or later, standard library alone)" >&2
  exit 2
fi
PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 exec timeout --foreground --kill-after=3 535 python3 "$here/kit/run.py" "$@"
