//===- ProductBounds.cpp - What one product adds up -----------------------===//
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
// and the next three. Each warp of a wgmma has such an A and D (WarpgroupProduct.h).
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/ProductBounds.h"
#include "tests/recorded/KernelText.h"
#include "tests/recorded/WarpgroupProduct.h"
#include <cmath>
#include <cstring>

using namespace imbrex;
using namespace imbrex::recorded;

static constexpr unsigned kWarp = 32;

bool recorded::hasProductBounds(const Form &form) {
  std::string words = form.instruction();
  if (std::optional<WarpgroupProduct> product = WarpgroupProduct::parse(form))
    return !product->integers;
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

static double tf32Value(uint32_t word) {
  constexpr uint32_t kIgnored = (1u << 13) - 1;
  return toDouble({ValueType::Float, 32}, word & ~kIgnored);
}
static double tf32Of(const Array &array, size_t thread) { return tf32Value(wordOf(array, thread)); }

static bool isOfBytes(const Form &form) { return form.has("e4m3") || form.has("e5m2"); }

/// e5m2 is the upper byte of an f16, e4m3 has a bias of 7, and no infinity.
static double byteValue(const Form &form, unsigned byte) {
  if (form.has("e5m2"))
    return toDouble({ValueType::Float, 16}, byte << 8);
  unsigned exponent = byte >> 3 & 15, fraction = byte & 7;
  if (exponent == 15 && fraction == 7)
    return NAN;
  double size = exponent ? std::ldexp(fraction + 8, int(exponent) - 10) : std::ldexp(fraction, -9);
  return byte & 0x80 ? -size : size;
}

/// Byte `i` of a register.
static double byteOf(const Experiment &experiment, const Array &array, size_t thread, unsigned i) {
  return byteValue(experiment.form, wordOf(array, thread) >> (8 * i) & 0xFF);
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

static void addTerm(ProductTerms &terms, double term) {
  terms.sum += term;
  terms.magnitude += std::fabs(term);
  terms.largest = std::fmax(terms.largest, std::fabs(term));
}

/// An element of an operand of the block's in shared memory.
static double sharedElement(const Experiment &experiment, const WarpgroupProduct &product, size_t input, size_t block,
                            unsigned byte) {
  const Array &array = experiment.inputs[input];
  unsigned row = byte / WarpgroupProduct::kRow, bytes = product.type.bits / 8;
  size_t thread = block * KernelText::kBlock + row % KernelText::kBlock;
  size_t at = thread * array.slotBytes() + row / KernelText::kBlock * WarpgroupProduct::kRow + byte % 16;
  uint32_t bits = 0;
  std::memcpy(&bits, &array.data[at], bytes);
  if (experiment.form.has("tf32"))
    return tf32Value(bits);
  return bytes == 1 ? byteValue(experiment.form, bits) : toDouble(product.type, bits);
}

static std::vector<ProductTerms> warpgroupTerms(const Experiment &experiment, const WarpgroupProduct &product,
                                                size_t output) {
  std::vector<unsigned> kept = product.keptRegisters();
  WarpgroupProduct::Variant variant = product.variants()[output / kept.size()];
  unsigned reg = kept[output % kept.size()];
  std::vector<ProductTerms> all(experiment.threads());
  for (size_t thread = 0; thread < all.size(); ++thread) {
    size_t block = thread / KernelText::kBlock, warp = thread / kWarp;
    unsigned lane = unsigned(thread % kWarp), row = lane / 4 + 8 * (reg / 2 % 2);
    unsigned column = reg / 4 * 8 + lane % 4 * 2 + reg % 2, rowOfBlock = unsigned(warp % 4) * 16 + row;
    ProductTerms &terms = all[thread];
    terms.products = product.k;
    terms.isOfBytes = isOfBytes(experiment.form);
    addTerm(terms, toDouble({ValueType::Float, 32}, wordOf(experiment.inputs[product.inputOfC()], thread)));
    for (unsigned k = 0; k < product.k; ++k) {
      double a = product.sharedA ? sharedElement(experiment, product, product.inputOfA(), block,
                                                 product.byteOf(rowOfBlock, k, false))
                                 : elementA(experiment, warp, row, k);
      double b =
          sharedElement(experiment, product, product.inputOfB(), block, product.byteOf(column, k, variant.transposeB));
      addTerm(terms, a * b * variant.scaleA * variant.scaleB);
    }
  }
  return all;
}

std::vector<ProductTerms> recorded::productTerms(const Experiment &experiment, size_t output) {
  const Form &form = experiment.form;
  if (std::optional<WarpgroupProduct> product = WarpgroupProduct::parse(form))
    return warpgroupTerms(experiment, *product, output);
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
    addTerm(terms, toDouble({ValueType::Float, 32}, wordOf(experiment.inputs[firstC + output], thread)));
    for (unsigned k = 0; k < depth; ++k)
      addTerm(terms,
              elementA(experiment, thread / kWarp, row, k) * elementB(experiment, thread / kWarp, k, column, firstB));
  }
  return all;
}
