#!/bin/sh
# exports.sh LIBRARY C_HEADER: fails, naming them, if LIBRARY exports anything but functions of namespace imbrex and
# the functions of C_HEADER, lacks one of the latter, needs LLVM, or exports nothing.
names=$(nm -DC --defined-only "$1" | cut -d' ' -f3-) || exit 1
foreign=$(printf '%s\n' "$names" | grep -v -e '^imbrex::' -e '^imbrex_')
if [ -z "$names" ] || [ -n "$foreign" ]; then
  printf 'unexpected exports of %s:\n%s\n' "$1" "$foreign"
  exit 1
fi
declared=$(grep -oE 'imbrex_[a-z0-9_]+\(' "$2" | tr -d '(' | sort -u)
exported=$(printf '%s\n' "$names" | grep '^imbrex_' | sort -u)
if [ -z "$declared" ] || [ "$declared" != "$exported" ]; then
  printf '%s declares:\n%s\n%s exports:\n%s\n' "$2" "$declared" "$1" "$exported"
  exit 1
fi
if readelf -d "$1" | grep NEEDED | grep -qiE 'llvm|mlir'; then
  echo "$1 needs a shared LLVM"
  exit 1
fi
