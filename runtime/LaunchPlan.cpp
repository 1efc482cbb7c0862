//===- LaunchPlan.cpp - From bound arguments to a driver's launch ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Building the plan, evaluating requirements and grid, packing.
//
//===----------------------------------------------------------------------===//

#include "runtime/LaunchPlan.h"
#include "compiler/Number.h"
#include "runtime/ScalarBits.h"
#include <algorithm>
#include <cstring>

using namespace imbrex;

static Error stranger(const KernelInterface &interface, const std::string &what) {
  return Error{ErrorKind::Compile, "kernel '" + interface.kernel + "': its compiled form " + what};
}

static std::optional<uint64_t> standardBits(const Parameter &parameter) {
  Scalar scalar{Scalar::Kind::Float, int64_t(*parameter.standard), *parameter.standard};
  if (!isFloat(parameter.type))
    scalar.kind = Scalar::Kind::Integer;
  return scalarBits(scalar, parameter.type);
}

Result<void> LaunchPlan::addStep(const SignaturePlan &signature, const KernelInterface &interface,
                                 const LaunchValue &value) {
  Step step{value.kind, value.type, value.index};
  if (value.kind == LaunchValue::Kind::GridExtent) {
    steps.push_back(step);
    return value.index < 3 ? Result<void>() : stranger(interface, "has a grid of more than three dimensions");
  }
  std::optional<unsigned> index = signature.parameterNamed(value.name);
  auto parameter = std::find_if(interface.parameters.begin(), interface.parameters.end(),
                                [&](const Parameter &each) { return each.name == value.name; });
  bool isView = value.kind != LaunchValue::Kind::Scalar;
  if (!index || parameter == interface.parameters.end() || !parameter->present || parameter->isView != isView ||
      signature.signature.parameters[*index].isView != isView ||
      (isView && value.index >= signature.extents[*index].size()))
    return stranger(interface, "takes a value of '" + value.name + "' that its signature lacks");
  step.parameter = *index;
  if (!isView && isUnsigned(parameter->type) && byteSize(parameter->type) == byteSize(value.type))
    step.type = parameter->type; // a launch value does not say so
  if (value.kind == LaunchValue::Kind::TensorMap) {
    if (value.box.size() != signature.extents[*index].size() || value.box.size() > kTensorMapRank)
      return stranger(interface, "takes a tensor map of '" + value.name + "' with another number of dimensions");
    Map map{{}, value.span};
    std::copy(value.box.begin(), value.box.end(), map.box.begin());
    step.map = unsigned(maps.size());
    step.type = parameter->type;
    maps.push_back(map);
  }
  if (parameter->standard && !(step.standard = standardBits(*parameter)))
    return stranger(interface, "has a default of '" + parameter->name + "' that does not fit its type");
  steps.push_back(step);
  return {};
}

Result<void> LaunchPlan::addExpressions(const SignaturePlan &signature, const KernelInterface &interface) {
  names = signature.names;
  auto slotOf = [&](std::string_view name) {
    auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      found = names.emplace(names.end(), name);
    return unsigned(found - names.begin());
  };
  auto add = [&](const Expression &expression, std::vector<Condition> &list) -> Result<void> {
    std::optional<ExpressionProgram> program = ExpressionProgram::parse(expression, slotOf);
    if (!program)
      return stranger(interface, "has an expression that cannot be evaluated: " + expression.postfix);
    list.push_back({std::move(*program), expression});
    return {};
  };
  for (const Expression &expression : interface.requirements)
    if (Result<void> added = add(expression, requirements); !added)
      return added;
  for (const Expression &expression : interface.grid)
    if (Result<void> added = add(expression, gridExtents); !added)
      return added;
  for (size_t step = 0; step < steps.size(); ++step) {
    if (steps[step].kind != LaunchValue::Kind::Scalar || isFloat(steps[step].type))
      continue;
    auto found = std::find(names.begin(), names.end(), signature.signature.parameters[steps[step].parameter].name);
    if (found != names.end())
      scalarSlots.emplace_back(size_t(found - names.begin()), step);
  }
  constants.assign(names.size(), std::nullopt);
  for (const auto &[name, value] : interface.constants)
    if (auto found = std::find(names.begin(), names.end(), name); found != names.end())
      constants[size_t(found - names.begin())] = value;
  return {};
}

