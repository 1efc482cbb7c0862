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
    options.set[name] = value;
  for (const auto &[name, value] : interface.constants)
    options.set.try_emplace(name, value);
  for (const Parameter &parameter : interface.parameters) {
    if (parameter.isView && parameter.optional && parameter.present)
      options.given.insert(parameter.name);
    if (parameter.isView && parameter.present)
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

using ErrorsByName = std::map<std::string, std::vector<double>>;

namespace {

/// How one output compares. A bound is twice what the interpreter gives: it is of the first order.
struct Comparison {
  int64_t beyond = 0;     ///< elements further off than their bound
  int64_t mismatches = 0; ///< NaN or infinity on one side only
  int64_t open = 0;       ///< elements without a bound: hidden values that are NaN, a divisor that may be zero
  double share = -1;      ///< of its bound, where that is largest: the element shown
  double difference = 0, bound = 0;
};

} // namespace

static Comparison compare(const CheckedArray &array, const std::vector<double> &errors) {
  Comparison result;
  unsigned bytes = byteSize(array.type);
  for (size_t i = 0; i < errors.size(); ++i) {
    double want = npy::decode(&array.before[i * bytes], array.type);
    double got = npy::decode(&array.result[i * bytes], array.type), bound = 2 * errors[i];
    bool isSame = want == got || (std::isnan(want) && std::isnan(got));
    if (bound == INFINITY) {
      ++result.open;
      continue;
    }
    if (!isSame && (!std::isfinite(want) || !std::isfinite(got))) {
      ++result.mismatches;
      continue;
    }
    double difference = isSame ? 0 : std::abs(want - got);
    bool isBeyond = !isSame && !(difference <= bound);
    result.beyond += isBeyond;
    double share = difference == 0 ? 0 : difference / bound;
    if (share > result.share)
      result.share = share, result.difference = difference, result.bound = bound;
  }
  return result;
}

/// "check O: 12 NaN or inf on one side; largest difference ...".
static std::string sentenceOn(const std::string &name, const Comparison &result, bool good) {
  std::string text = "check " + name + ": ";
  if (result.mismatches != 0)
    text += std::to_string(result.mismatches) + " NaN or infinite on one side only; ";
  if (result.open != 0)
    text += std::to_string(result.open) + " without a bound; ";
  if (result.beyond != 0)
    text += std::to_string(result.beyond) + " beyond their bound; ";
  return text + llvm::formatv("difference {0:E2} where the bound is {1:E2}: {2}\n", result.difference, result.bound,
                              good ? "ok" : "DIFFERENT")
                    .str();
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
                                                             std::vector<CheckedArray> &arrays, ErrorsByName &errors) {
  std::vector<reference::Argument> inputs;
  for (const Parameter &parameter : interface.parameters) {
    if (!parameter.present)
      continue;
    if (CheckedArray *array = findArray(arrays, parameter.name)) {
      inputs.emplace_back(reference::ViewData{array->before.data(), array->type, array->shape,
                                              denseStrides(array->shape),
                                              parameter.output ? &errors[parameter.name] : nullptr});
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

/// The launch grid, from what the arguments say of extents and from integer scalars. `inputs`: interpreterArguments.
static std::array<int64_t, 3> gridOf(const KernelInterface &interface, const InferredShapes &shapes,
                                     const std::vector<reference::Argument> &inputs) {
  std::map<std::string, int64_t, std::less<>> values = interface.constants;
  values.insert(shapes.extents.begin(), shapes.extents.end());
  size_t next = 0;
  for (const Parameter &parameter : interface.parameters)
    if (const int64_t *integer = parameter.present ? std::get_if<int64_t>(&inputs[next++]) : nullptr)
      values.try_emplace(parameter.name, *integer);
  std::array<int64_t, 3> grid;
  for (unsigned axis = 0; axis < 3; ++axis)
    grid[axis] = interface.grid[axis].evaluate(values).value_or(0);
  return grid;
}

bool tool::checkAgainstInterpreter(const Request &request, const KernelInterface &interface,
                                   const InferredShapes &shapes, const std::vector<Argument> &arguments,
                                   std::vector<CheckedArray> &arrays, std::string &report) {
  std::optional<Source> source = request.shipped ? request.shipped : readSource(request.file);
  std::string text = source ? tileStage(request, *source, interface, report) : "";
  if (text.empty())
    return false;
  ErrorsByName errors;
  std::vector<reference::Argument> inputs = interpreterArguments(interface, arguments, arrays, errors);
  if (std::optional<std::string> error = reference::interpretText(text, gridOf(interface, shapes, inputs), inputs)) {
    report = "check: the reference interpreter: " + *error + "\n";
    return false;
  }
  bool ok = true;
  for (const Parameter &parameter : interface.parameters) {
    const CheckedArray *array = findArray(arrays, parameter.name);
    if (!parameter.output || !array)
      continue;
    Comparison comparison = compare(*array, errors.find(parameter.name)->second);
    bool good = comparison.mismatches == 0 && comparison.beyond == 0;
    report += sentenceOn(parameter.name, comparison, good);
    ok &= good;
  }
  return ok;
}
