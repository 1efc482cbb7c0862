#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The kit's one command: ./run.sh KIND... [--seconds N] [--again] [--retry] [--resume PATH], KIND one of
# smoke | tests | record | bench | micro | tune.
# README.md beside this file says what each does. The last resort against a hang: nothing outlives nine minutes.
here=$(dirname "$(readlink -f "$0")") || exit 2
if ! command -v python3 >/dev/null 2>&1; then
  echo "the kit needs python3 (3.9 or later, standard library alone)" >&2
  exit 2
fi
PATH="$PATH:/usr/local/cuda/bin" # where ptxas and compute-sanitizer lie when they are on nobody's PATH
export PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
exec timeout --foreground --kill-after=8 530 python3 "$here/kit/run.py" "$@"