Result<void> LaunchPlan::addScalarConditions(const SignaturePlan &signature, const KernelInterface &interface) {
  for (const ScalarRequirement &requirement : interface.scalarRequirements) {
    auto step = std::find_if(steps.begin(), steps.end(), [&](const Step &each) {
      return each.kind == LaunchValue::Kind::Scalar &&
             signature.signature.parameters[each.parameter].name == requirement.scalar;
    });
    if (step == steps.end())
      return stranger(interface, "requires something of '" + requirement.scalar + "', which is no scalar of it");
    scalarConditions.push_back({requirement, size_t(step - steps.begin())});
  }
  return {};
}

/// A value that does not fit its type is left to `pack`, which names it.
Result<void> LaunchPlan::checkScalars(const Binding &binding) const {
  for (const ScalarCondition &condition : scalarConditions) {
    const Step &step = steps[condition.step];
    const Argument *argument = binding.arguments[step.parameter];
    std::optional<uint64_t> bits = argument ? scalarBits(argument->scalar, step.type) : step.standard;
    if (bits && !condition.requirement.holds(scalarValue(*bits, step.type)))
      return Error{ErrorKind::Argument, "kernel '" + kernel + "' requires " + condition.requirement.infix() + ", but " +
                                            condition.requirement.scalar + " is " +
                                            writeReal(scalarValue(*bits, step.type))};
  }
  return {};
}

Result<LaunchPlan> LaunchPlan::make(const SignaturePlan &signature, const KernelInterface &interface) {
  LaunchPlan plan;
  plan.kernel = interface.kernel;
  plan.isFolded = interface.foldedGrid;
  plan.resident = unsigned(std::clamp<int64_t>(interface.resident(), 0, 32));
  if (interface.grid.empty() || interface.grid.size() > 3)
    return stranger(interface, "has a grid of " + std::to_string(interface.grid.size()) + " dimensions");
  for (const LaunchValue &value : interface.launchValues)
    if (Result<void> added = plan.addStep(signature, interface, value); !added)
      return added.takeError();
  for (size_t i = 0; i < plan.steps.size(); ++i)
    if (LaunchValue::Kind kind = plan.steps[i].kind;
        kind == LaunchValue::Kind::Pointer || kind == LaunchValue::Kind::TensorMap || kind == LaunchValue::Kind::Scalar)
      plan.movable.push_back(i);
  if (Result<void> added = plan.addExpressions(signature, interface); !added)
    return added.takeError();
  if (Result<void> added = plan.addScalarConditions(signature, interface); !added)
    return added.takeError();
  return plan;
}

llvm::SmallVector<std::optional<int64_t>, 48> LaunchPlan::slotsOf(const Binding &binding) const {
  llvm::SmallVector<std::optional<int64_t>, 48> slots(constants.begin(), constants.end());
  for (size_t i = 0; i < binding.slots.size(); ++i)
    if (binding.slots[i])
      slots[i] = binding.slots[i];
  for (auto [slot, at] : scalarSlots) {
    const Argument *argument = binding.arguments[steps[at].parameter];
    std::optional<uint64_t> bits = argument ? scalarBits(argument->scalar, steps[at].type) : steps[at].standard;
    if (bits)
      slots[slot] = scalarInteger(*bits, steps[at].type);
  }
  return slots;
}

Error LaunchPlan::unmet(const Condition &condition, ExpressionProgram::Slots slots) const {
  std::vector<std::string> values;
  for (const std::string &name : condition.expression.unknowns({})) {
    size_t slot = size_t(std::find(names.begin(), names.end(), name) - names.begin());
    values.push_back(name + (slots[slot] ? " is " + std::to_string(*slots[slot]) : " has no value"));
  }
  return Error{ErrorKind::Argument, "kernel '" + kernel + "' requires " + condition.expression.infix() + ", but " +
                                        (values.empty() ? "it does not hold" : joinNames(values))};
}

Error LaunchPlan::badGrid(unsigned dimension, std::optional<int64_t> extent, int64_t limit) const {
  std::string text = "kernel '" + kernel + "': grid dimension " + "xyz"[dimension] + ", " +
                     gridExtents[dimension].expression.infix() + ", ";
  if (!extent)
    return Error{ErrorKind::Argument, text + "has no value"};
  return Error{ErrorKind::Argument, text + "is " + std::to_string(*extent) + "; it must lie between 0 and " +
                                        std::to_string(limit) + " on this device"};
}

