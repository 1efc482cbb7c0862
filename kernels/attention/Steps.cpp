//===- Steps.cpp - What plans of attention are made of --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels from their files, what is told of them, and the shapes of tensors.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention/Steps.h"
#include "kernels/ShippedKernels.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::attention;

View attention::headsFirst(const View &view) {
  View swapped = view;
  if (view.extents.size() != 4)
    return swapped;
  const Dims &e = view.extents;
  if (view.strides.empty())
    swapped.strides = {e[1] * e[2] * e[3], e[2] * e[3], e[3], 1};
  std::swap(swapped.extents[1], swapped.extents[2]);
  std::swap(swapped.strides[1], swapped.strides[2]);
  return swapped;
}

View attention::select(const View &view, unsigned dimension, int64_t index) {
  const unsigned rank = view.extents.size();
  assert(dimension < rank && index >= 0 && index < view.extents[dimension] && "there is no such part");
  std::array<int64_t, Dims::kMaxRank> extents, strides;
  int64_t dense = 1;
  for (unsigned i = rank; i-- > 0; dense *= std::max<int64_t>(view.extents[i], 1))
    strides[i] = view.strides.empty() ? dense : view.strides[i];
  View part = view;
  part.byteOffset += uint64_t(strides[dimension] * index) * byteSize(view.type);
  std::copy_n(view.extents.begin(), rank, extents.begin());
  std::copy(extents.begin() + dimension + 1, extents.begin() + rank, extents.begin() + dimension);
  std::copy(strides.begin() + dimension + 1, strides.begin() + rank, strides.begin() + dimension);
  part.extents = Dims(std::span<const int64_t>(extents.data(), rank - 1));
  part.strides = Dims(std::span<const int64_t>(strides.data(), rank - 1));
  return part;
}

Error attention::refusal(const std::string &reason) { return Error{ErrorKind::Argument, "attention: " + reason}; }

Result<Kernel> attention::shipped(const Runtime &runtime, std::string_view file, std::string_view kernel) {
  std::optional<Source> source = shippedKernel(file);
  assert(source && "the file is part of the library");
  Result<Module> module = runtime.loadSource(*std::move(source));
  if (!module)
    return module.takeError();
  return module->kernel(kernel);
}

Result<void> attention::apply(Kernel &kernel, const Options &options) {
  if (options.captured.size() > Options::kMostCaptured)
    return refusal("mask and score capture " + std::to_string(options.captured.size()) + " arguments, at most " +
                   std::to_string(Options::kMostCaptured) + " can be given");
  if (!options.mask.empty())
    kernel.hook("mask", options.mask);
  if (!options.score.empty())
    kernel.hook("score", options.score);
  if (!options.weight.empty())
    kernel.hook("weight", options.weight);
  for (const auto &[name, value] : options.tuning)
    kernel.set(name, value);
  return {};
}

void attention::addRotary(ArgumentList &list, const Rotary &rotary) {
  if (rotary.features == 0)
    return;
  if (rotary.cosines) {
    list.add({"cosines", *rotary.cosines});
    list.add({"sines", *rotary.sines});
  } else {
    list.add({"base", rotary.base});
  }
}

void attention::turnBy(Kernel &kernel, const Rotary &rotary) {
  kernel.set("R", rotary.features).set("INTERLEAVED", int64_t(rotary.isInterleaved));
  if (rotary.features == 0)
    return;
  kernel.hook("cosine", rotary.cosines ? "table(cosines)(position, pair)" : "cos(angle_of(base)(position, pair))");
  kernel.hook("sine", rotary.sines ? "table(sines)(position, pair)" : "sin(angle_of(base)(position, pair))");
}

/// What a launch with these arguments has, by the kernel's own names.
static Support::Step stepOf(const Kernel &kernel, const KernelInfo &info, const InferredShapes &shapes) {
  std::map<std::string, int64_t, std::less<>> values = shapes.extents;
  values.insert(info.interface.constants.begin(), info.interface.constants.end());
  auto constant = [&](std::string_view name) {
    auto it = info.interface.constants.find(name);
    return it == info.interface.constants.end() ? 0 : it->second;
  };
  Support::Step step = {kernel.signature().name,
                        constant("BM"),
                        constant("BN"),
                        info.interface.warps,
                        info.interface.sharedBytes,
                        info.registers,
                        1};
  for (const Expression &extent : info.interface.grid)
    step.instances *= extent.evaluate(values).value_or(0);
  return step;
}

