//===- ViewChecks.cpp - One view by itself --------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything that must hold of a view before its extents are compared with anyone else's: rank, strides,
// sizes, address, bounds. Inference (Completeness::Some) looks at shapes alone: an address may still be 0.
//
//===----------------------------------------------------------------------===//

#include "runtime/Binding.h"
#include "runtime/TensorMap.h"
#include "runtime/ViewOverlap.h"
#include <algorithm>
#include <bit>
#include <numeric>

using namespace imbrex;

static constexpr unsigned kLargestAlignment = 16;

namespace {

/// A view under check, and how its messages begin.
struct Check {
  const SignaturePlan &plan;
  unsigned parameter;
  const View &view;
  BoundView &bound;

  Error fail(std::string_view problem) const {
    return Error{ErrorKind::Argument,
                 "argument '" + plan.signature.parameters[parameter].name + "': " + std::string(problem)};
  }
  unsigned rank() const { return view.extents.size(); }
  bool isEmpty() const {
    for (int64_t extent : view.extents)
      if (extent == 0)
        return true;
    return false;
  }
};

} // namespace

static std::string inDimension(unsigned dimension) { return " in dimension " + std::to_string(dimension); }

static Result<void> checkShape(const Check &check) {
  if (check.view.type > DataType::F64)
    return check.fail("its element type is none of DataType");
  size_t declared = check.plan.extents[check.parameter].size();
  if (check.rank() != declared)
    return check.fail("it has " + std::to_string(check.rank()) + " dimensions, the kernel declares " +
                      check.plan.typeText(check.parameter));
  for (unsigned i = 0; i < declared; ++i)
    if (int64_t extent = check.view.extents[i]; extent < 0 || extent > kLargestExtent)
      return check.fail("extent " + std::to_string(extent) + inDimension(i) + " is not between 0 and " +
                        std::to_string(kLargestExtent));
  if (!check.view.strides.empty() && check.view.strides.size() != declared)
    return check.fail("it has " + std::to_string(check.view.strides.size()) + " strides for " +
                      std::to_string(declared) + " dimensions");
  return {};
}

std::optional<Dims> imbrex::denseStrides(const Dims &extents) {
  Dims strides = extents;
  int64_t stride = 1;
  for (unsigned i = extents.size(); i-- > 0;) {
    strides[i] = stride;
    if (i > 0 && __builtin_mul_overflow(stride, std::max<int64_t>(extents[i], 1), &stride))
      return std::nullopt;
  }
  return strides;
}

/// denseStrides in place; false if they overflow 64 bits. Nothing else can be wrong with them.
static bool writeDenseStrides(const Check &check) {
  int64_t stride = 1;
  for (unsigned i = check.rank(); i-- > 0;) {
    check.bound.strides[i] = stride;
    if (i > 0 && __builtin_mul_overflow(stride, std::max<int64_t>(check.view.extents[i], 1), &stride))
      return false;
  }
  return true;
}

/// Writes dense strides, or checks the given ones.
static Result<void> checkStrides(const Check &check) {
  const View &view = check.view;
  unsigned rank = check.rank();
  if (view.strides.empty())
    return writeDenseStrides(check) ? Result<void>() : check.fail("its size overflows 64 bits");
  for (unsigned i = rank; i-- > 0;) {
    int64_t stride = view.strides[i];
    check.bound.strides[i] = stride;
    if (stride < 0)
      return check.fail("stride " + std::to_string(stride) + inDimension(i) + " is negative");
    if (i == rank - 1 && stride != 1 && view.extents[i] > 1)
      return check.fail("the last stride is " + std::to_string(stride) +
                        " but must be 1: copy the tensor, or pass it with its dimensions in another order");
  }
  return {};
}

/// Null, bounds and element alignment of a view that is not empty.
static Result<void> checkMemory(const Check &check) {
  const View &view = check.view;
  const std::span<const int64_t> extents(view.extents.begin(), view.extents.end());
  std::optional<uint64_t> span = spanBytes(extents, {check.bound.strides.data(), extents.size()}, byteSize(view.type));
  if (!span || __builtin_add_overflow(view.address, view.byteOffset, &check.bound.address) ||
      __builtin_add_overflow(check.bound.address, *span, &check.bound.end))
    return check.fail("its extents and strides overflow the address space");
  if (view.address == 0)
    return check.fail("its address is null, but it has elements");
  if (view.availableBytes && (view.byteOffset > *view.availableBytes || *span > *view.availableBytes - view.byteOffset))
    return check.fail("it needs " + std::to_string(*span) + " bytes from offset " + std::to_string(view.byteOffset) +
                      ", its buffer has " + std::to_string(*view.availableBytes));
  if (unsigned size = byteSize(view.type); check.bound.address % size != 0)
    return check.fail("its address is not a multiple of " + std::to_string(size) + ", the size of " +
                      std::string(name(view.type)));
  return {};
}

