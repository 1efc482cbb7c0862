#!/bin/sh
# exports.sh LIBRARY: fails, naming them, if LIBRARY exports anything but functions of namespace imbrex, needs
# LLVM, or exports nothing.
names=$(nm -DC --defined-only "$1" | cut -d' ' -f3-) || exit 1
foreign=$(printf '%s\n' "$names" | grep -v '^imbrex::')
if [ -z "$names" ] || [ -n "$foreign" ]; then
  printf 'unexpected exports of %s:\n%s\n' "$1" "$foreign"
  exit 1
fi
if readelf -d "$1" | grep NEEDED | grep -qiE 'llvm|mlir'; then
  echo "$1 needs a shared LLVM"
  exit 1
fi
