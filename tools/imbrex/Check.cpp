//===- Check.cpp - Comparing a run with the reference interpreter ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tile stage of the same specialisation, interpreted on copies of the arrays as they were before.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/Check.h"
#include "compiler/reference/Reference.h"
#include "tools/imbrex/Npy.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace imbrex;
using namespace imbrex::tool;

/// Options that make the specialisation that ran.
static CompileOptions optionsOf(const Request &request, const KernelInterface &interface) {
  CompileOptions options = request.options;
  options.kernel = interface.kernel;
  options.target = interface.target;
  for (const auto &[name, value] : interface.types)
    options.set[name] = std::string(imbrex::name(value));
  for (const auto &[name, value] : interface.constants)
    options.set.try_emplace(name, std::to_string(value));
  for (const Parameter &parameter : interface.parameters) {
    if (!parameter.present)
      options.absent.insert(parameter.name);
    else if (parameter.isView)
      options.alignment[parameter.name] = parameter.alignment;
  }
  return options;
}

/// Dense strides of a shape.
static std::vector<int64_t> denseStrides(const std::vector<int64_t> &shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t dim = shape.size(); dim-- > 1;)
    strides[dim - 1] = strides[dim] * shape[dim];
  return strides;
}

namespace {

/// The largest difference of an output, and the largest value it should have.
struct Difference {
  double worst = 0, largest = 0;
  int64_t mismatches = 0; ///< NaN or infinity on one side only
};

} // namespace

static Difference compare(const CheckedArray &array, const std::vector<char> &expected) {
  Difference difference;
  unsigned bytes = byteSize(array.type);
  for (size_t at = 0; at < expected.size(); at += bytes) {
    double want = npy::decode(&expected[at], array.type), got = npy::decode(&array.result[at], array.type);
    if (std::isfinite(want))
      difference.largest = std::max(difference.largest, std::abs(want));
    if (want == got || (std::isnan(want) && std::isnan(got)))
      continue;
    if (!std::isfinite(want) || !std::isfinite(got)) {
      ++difference.mismatches;
      continue;
    }
    difference.worst = std::max(difference.worst, std::abs(want - got));
  }
  return difference;
}

/// What is smaller is compared as if it were this large: it may be what two large values leave.
static constexpr double kSmallest = 1e-4;

/// Differences up to this share of the largest value are rounding: a few units of the type.
static double toleranceOf(DataType type) {
  switch (type) {
  case DataType::F16:
    return 2e-3;
  case DataType::BF16:
    return 1.6e-2;
  case DataType::F32:
    return 2e-3; // a sum of operands that may have been rounded to 16 bits, on one side the other way
  case DataType::F64:
    return 1e-10;
  default:
    return 0;
  }
}

/// The tile stage of the specialisation that ran; "" with the reason in `report`.
static std::string tileStage(const Request &request, const Source &source, const KernelInterface &interface,
                             std::string &report) {
  CompileOptions options = optionsOf(request, interface);
  CompileResult tile = compile(source, options, Stage::Tile);
  report = tile.errors();
  return tile.kernel ? tile.kernel->code : "";
}

template <typename Arrays> static auto *findArray(Arrays &arrays, const std::string &name) {
  auto it = llvm::find_if(arrays, [&](const CheckedArray &array) { return array.name == name; });
  return it == arrays.end() ? nullptr : &*it;
}

/// The interpreter's arguments, in the order of the kernel's parameters: arrays as they were before the run.
static std::vector<reference::Argument> interpreterArguments(const KernelInterface &interface,
                                                             const std::vector<Argument> &arguments,
                                                             std::vector<CheckedArray> &arrays) {
  std::vector<reference::Argument> inputs;
  for (const Parameter &parameter : interface.parameters) {
    if (!parameter.present)
      continue;
    if (CheckedArray *array = findArray(arrays, parameter.name)) {
      inputs.push_back(
          reference::ViewData{array->before.data(), array->type, array->shape, denseStrides(array->shape)});
      continue;
    }
    auto given = llvm::find_if(arguments, [&](const Argument &a) { return a.name == parameter.name; });
    bool isGiven = given != arguments.end();
    bool isReal = isGiven && given->scalar.kind == Scalar::Kind::Float;
    double real = !isGiven ? *parameter.standard : isReal ? given->scalar.real : double(given->scalar.integer);
    int64_t integer = isGiven ? given->scalar.integer : int64_t(real);
    inputs.push_back(isFloat(parameter.type) ? reference::Argument(real) : reference::Argument(integer));
  }
  return inputs;
}

/// The launch grid, from the extents that the arrays have.
static std::array<int64_t, 3> gridOf(const KernelInterface &interface, const std::vector<CheckedArray> &arrays) {
  std::map<std::string, int64_t, std::less<>> values = interface.constants;
  for (const Parameter &parameter : interface.parameters)
    if (const CheckedArray *array = findArray(arrays, parameter.name))
      for (auto [extent, value] : llvm::zip(parameter.extents, array->shape))
        values.try_emplace(extent.postfix, value);
  std::array<int64_t, 3> grid;
  for (unsigned axis = 0; axis < 3; ++axis)
    grid[axis] = interface.grid[axis].evaluate(values).value_or(0);
  return grid;
}

bool tool::checkAgainstInterpreter(const Request &request, const KernelInterface &interface,
                                   const std::vector<Argument> &arguments, std::vector<CheckedArray> &arrays,
                                   std::string &report) {
  std::optional<Source> source = readSource(request.file);
  std::string text = source ? tileStage(request, *source, interface, report) : "";
  if (text.empty())
    return false;
  std::vector<reference::Argument> inputs = interpreterArguments(interface, arguments, arrays);
  if (std::optional<std::string> error = reference::interpretText(text, gridOf(interface, arrays), inputs)) {
    report = "check: the reference interpreter: " + *error + "\n";
    return false;
  }
  bool ok = true;
  for (const Parameter &parameter : interface.parameters) {
    const CheckedArray *array = findArray(arrays, parameter.name);
    if (!parameter.output || !array)
      continue;
    Difference difference = compare(*array, array->before);
    double limit = toleranceOf(array->type) * std::max(kSmallest, difference.largest);
    bool good = difference.mismatches == 0 && difference.worst <= limit;
    report += llvm::formatv("check {0}: largest difference {1:E2}, limit {2:E2}: {3}\n", parameter.name,
                            difference.worst, limit, good ? "ok" : "DIFFERENT")
                  .str();
    ok &= good;
  }
  return ok;
}