Result<LaunchPlan::Grid> LaunchPlan::grid(const Binding &binding, const DeviceInfo &device) const {
  llvm::SmallVector<std::optional<int64_t>, 48> slots = slotsOf(binding);
  for (const Condition &requirement : requirements)
    if (requirement.program.evaluate(slots).value_or(0) == 0)
      return unmet(requirement, slots);
  if (Result<void> held = checkScalars(binding); !held)
    return held.takeError();
  Grid grid = {1, 1, 1};
  bool empty = false, folds = resident > 0;
  int64_t left = device.grid[0]; // CTAs along the dimensions to come, if all lie along x
  for (size_t i = 0; i < gridExtents.size(); ++i) {
    std::optional<int64_t> extent = gridExtents[i].program.evaluate(slots);
    folds |= extent && *extent > int64_t(device.grid[i]);
    if (!extent || *extent < 0 || (folds && *extent > left))
      return badGrid(unsigned(i), extent, folds ? left : int64_t(device.grid[i]));
    grid[i] = unsigned(*extent);
    empty |= *extent == 0;
    left /= std::max<int64_t>(1, *extent);
  }
  return empty ? Grid{0, 0, 0} : grid;
}

Result<void> LaunchPlan::packMap(const Step &step, const Binding &binding, const cuda::DriverTable &driver,
                                 PackedArguments &packed) const {
  const Argument &argument = *binding.arguments[step.parameter];
  const BoundView &bound = binding.views[step.parameter];
  TensorMapShape shape;
  shape.address = bound.address;
  shape.type = step.type;
  shape.rank = unsigned(argument.view.extents.size());
  for (unsigned i = 0; i < shape.rank; ++i) {
    shape.extents[i] = argument.view.extents[i];
    shape.strides[i] = bound.strides[i];
  }
  shape.box = maps[step.map].box;
  shape.span = maps[step.map].span;
  cuda::CUtensorMap map;
  if (Result<void> encoded = encodeTensorMap(driver, shape, argument.name, map); !encoded)
    return encoded;
  std::memcpy(packed.maps[step.map].data(), &map, sizeof map);
  return {};
}

/// A tensor map, or a scalar: what can fail.
Result<void> LaunchPlan::packWithCare(size_t step, const Binding &binding, const cuda::DriverTable &driver,
                                      PackedArguments &packed) const {
  const Step &what = steps[step];
  if (what.kind == LaunchValue::Kind::TensorMap)
    return packMap(what, binding, driver, packed);
  const Argument *argument = binding.arguments[what.parameter];
  assert((argument || what.standard) && "the specialisation was made without this argument");
  std::optional<uint64_t> bits = argument ? scalarBits(argument->scalar, what.type) : what.standard;
  if (!bits)
    return Error{ErrorKind::Argument, "argument '" + std::string(argument->name) + "': its value does not fit type " +
                                          std::string(name(what.type))};
  packed.values[step] = *bits;
  return {};
}

Result<void> LaunchPlan::pack(const Binding &binding, const Grid &grid, const cuda::DriverTable &driver,
                              PackedArguments &packed) const {
  packed.values.resize_for_overwrite(steps.size());
  packed.pointers.resize_for_overwrite(steps.size());
  packed.maps.resize(maps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step &step = steps[i];
    packed.pointers[i] = &packed.values[i];
    switch (step.kind) {
    case LaunchValue::Kind::Pointer:
      packed.values[i] = binding.views[step.parameter].address;
      break;
    case LaunchValue::Kind::Extent:
      packed.values[i] = uint64_t(binding.arguments[step.parameter]->view.extents[step.index]);
      break;
    case LaunchValue::Kind::Stride:
      packed.values[i] = uint64_t(binding.views[step.parameter].strides[step.index]);
      break;
    case LaunchValue::Kind::GridExtent:
      packed.values[i] = grid[step.index];
      break;
    case LaunchValue::Kind::TensorMap:
      packed.pointers[i] = packed.maps[step.map].data();
      [[fallthrough]];
    case LaunchValue::Kind::Scalar:
      if (Result<void> done = packWithCare(i, binding, driver, packed); !done)
        return done;
    }
  }
  return {};
}

Result<void> LaunchPlan::repack(const Binding &binding, const cuda::DriverTable &driver,
                                PackedArguments &packed) const {
  for (size_t i : movable) {
    if (steps[i].kind == LaunchValue::Kind::Pointer)
      packed.values[i] = binding.views[steps[i].parameter].address;
    else if (Result<void> done = packWithCare(i, binding, driver, packed); !done)
      return done;
  }
  return {};
}
