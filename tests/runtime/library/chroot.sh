#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# usage: chroot.sh BUILD SOURCE COMPILER [BASE]. Uses the tarball and the .deb where there is nothing but Debian's base
# packages and Python: a program that was compiled outside, the command, and the C interface's tests from Python with
# DLPack. BASE: such a tree, which is copied; without it debootstrap makes one. Exits with 77, and the reason, where
# that cannot be.
set -eu
build=$1 source=$2 compiler=$3 base=${4:-}
skip() { echo "not tried: $1"; exit 77; }
[ "$(id -u)" = 0 ] || skip "only root can change the root"
command -v dpkg-deb >/dev/null || skip "there is no dpkg"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
if [ -n "$base" ]; then
  cp -a "$base" "$root"
else
  command -v debootstrap >/dev/null || skip "there is no debootstrap"
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  [ -n "$suite" ] || skip "/etc/os-release names no suite"
  # python3-minimal has no ctypes.
  debootstrap --variant=minbase --include=python3 "$suite" "$root" >"$work/log" 2>&1 || {
    tail -3 "$work/log"
    skip "debootstrap failed"
  }
fi
foreign=$(find "$root" -xdev \( -name 'libLLVM*' -o -name 'libMLIR*' -o -name libz3.so* -o -name 'libxml2*' \) |
  head -3; for name in gcc g++ cc clang ld as; do ls "$root/usr/bin/$name" 2>/dev/null || :; done)
[ -z "$foreign" ] || { echo "no bare system: $foreign"; exit 1; }
cp -r "$source/tests/support" "$source/tests/runtime/c" "$work"
mkdir -p "$root/test/tests/runtime" "$root/test/kernels"
mv "$work/support" "$root/test/tests/support"
mv "$work/c" "$root/test/tests/runtime/c"
cp -r "$source/kernels/lessons" "$root/test/kernels/"

# outside PREFIX NAME: a program, compiled here against a tree that will be there.
outside() {
  cmake -S "$source/tests/runtime/library/outside" -B "$work/$2" -DCMAKE_CXX_COMPILER="$compiler" \
    -DCMAKE_PREFIX_PATH="$1" -DCMAKE_SKIP_RPATH=ON -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF >/dev/null
  LD_LIBRARY_PATH="$1/lib" cmake --build "$work/$2" >/dev/null
  cp "$work/$2/outside" "$root/test/$2"
}
# inside PREFIX NAME [VARIABLE=VALUE]: all of it, there.
inside() {
  prefix=$1 name=$2
  shift 2
  there() { chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/root "$@"; }
  there "$@" "/test/$name" "$prefix/share/imbrex/kernels"
  there "$@" python3 /test/tests/runtime/c/tensor_test.py "$prefix/lib/libimbrex.so" /test
  there "$@" "$prefix/bin/imbrex" tune "$prefix/share/imbrex/kernels/lessons/vector_add.tile" --device sim:h200 \
    --set T=f32 --arg X=1000 --arg Y=1000 --arg Z=1000 --cache-dir "/test/cache.$name" >"$work/tuned"
  tail -1 "$work/tuned"
}

rm -rf "$build/packages"
(cd "$build" && cpack >/dev/null)
mkdir "$root/opt/imbrex"
tar xzf "$build"/packages/*.tar.gz -C "$root/opt/imbrex" --strip-components=1
outside "$root/opt/imbrex" tarball
echo "the tarball:"
inside /opt/imbrex tarball LD_LIBRARY_PATH=/opt/imbrex/lib
rm -r "$root/opt/imbrex"

echo "the .deb:"
cp "$build"/packages/*.deb "$root/test/imbrex.deb"
chroot "$root" /usr/bin/dpkg -i /test/imbrex.deb
outside "$root/usr" deb
inside /usr deb
chroot "$root" /usr/bin/dpkg -r imbrex
left=$(find "$root/usr" "$root/etc" -name '*imbrex*' -not -name '*.list')
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