Result<void> attention::addStep(PlanState &plan, const Kernel &kernel, Arguments arguments) {
  Result<KernelInfo> info = kernel.prepare(arguments);
  if (!info)
    return info.takeError();
  Result<InferredShapes> shapes = kernel.infer(arguments);
  if (!shapes)
    return shapes.takeError();
  plan.support.steps.push_back(stepOf(kernel, *info, *shapes));
  plan.kernels.push_back(kernel);
  return {};
}

/// The extent `back` dimensions before the last.
static int64_t extentFromLast(const View &view, unsigned back) {
  const unsigned rank = view.extents.size();
  return rank > back && rank <= Dims::kMaxRank ? view.extents[rank - 1 - back] : 0;
}

int64_t attention::featuresOf(const Tensor &tensor) { return extentFromLast(tensor.view(), 0); }
int64_t attention::headsOf(const Tensor &tensor) { return extentFromLast(tensor.view(), 1); }

int64_t attention::sequencesOf(const Tensor &tensor) {
  const Sequences *stored = tensor.sequences();
  if (!stored || stored->kind == Storage::Kind::Dense || stored->kind == Storage::Kind::Padded)
    return extentFromLast(tensor.view(), 3);
  if (stored->kind == Storage::Kind::Paged)
    return extentFromLast(stored->lengths, 0);
  return std::max<int64_t>(extentFromLast(stored->lengths, 0) - 1, 0);
}

int64_t attention::longestOf(const Tensor &tensor) {
  const Sequences *stored = tensor.sequences();
  if (stored && stored->kind == Storage::Kind::Ragged)
    return stored->longest;
  int64_t rows = extentFromLast(tensor.view(), 2);
  if (!stored || stored->kind == Storage::Kind::Dense || stored->kind == Storage::Kind::Padded)
    return rows;
  int64_t pages = extentFromLast(stored->table, 0);
  return rows > 0 && pages > kLargestExtent / rows ? kLargestExtent : rows * pages;
}

Result<void> attention::checkRoom(const Tensor &newRows, const char *name, const Tensor &cache,
                                  std::span<const int32_t> lengths, int64_t grows) {
  const int64_t room = longestOf(cache), rows = newRows.sequences() ? 0 : longestOf(newRows);
  const std::string has = std::string(name) + " has room for " + std::to_string(room);
  if (rows > room)
    return refusal(std::to_string(rows) + " new rows are given for each sequence, and the cache " + has);
  if (!lengths.empty() && int64_t(lengths.size()) != sequencesOf(cache))
    return refusal(std::to_string(lengths.size()) + " lengths are given for " + std::to_string(sequencesOf(cache)) +
                   " sequences");
  for (size_t b = 0; b < lengths.size(); ++b) {
    const int64_t length = int64_t(lengths[b]) + grows;
    const std::string sequence = "sequence " + std::to_string(b) + " has " + std::to_string(length) + " rows";
    if (length > room)
      return refusal(sequence + " with its new ones, and the cache " + has);
    if (length < rows)
      return refusal(sequence + ", fewer than its " + std::to_string(rows) +
                     " new ones: lengths count new rows already, unless they advance");
  }
  return {};
}

const Support &Plan::support() const { return state->support; }

std::string Support::text() const {
  std::string text = isSupported ? "" : "cannot be done: ";
  text += why + "\n";
  for (const Step &step : steps) {
    text +=
        step.kernel + ": " + std::to_string(step.instances) + " instances of " + std::to_string(step.warps) + " warps";
    if (step.tileRows != 0)
      text += ", tiles of " + std::to_string(step.tileRows) + " rows and " + std::to_string(step.tileKeys) + " keys";
    text += ", " + std::to_string(step.sharedBytes) + " bytes of shared memory\n";
  }
  if (isSupported)
    text += "keys in " + std::to_string(parts) + " part(s), " + std::to_string(packedHeads) +
            " head(s) of a group in a tile, workspace " + std::to_string(workspaceBytes) + " bytes\n";
  return text;
}
