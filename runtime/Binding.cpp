//===- Binding.cpp - Arguments matched with a signature -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matching by name, and the types. Views are checked in ViewChecks.cpp, extents unified in Unify.cpp.
//
//===----------------------------------------------------------------------===//

#include "runtime/Binding.h"
#include "runtime/ViewOverlap.h"

using namespace imbrex;

static Error argumentError(std::string message) { return Error{ErrorKind::Argument, std::move(message)}; }

/// The parameter of an argument; most callers give them in order, so position `guess` is tried first.
static std::optional<unsigned> parameterOf(const SignaturePlan &plan, const Argument &argument, unsigned guess) {
  if (guess < plan.parameterCount() && plan.signature.parameters[guess].name == argument.name)
    return guess;
  return plan.parameterNamed(argument.name);
}

static Result<void> matchNames(const SignaturePlan &plan, Arguments arguments, Binding &binding) {
  for (unsigned i = 0; i < arguments.size(); ++i) {
    const Argument &argument = arguments[i];
    auto quoted = [&] { return "argument '" + std::string(argument.name) + "'"; };
    std::optional<unsigned> index = parameterOf(plan, argument, i);
    if (!index)
      return argumentError(quoted() + ": kernel '" + plan.signature.name + "' has no such parameter; it has " +
                           plan.parameterList());
    if (binding.arguments[*index])
      return argumentError(quoted() + " is given twice");
    if (argument.isView != plan.signature.parameters[*index].isView)
      return argumentError(quoted() + " must be " + (argument.isView ? "a scalar" : "a view") +
                           ": the kernel declares " + plan.typeText(*index));
    binding.arguments[*index] = &argument;
  }
  return {};
}

static Result<void> checkMissing(const SignaturePlan &plan, const Binding &binding) {
  for (unsigned i = 0; i < plan.parameterCount(); ++i)
    if (!binding.arguments[i] && !plan.signature.parameters[i].optional)
      return argumentError("argument '" + plan.signature.parameters[i].name + "' is missing: the kernel declares " +
                           plan.typeText(i));
  return {};
}

std::optional<DataType> imbrex::boundType(const SignaturePlan &plan, const Binding &binding, unsigned parameter) {
  int index = plan.typeIndex[parameter];
  if (index < 0)
    return plan.signature.parameters[parameter].type;
  const std::optional<DataType> &type = binding.types[unsigned(index)];
  return type && plan.wide[parameter] ? wideType(*type) : type;
}

/// "T is bf16 by argument 'Q'", "T is bf16 by set()".
static std::string typeReason(const SignaturePlan &plan, const Binding &binding, unsigned type) {
  const Origin &origin = binding.typeOrigins[type];
  std::string by =
      origin.parameter < 0 ? "set()" : "argument '" + plan.signature.parameters[unsigned(origin.parameter)].name + "'";
  return plan.signature.typeParameters[type].name + " is " + std::string(name(*binding.types[type])) + " by " + by;
}

static Result<void> checkAllowed(const KernelSignature::TypeParameter &parameter, DataType type,
                                 std::string_view argument) {
  std::vector<std::string> allowed;
  for (DataType candidate : parameter.allowed) {
    if (candidate == type)
      return {};
    allowed.emplace_back(name(candidate));
  }
  if (allowed.empty())
    return {};
  return argumentError("argument '" + std::string(argument) + "' has elements of type " + std::string(name(type)) +
                       ": " + parameter.name + " must be one of " + joinNames(allowed));
}

Result<void> imbrex::unifyTypes(const SignaturePlan &plan, Binding &binding) {
  for (unsigned i = 0; i < plan.parameterCount(); ++i) {
    const Argument *argument = binding.arguments[i];
    int index = plan.typeIndex[i];
    if (!argument || !argument->isView || index < 0 || plan.wide[i] || binding.types[unsigned(index)])
      continue;
    if (Result<void> allowed =
            checkAllowed(plan.signature.typeParameters[unsigned(index)], argument->view.type, argument->name);
        !allowed)
      return allowed;
    binding.types[unsigned(index)] = argument->view.type;
    binding.typeOrigins[unsigned(index)] = {int(i), 0};
  }
  for (unsigned i = 0; i < plan.parameterCount(); ++i) {
    const Argument *argument = binding.arguments[i];
    std::optional<DataType> expected = boundType(plan, binding, i);
    if (!argument || !argument->isView || !expected || *expected == argument->view.type)
      continue;
    std::string reason = plan.typeIndex[i] < 0 ? "" : ", and " + typeReason(plan, binding, unsigned(plan.typeIndex[i]));
    return argumentError("argument '" + std::string(argument->name) + "' has elements of type " +
                         std::string(name(argument->view.type)) + " but must have " + std::string(name(*expected)) +
                         ": the kernel declares " + plan.typeText(i) + reason);
  }
  return {};
}

