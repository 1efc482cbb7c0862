//===- ProductBounds.cpp - What one mma.sync adds up ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fragments of PTX ISA, mma.m16n8k8 and m16n8k16, with g = lane / 4 and t = lane % 4: register r of A holds
// row g + 8 (r % 2), columns 2 (t + 4 (r / 2)) and the next; register r of B rows 2 (t + 4 r) and the next,
// column g; register r of C and D row g + 8 (r / 2), column 2 t + r % 2.
// Example: lane 5 (g = 1, t = 1), register 3 of A: row 9, columns 10 and 11. Of tf32 m16n8k8 register r of A holds
// column t + 4 (r / 2), register r of B row t + 4 r, one value each, whose lower 13 bits do not count. Of floats of 8
// bits, m16n8k32, register r of A holds columns 4 t + 16 (r / 2) and the next three, register r of B rows 4 t + 16 r
// and the next three.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/ProductBounds.h"
#include <cmath>
#include <cstring>

using namespace imbrex;
using namespace imbrex::recorded;

static constexpr unsigned kWarp = 32;

bool recorded::hasProductBounds(const Form &form) {
  std::string words = form.instruction();
  if (words == "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32")
    return !form.guarded;
  for (const char *type : {"e4m3.e4m3", "e5m2.e5m2"})
    if (words == std::string("mma.sync.aligned.m16n8k32.row.col.f32.") + type + ".f32")
      return !form.guarded;
  for (const char *shape : {"m16n8k16", "m16n8k8"})
    for (const char *type : {"f16.f16", "bf16.bf16"})
      if (words == std::string("mma.sync.aligned.") + shape + ".row.col.f32." + type + ".f32")
        return !form.guarded;
  return false;
}

static uint32_t wordOf(const Array &array, size_t thread) {
  uint32_t word;
  std::memcpy(&word, &array.data[thread * 4], 4);
  return word;
}

/// Element `i` of a packed register.
static double halfOf(const Array &array, size_t thread, unsigned i) {
  return toDouble(array.type, wordOf(array, thread) >> (16 * i) & 0xFFFF);
}

static double tf32Of(const Array &array, size_t thread) {
  constexpr uint32_t kIgnored = (1u << 13) - 1;
  return toDouble({ValueType::Float, 32}, wordOf(array, thread) & ~kIgnored);
}

static bool isOfBytes(const Form &form) { return form.has("e4m3") || form.has("e5m2"); }

/// Byte `i` of a register: e5m2 is the upper byte of an f16, e4m3 has a bias of 7, and no infinity.
static double byteOf(const Experiment &experiment, const Array &array, size_t thread, unsigned i) {
  unsigned byte = wordOf(array, thread) >> (8 * i) & 0xFF;
  if (experiment.form.has("e5m2"))
    return toDouble({ValueType::Float, 16}, byte << 8);
  unsigned exponent = byte >> 3 & 15, fraction = byte & 7;
  if (exponent == 15 && fraction == 7)
    return NAN;
  double size = exponent ? std::ldexp(fraction + 8, int(exponent) - 10) : std::ldexp(fraction, -9);
  return byte & 0x80 ? -size : size;
}

static double elementA(const Experiment &experiment, size_t warp, unsigned row, unsigned k) {
  if (experiment.form.has("tf32"))
    return tf32Of(experiment.inputs[row / 8 + 2 * (k / 4)], warp * kWarp + row % 8 * 4 + k % 4);
  if (isOfBytes(experiment.form))
    return byteOf(experiment, experiment.inputs[row / 8 + 2 * (k / 16)], warp * kWarp + row % 8 * 4 + k / 4 % 4, k % 4);
  unsigned lane = row % 8 * 4 + k / 2 % 4, reg = row / 8 + 2 * (k / 8);
  return halfOf(experiment.inputs[reg], warp * kWarp + lane, k % 2);
}

static double elementB(const Experiment &experiment, size_t warp, unsigned k, unsigned column, unsigned firstB) {
  if (experiment.form.has("tf32"))
    return tf32Of(experiment.inputs[firstB + k / 4], warp * kWarp + column * 4 + k % 4);
  if (isOfBytes(experiment.form))
    return byteOf(experiment, experiment.inputs[firstB + k / 16], warp * kWarp + column * 4 + k / 4 % 4, k % 4);
  unsigned lane = column * 4 + k / 2 % 4, reg = k / 8;
  return halfOf(experiment.inputs[firstB + reg], warp * kWarp + lane, k % 2);
}

std::vector<ProductTerms> recorded::productTerms(const Experiment &experiment, size_t output) {
  const Form &form = experiment.form;
  unsigned depth = form.has("m16n8k32") ? 32 : form.has("m16n8k16") ? 16 : 8;
  unsigned perWord = isOfBytes(form) ? 4 : form.has("tf32") ? 1 : 2;
  unsigned firstB = depth / 2 / perWord,
           firstC = firstB + depth / 4 / perWord; // 16 x depth and depth x 8 over 32 lanes
  std::vector<ProductTerms> all(experiment.threads());
  for (size_t thread = 0; thread < all.size(); ++thread) {
    unsigned lane = unsigned(thread % kWarp), row = lane / 4 + 8 * unsigned(output / 2),
             column = lane % 4 * 2 + unsigned(output % 2);
    ProductTerms &terms = all[thread];
    terms.products = depth;
    terms.isOfBytes = isOfBytes(form);
    auto add = [&](double term) {
      terms.sum += term;
      terms.magnitude += std::fabs(term);
      terms.largest = std::fmax(terms.largest, std::fabs(term));
    };
    add(toDouble({ValueType::Float, 32}, wordOf(experiment.inputs[firstC + output], thread)));
    for (unsigned k = 0; k < depth; ++k)
      add(elementA(experiment, thread / kWarp, row, k) * elementB(experiment, thread / kWarp, k, column, firstB));
  }
  return all;
}
