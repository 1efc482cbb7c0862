//===- RegisterCeiling.cpp - Fewer registers, fewer spills ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ceilings, and where one stands in PTX.
//
//===----------------------------------------------------------------------===//

#include "runtime/RegisterCeiling.h"
#include <iterator>

using namespace imbrex;

/// More bytes are no accident of an order: the kernel needs the registers. So it does where a ceiling spills as many
/// more.
static constexpr unsigned kMostBytes = 256, kMostMore = 128;
/// Registers below those that the kernel had, rounded down to eights. Lower ones spill for want of registers.
static constexpr unsigned kSteps[] = {0, 8, 24, 40};
static constexpr unsigned kUnit = 8; // the hardware gives registers by eights
/// What each kernel of the compiler's says: all registers are for one CTA. ".maxnreg" cannot stand beside it (PTX ISA,
/// "Performance-Tuning Directives").
static constexpr std::string_view kDirective = ".minnctapersm 1\n";

CeilingSearch::CeilingSearch(std::string_view ptx, unsigned registers, unsigned bytes)
    : ptx(ptx), registers(registers), least(bytes) {
  if (registers > 0 && bytes > 0 && bytes <= kMostBytes && ptx.find("setmaxnreg") == std::string_view::npos)
    at = ptx.find(kDirective);
}

std::optional<std::string> CeilingSearch::next() {
  if (at == std::string_view::npos || least == 0 || tried == std::size(kSteps))
    return std::nullopt;
  const unsigned step = kSteps[tried++], below = (registers - 1) / kUnit * kUnit;
  if (below <= step)
    return std::nullopt;
  last = below - step;
  std::string text(ptx.substr(0, at));
  text += ".maxnreg " + std::to_string(last) + "\n";
  text += ptx.substr(at + kDirective.size());
  return text;
}

bool CeilingSearch::spills(unsigned bytes) {
  if (bytes > least + kMostMore)
    tried = std::size(kSteps);
  if (bytes >= least)
    return false;
  least = bytes;
  return true;
}