static Result<void> checkOutput(const Check &check) {
  const Parameter &parameter = check.plan.signature.parameters[check.parameter];
  if (!parameter.output)
    return {};
  if (check.view.readOnly)
    return check.fail("it is read-only, but the kernel writes it");
  if (check.isEmpty())
    return {};
  // From the smallest stride up, each must pass over all that the dimensions below it reach.
  const MemoryShape shape(check.view, check.bound);
  std::array<unsigned, Dims::kMaxRank + 1> order;
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.begin() + shape.rank,
            [&](unsigned a, unsigned b) { return shape.strides[a] < shape.strides[b]; });
  int64_t reach = 0;
  for (unsigned i = 0; i < shape.rank; ++i) {
    unsigned dimension = order[i];
    int64_t extent = shape.extents[dimension], stride = shape.strides[dimension], more = 0;
    if (extent < 2)
      continue;
    if (stride <= reach)
      return check.fail("stride " + std::to_string(stride) +
                        (dimension < check.rank() ? inDimension(dimension) : " from a page to the next") +
                        " makes elements of an output overlap");
    if (__builtin_mul_overflow(extent - 1, stride, &more) || __builtin_add_overflow(reach, more, &reach))
      return check.fail("its extents and strides overflow the address space");
  }
  return {};
}

/// Whether 16 divides every stride in bytes, and the last extent in bytes. Strides that lead to no element do not
/// count: dropIdleStrides.
static bool mayAlign(const Check &check) {
  uint64_t size = byteSize(check.view.type);
  uint64_t bits = uint64_t(check.view.extents[check.rank() - 1]) * size;
  for (unsigned i = 0; i + 1 < check.rank(); ++i)
    if (check.view.extents[i] > 1)
      bits |= uint64_t(check.bound.strides[i]) * size;
  return bits % kLargestAlignment == 0;
}

/// 16 where that divides the address too; else the element's size: two classes a view, so that few specialisations
/// differ by alignment alone.
static unsigned alignmentOf(const BoundView &bound, uint64_t address, DataType type) {
  return bound.mayAlign && address % kLargestAlignment == 0 ? kLargestAlignment : byteSize(type);
}

/// A kernel may make an address outside a view, for a copy of nothing, and that must be aligned as the others are:
/// strides that lead from no element to another one are passed as 0.
static void dropIdleStrides(const Check &check, bool isEmpty) {
  for (unsigned i = 0; i + 1 < check.rank(); ++i)
    if (isEmpty || check.view.extents[i] < 2)
      check.bound.strides[i] = 0;
}

Result<void> imbrex::checkView(const SignaturePlan &plan, unsigned parameter, const View &view,
                               Completeness completeness, BoundView &bound) {
  Check check{plan, parameter, view, bound};
  if (Result<void> shape = checkShape(check); !shape)
    return shape;
  if (Result<void> strides = checkStrides(check); !strides)
    return strides;
  if (completeness == Completeness::Some)
    return {};
  if (Result<void> output = checkOutput(check); !output)
    return output;
  const bool isEmpty = check.isEmpty();
  dropIdleStrides(check, isEmpty);
  bound.address = bound.end = 0;
  bound.alignment = kLargestAlignment;
  bound.hasMap = false;
  if (isEmpty)
    return {};
  if (Result<void> memory = checkMemory(check); !memory)
    return memory;
  bound.mayAlign = mayAlign(check);
  bound.alignment = alignmentOf(bound, bound.address, view.type);
  bound.hasMap = bound.alignment == kLargestAlignment &&
                 (view.extents.size() > kTensorMapRank || // which none is made of
                  hasTensorMap(view.type, std::span(view.extents.begin(), view.extents.end()), bound.strides));
  return {};
}

bool imbrex::moveView(const SignaturePlan &plan, unsigned parameter, const View &view, BoundView &bound) {
  if (view.readOnly && plan.signature.parameters[parameter].output)
    return false;
  const uint64_t span = bound.end - bound.address;
  if (span == 0) // no elements: the address is nobody's
    return true;
  uint64_t address = 0, end = 0;
  if (view.address == 0 || __builtin_add_overflow(view.address, view.byteOffset, &address) ||
      __builtin_add_overflow(address, span, &end) || address % byteSize(view.type) != 0)
    return false;
  if (view.availableBytes && (view.byteOffset > *view.availableBytes || span > *view.availableBytes - view.byteOffset))
    return false;
  if (alignmentOf(bound, address, view.type) != bound.alignment)
    return false;
  bound.address = address;
  bound.end = end;
  return true;
}
