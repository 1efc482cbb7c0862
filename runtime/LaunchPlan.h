//===- LaunchPlan.h - From bound arguments to a driver's launch --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one specialisation does with bound arguments: its requirements, its grid, and how the
// interface's launch values are packed. Made once a specialisation. Immutable. Internal.
//
// A grid may have more along y and z than a device can launch (65,535). Then the specialisation with
// CompileOptions::foldGrid is launched in its place: on one long x, with the extents as arguments.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_LAUNCHPLAN_H
#define IMBREX_RUNTIME_LAUNCHPLAN_H

#include "runtime/Binding.h"
#include "runtime/Device.h"
#include "runtime/TensorMap.h"
#include <array>
#include <cstddef>

namespace imbrex {

/// Launch values as cuLaunchKernel takes them, each in the low bytes of a word, tensor maps beside them. Holds pointers
/// into itself: filled in place, not moved.
struct PackedArguments {
  llvm::SmallVector<std::array<std::byte, sizeof(cuda::CUtensorMap)>, 4> maps;
  llvm::SmallVector<uint64_t, 64> values;
  llvm::SmallVector<void *, 64> pointers;
};

class LaunchPlan {
public:
  /// An Error if the interface does not belong to the signature.
  static Result<LaunchPlan> make(const SignaturePlan &signature, const KernelInterface &interface);

  using Grid = std::array<unsigned, 3>;

  /// Evaluates the requirements and the grid; {0, 0, 0} if a dimension is 0. An Error names what does not hold, or
  /// the dimension that no launch on the device has.
  Result<Grid> grid(const Binding &binding, const DeviceInfo &device) const;
  /// True if `grid` can only be launched by a folded kernel, and this one is not.
  bool needsFolding(const Grid &grid, const DeviceInfo &device) const {
    return !isFolded && (grid[1] > device.grid[1] || grid[2] > device.grid[2]);
  }
  /// The driver's grid for `grid`: of resident CTAs as many as stay on the device, or one for each instance if these
  /// are fewer.
  Grid launched(const Grid &grid, const DeviceInfo &device) const {
    if (!isFolded)
      return grid;
    unsigned instances = grid[0] * grid[1] * grid[2];
    return {resident > 0 ? std::min(instances, resident * std::max(device.multiprocessors, 1u)) : instances, 1, 1};
  }
  /// Values in the order of the interface's. An Error names a scalar that does not fit its type.
  /// Tensor maps are `driver`'s.
  Result<void> pack(const Binding &binding, const Grid &grid, const cuda::DriverTable &driver,
                    PackedArguments &packed) const;

  /// Again after a change of addresses and scalars alone: `packed` is of the same plan, shapes and grid.
  Result<void> repack(const Binding &binding, const cuda::DriverTable &driver, PackedArguments &packed) const;
  /// Whether grid() would answer the same with other scalars of the parameters' types.
  bool hasOneGrid() const { return scalarSlots.empty(); }
  /// What grid() checks of scalars that are not integers in an expression.
  Result<void> checkScalars(const Binding &binding) const;

private:
  /// A LaunchValue whose parameter is found.
  struct Step {
    LaunchValue::Kind kind;
    DataType type;                         ///< of a scalar
    unsigned index;                        ///< dimension or axis
    unsigned parameter = 0;                ///< of the signature; unused for the grid
    std::optional<uint64_t> standard = {}; ///< bits of a scalar that need not be given
    unsigned map = 0;                      ///< of a tensor map: its number in `maps`
  };
  /// A tensor map of a view: all but where it lies.
  struct Map {
    std::array<unsigned, kTensorMapRank> box;
    unsigned span;
  };
  Result<void> packMap(const Step &step, const Binding &binding, const cuda::DriverTable &driver,
                       PackedArguments &packed) const;
  struct Condition {
    ExpressionProgram program;
    Expression expression;
  };
  /// What is required of the scalar that `step` passes.
  struct ScalarCondition {
    ScalarRequirement requirement;
    size_t step;
  };
  Result<void> addScalarConditions(const SignaturePlan &signature, const KernelInterface &interface);
  Result<void> addStep(const SignaturePlan &signature, const KernelInterface &interface, const LaunchValue &value);
  Result<void> addExpressions(const SignaturePlan &signature, const KernelInterface &interface);
  Result<void> packWithCare(size_t step, const Binding &binding, const cuda::DriverTable &driver,
                            PackedArguments &packed) const;
  llvm::SmallVector<std::optional<int64_t>, 48> slotsOf(const Binding &binding) const;
  Error unmet(const Condition &condition, ExpressionProgram::Slots slots) const;
  Error badGrid(unsigned dimension, std::optional<int64_t> extent, int64_t limit) const;

  std::string kernel;
  bool isFolded = false;
  unsigned resident = 0; ///< KernelInterface::resident
  std::vector<Step> steps;
  std::vector<size_t> movable; ///< steps of addresses, tensor maps and scalars
  std::vector<Map> maps;
  std::vector<Condition> requirements, gridExtents;
  std::vector<ScalarCondition> scalarConditions;
  std::vector<std::string> names;                ///< of all slots: the signature's, then the rest
  std::vector<std::optional<int64_t>> constants; ///< by slot
  /// Integer scalars that a requirement or the grid uses: their slots and steps.
  std::vector<std::pair<size_t, size_t>> scalarSlots;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_LAUNCHPLAN_H
