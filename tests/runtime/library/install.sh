#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# usage: install.sh BUILD SOURCE COMPILER. Installs the build, moves the tree, and builds and runs a program and the examples against it,
# found by CMake and by pkg-config, with another compiler than ours.
set -eu
build=$1 source=$2 compiler=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build/tools/package" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved"
cmake -S "$source/tests/runtime/library/outside" -B "$work/build" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$work/moved" >/dev/null
cmake --build "$work/build" >/dev/null
"$work/build/outside"
"$work/build/attention"
for example in decoder training server; do
  cmake -S "$source/kernels/examples/$example" -B "$work/$example" -DCMAKE_CXX_COMPILER="$compiler" \
    -DCMAKE_PREFIX_PATH="$work/moved" >/dev/null
  cmake --build "$work/$example" >/dev/null
  "$work/$example/$example" sim:h200
done
grep -rl "llvm/\|mlir/" "$work/moved/include" && { echo "a public header names LLVM"; exit 1; }
if command -v pkg-config >/dev/null; then
  flags=$(PKG_CONFIG_PATH="$work/moved/lib/pkgconfig" pkg-config --cflags --libs imbrex)
  # shellcheck disable=SC2086
  for kernel in lessons/vector_add attention_forward; do # what imbrex_add_kernels does
    "$work/moved/bin/imbrex-header" "$work/moved/share/imbrex/kernels/$kernel.tile" "$work/$(basename $kernel).h"
  done
  "$compiler" -std=c++20 -I "$work" "-DKERNELS=\"$work/moved/share/imbrex/kernels\"" \
    "$source/tests/runtime/library/outside/outside.cpp" $flags -o "$work/plain"
  LD_LIBRARY_PATH="$work/moved/lib" "$work/plain"
else
  echo "no pkg-config here: not tried"
fi
