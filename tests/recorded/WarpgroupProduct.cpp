//===- WarpgroupProduct.cpp - What a wgmma experiment multiplies ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the instruction's modifiers: m64n40k16, f32, bf16, bf16.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/WarpgroupProduct.h"
#include "tests/recorded/KernelText.h"
#include <algorithm>
#include <cstdio>

using namespace imbrex;
using namespace imbrex::recorded;

std::optional<WarpgroupProduct> WarpgroupProduct::parse(const Form &form) {
  WarpgroupProduct made;
  const std::vector<std::string> &words = form.modifiers; // mma_async sync aligned m64n40k16 f32 bf16 bf16
  if (form.opcode != "wgmma" || form.guarded || words.size() != 7 || words[0] != "mma_async" || words[5] != words[6] ||
      std::sscanf(words[3].c_str(), "m64n%uk%u", &made.n, &made.k) != 2 || form.operands.size() < 4)
    return std::nullopt;
  if (words[5] == "f16" || words[5] == "bf16")
    made.type = {words[5] == "f16" ? ValueType::Float : ValueType::BFloat, 16};
  else if (words[5] == "tf32")
    made.type = {ValueType::Bits, 32};
  else if (words[5] == "e4m3" || words[5] == "e5m2" || words[5] == "s8")
    made.type = {ValueType::Bits, 8};
  else
    return std::nullopt;
  made.integers = words[5] == "s8";
  made.sharedA = form.operands[1].kind == FormOperand::Register;
  return words[4] == (made.integers ? "s32" : "f32") ? std::optional(made) : std::nullopt;
}

std::string WarpgroupProduct::Variant::literals(const WarpgroupProduct &product) const {
  if (product.integers)
    return "";
  std::string text = std::to_string(scaleA) + ", " + std::to_string(scaleB);
  if (product.hasTransposes())
    text += (product.sharedA ? ", 0, " : ", ") + std::to_string(transposeB);
  return text;
}

std::vector<WarpgroupProduct::Variant> WarpgroupProduct::variants() const {
  if (integers)
    return {{1, 1, 0}};
  return {{1, 1, 0}, {-1, 1, 0}, {1, -1, hasTransposes()}};
}

unsigned WarpgroupProduct::rowsOfB() const {
  unsigned rows = n * k * type.bits / 8 / kRow;
  return (rows + KernelText::kBlock - 1) / KernelText::kBlock;
}

std::vector<unsigned> WarpgroupProduct::keptRegisters() const {
  constexpr unsigned kMost = 32;
  unsigned step = std::max(n / 2 / kMost, 1u);
  std::vector<unsigned> kept;
  for (unsigned i = 0; i * step < n / 2 && kept.size() < kMost; ++i)
    kept.push_back(i * step + i % step);
  return kept;
}

unsigned WarpgroupProduct::byteOf(unsigned row, unsigned column, bool transposed) const {
  unsigned bytes = type.bits / 8, perRow = kRow / bytes;
  unsigned core = row / 8 * kStride + column / perRow * kLeading;
  return core + (transposed ? column % perRow * kRow + row % 8 * bytes : row % 8 * kRow + column % perRow * bytes);
}