static Result<void> checkTypesKnown(const SignaturePlan &plan, const Binding &binding) {
  for (unsigned i = 0; i < binding.types.size(); ++i)
    if (!binding.types[i])
      return argumentError("type " + plan.signature.typeParameters[i].name +
                           " is not determined by the arguments: give it with set(\"" +
                           plan.signature.typeParameters[i].name + "\", ...)");
  return {};
}

MemoryShape::MemoryShape(const View &view, const BoundView &bound) : rank(view.extents.size()) {
  std::copy(view.extents.begin(), view.extents.end(), extents.begin());
  std::copy_n(bound.strides.begin(), rank, strides.begin());
  const int64_t rows = rank > bound.pageDim ? extents[bound.pageDim] : 0;
  if (bound.pageRows == 0 || rows < bound.pageRows || (rows - bound.pageRows) % bound.pagesApart != 0)
    return;
  extents[bound.pageDim] = bound.pageRows;
  extents[rank] = (rows - bound.pageRows) / bound.pagesApart + 1;
  // Of a row's stride and fewer rows than the view has: where it overflows, the view's own extents do.
  strides[rank] = int64_t(uint64_t(strides[bound.pageDim]) * uint64_t(bound.pagesApart));
  ++rank;
}

bool imbrex::placePages(const SignaturePlan &plan, Binding &binding) {
  bool isNew = false;
  for (const SignaturePlan::Pages &pages : plan.pages) {
    const Argument *apart = binding.arguments[pages.apart];
    BoundView &view = binding.views[pages.parameter];
    const int64_t rows = apart && !apart->isView ? apart->scalar.integer : 0;
    const int64_t pageRows = rows > pages.rows ? pages.rows : 0;
    isNew |= view.pageRows != pageRows || view.pagesApart != rows;
    view.pageDim = pages.dim, view.pageRows = pageRows, view.pagesApart = rows;
  }
  return isNew;
}

static Overlap overlapOf(const Binding &binding, unsigned i, unsigned j) {
  const View &a = binding.arguments[i]->view, &b = binding.arguments[j]->view;
  const MemoryShape first(a, binding.views[i]), second(b, binding.views[j]);
  auto region = [&](const View &view, unsigned parameter, const MemoryShape &shape) {
    return MemoryRegion{binding.views[parameter].address,
                        byteSize(view.type),
                        {shape.extents.data(), shape.rank},
                        {shape.strides.data(), shape.rank}};
  };
  return findOverlap(region(a, i, first), region(b, j, second));
}

Result<void> imbrex::checkOverlaps(const SignaturePlan &plan, const Binding &binding) {
  auto memoryOf = [&](unsigned i) {
    const Argument *argument = binding.arguments[i];
    if (!argument || !argument->isView)
      return NamedMemory();
    const BoundView &view = binding.views[i];
    return NamedMemory{argument->name, view.address, view.end, plan.signature.parameters[i].output};
  };
  return checkStoresApart(plan.parameterCount(), memoryOf,
                          [&](unsigned i, unsigned j) { return overlapOf(binding, i, j); });
}

static void prepare(const SignaturePlan &plan, const FixedValues &fixed, Binding &binding) {
  binding.arguments.assign(plan.parameterCount(), nullptr);
  binding.views.resize(plan.parameterCount());
  binding.slots.assign(plan.names.size(), std::nullopt);
  binding.slotOrigins.assign(plan.names.size(), Origin());
  binding.types.assign(plan.signature.typeParameters.size(), std::nullopt);
  binding.typeOrigins.assign(plan.signature.typeParameters.size(), Origin());
  for (auto [slot, value] : fixed.slots)
    binding.slots[slot] = value;
  for (auto [index, type] : fixed.types)
    binding.types[index] = type;
}

Result<void> imbrex::bindArguments(const SignaturePlan &plan, const FixedValues &fixed, Arguments arguments,
                                   Completeness completeness, Binding &binding) {
  prepare(plan, fixed, binding);
  if (Result<void> matched = matchNames(plan, arguments, binding); !matched)
    return matched;
  if (completeness == Completeness::All)
    if (Result<void> complete = checkMissing(plan, binding); !complete)
      return complete;
  if (Result<void> types = unifyTypes(plan, binding); !types)
    return types;
  if (completeness == Completeness::All)
    if (Result<void> known = checkTypesKnown(plan, binding); !known)
      return known;
  (void)placePages(plan, binding);
  for (unsigned i = 0; i < plan.parameterCount(); ++i)
    if (const Argument *argument = binding.arguments[i]; argument && argument->isView)
      if (Result<void> checked = checkView(plan, i, argument->view, completeness, binding.views[i]); !checked)
        return checked;
  if (Result<void> extents = unifyExtents(plan, completeness, binding); !extents)
    return extents;
  return completeness == Completeness::All ? checkOverlaps(plan, binding) : Result<void>();
}
