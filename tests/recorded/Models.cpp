//===- Models.cpp - How near a result must come ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of approximations, and the comparison of one form's results.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/Models.h"
#include "tests/recorded/ProductBounds.h"
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <limits>

using namespace imbrex;
using namespace imbrex::recorded;

static constexpr size_t kShown = 3;
static constexpr double kHalfUnit = 0x1p-24; ///< of f32, relative

/// The result may be off by the larger of relative * |result| and absolute. PTX ISA, the section of each
/// instruction. Where .ftz is set, a result below 2^-126 may be 0 on one side.
struct Approximation {
  std::string_view instruction;
  double relative, absolute;
};
static constexpr Approximation kApproximations[] = {
    {"ex2.approx.ftz.f32", 0x1p-22, 0x1p-126},
    {"ex2.approx.f32", 0x1p-22, 0},
    {"lg2.approx.f32", 0x1p-22, 0x1p-22}, // absolute between 1/2 and 2, relative outside
    {"lg2.approx.ftz.f32", 0x1p-22, 0x1p-22},
    {"rcp.approx.f32", 0x1p-23, 0}, // one unit in the last place
    {"rcp.approx.ftz.f32", 0x1p-23, 0x1p-126},
    {"rsqrt.approx.f32", 0x1.125fbfp-23, 0}, // 2^-22.9
    {"rsqrt.approx.ftz.f32", 0x1.125fbfp-23, 0x1p-126},
    {"sqrt.approx.f32", 0x1p-23, 0},
    {"sqrt.approx.ftz.f32", 0x1p-23, 0x1p-126},
    {"div.full.f32", 0x1p-22, 0}, // two units in the last place
    {"div.full.ftz.f32", 0x1p-22, 0x1p-126},
    {"tanh.approx.f32", 0x1p-11, 0},
};

static const Approximation *approximationOf(const Form &form) {
  std::string words = form.instruction();
  for (const Approximation &approximation : kApproximations)
    if (words == approximation.instruction)
      return &approximation;
  return nullptr;
}

std::string recorded::whyNoModel(const Form &form) {
  bool approximate = form.has("approx") || form.has("full") || form.opcode == "tanh";
  if (approximate && !approximationOf(form))
    return "no stated error for " + form.instruction();
  bool isExact = form.has("s8"); // sums of integers, without .satfinite modulo 2^32
  bool product = form.opcode == "mma" || (form.opcode == "wgmma" && form.has("mma_async"));
  if (product && !isExact && !hasProductBounds(form))
    return "no stated error for " + form.instruction();
  return {};
}

/// Whether the form computes floats, so that the bits of a NaN result are open.
static bool leavesNansOpen(const Form &form) {
  static constexpr std::string_view kArithmetic[] = {"add",  "sub", "mul", "fma",  "mad",   "div",  "min",
                                                     "max",  "abs", "neg", "rcp",  "rsqrt", "ex2",  "lg2",
                                                     "sqrt", "cvt", "mma", "tanh", "red",   "wgmma"};
  return std::find(std::begin(kArithmetic), std::end(kArithmetic), form.opcode) != std::end(kArithmetic);
}

static uint64_t valueAt(const uint8_t *from, unsigned bits) {
  uint64_t value = 0;
  std::memcpy(&value, from, bits / 8);
  return value;
}

static std::string hex(uint64_t value, unsigned bits) {
  std::string text(bits / 4, '0');
  for (size_t i = text.size(); i-- > 0; value >>= 4)
    text[i] = "0123456789abcdef"[value & 15];
  return "0x" + text;
}

/// The distance of two finite floats of one type in steps from one value to the next.
static double steps(ValueType type, uint64_t a, uint64_t b) {
  uint64_t sign = uint64_t(1) << (type.bits - 1);
  auto order = [&](uint64_t bits) { return bits & sign ? -double(bits & ~sign) : double(bits); };
  return std::fabs(order(a) - order(b));
}

static bool withinApproximation(const Approximation &model, double recorded, double simulated) {
  if (!std::isfinite(recorded) && !std::isfinite(simulated))
    return recorded == simulated;
  double larger = std::fmax(std::fabs(recorded), std::fabs(simulated));
  if (!std::isfinite(larger)) // One side overflows where the other just does not.
    return std::signbit(recorded) == std::signbit(simulated) &&
           std::fmin(std::fabs(recorded), std::fabs(simulated)) >= FLT_MAX * (1 - model.relative);
  return std::fabs(recorded - simulated) <= std::fmax(model.relative * larger, model.absolute) + kHalfUnit * larger;
}

static bool withinProducts(const ProductTerms &terms, double recorded, double simulated) {
  bool mayOverflow = std::isfinite(terms.sum) && terms.magnitude > FLT_MAX;
  if (std::isnan(terms.sum) || std::isinf(terms.sum) || (!mayOverflow && !std::isfinite(simulated)))
    return recorded == simulated || (std::isnan(recorded) && std::isnan(simulated));
  if (mayOverflow && (!std::isfinite(recorded) || !std::isfinite(simulated)))
    return true;
  double products = terms.products, digits = terms.isOfBytes ? 0x1p-13 : 0x1p-22;
  return std::fabs(recorded - simulated) <=
         (products + 2) * digits * terms.largest + products * 0x1p-24 * terms.magnitude + (products + 1) * 0x1p-126;
}

namespace {

/// The comparison of one experiment's results, value after value.
struct Comparer {
  const Experiment &experiment;
  const Approximation *approximation = approximationOf(experiment.form);
  bool products = hasProductBounds(experiment.form), nansOpen = leavesNansOpen(experiment.form);
  Comparison made = {};

  void compareArray(size_t output, const uint8_t *recorded, const uint8_t *simulated);
  bool agree(ValueType type, uint64_t recorded, uint64_t simulated, const ProductTerms *terms);
  void note(const Array &array, size_t thread, uint64_t recorded, uint64_t simulated);
};

bool Comparer::agree(ValueType type, uint64_t recorded, uint64_t simulated, const ProductTerms *terms) {
  if (recorded == simulated)
    return true;
  if (!type.isFloat() || !nansOpen)
    return false;
  if (isNan(type, recorded) || isNan(type, simulated))
    return isNan(type, recorded) && isNan(type, simulated);
  double a = toDouble(type, recorded), b = toDouble(type, simulated);
  if (std::isfinite(a) && std::isfinite(b))
    made.largest = std::max(made.largest, steps(type, recorded, simulated));
  if (terms)
    return withinProducts(*terms, a, b);
  return approximation && withinApproximation(*approximation, a, b);
}

void Comparer::note(const Array &array, size_t thread, uint64_t recorded, uint64_t simulated) {
  if (++made.different > kShown)
    return;
  made.first += "  thread " + std::to_string(thread) + ":";
  for (const Array &input : experiment.inputs)
    for (unsigned i = 0; i < input.perThread; ++i) {
      unsigned bits = input.type.totalBits();
      made.first += " " + hex(valueAt(&input.data[(thread * input.perThread + i) * bits / 8], bits), bits);
    }
  if (!array.literals.empty())
    made.first += ", literals " + array.literals;
  made.first +=
      ": recorded " + hex(recorded, array.type.bits) + ", simulated " + hex(simulated, array.type.bits) + "\n";
}

void Comparer::compareArray(size_t output, const uint8_t *recorded, const uint8_t *simulated) {
  const Array &array = experiment.outputs[output];
  std::vector<ProductTerms> terms;
  if (products)
    terms = productTerms(experiment, output);
  size_t perThread = size_t(array.perThread) * array.type.count, bytes = array.type.bits / 8;
  for (size_t i = 0; i < perThread * experiment.threads(); ++i) {
    uint64_t a = valueAt(recorded + i * bytes, array.type.bits), b = valueAt(simulated + i * bytes, array.type.bits);
    ++made.values;
    if (!agree(array.type, a, b, products ? &terms[i / perThread] : nullptr))
      note(array, i / perThread, a, b);
  }
}

} // namespace

Comparison recorded::compareResults(const Experiment &experiment, const Bytes &recorded, const Bytes &simulated) {
  Comparer comparer{experiment};
  size_t at = 0;
  for (size_t output = 0; output < experiment.outputs.size(); ++output) {
    comparer.compareArray(output, recorded.data() + at, simulated.data() + at);
    at += experiment.outputs[output].slotBytes() * experiment.threads();
  }
  return comparer.made;
}

std::string Comparison::describe() const {
  std::string text = std::to_string(different) + " of " + std::to_string(values) + " values differ";
  if (largest > 0)
    text += ", the largest error is " + std::to_string(uint64_t(largest)) + " units in the last place";
  return text + "\n" + first;
}
