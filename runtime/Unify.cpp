//===- Unify.cpp - Extents of arguments against a signature ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the values of symbols and integer parameters. Every extent of every given view is an equation
// expression = number; equations with one missing name are solved until nothing changes, and all must hold
// in the end. Example: K: view<T>[B, Sk, Hk, D] gives Hk, then Q: view<T>[B, Sq, Hk * G, D] gives G.
//
//===----------------------------------------------------------------------===//

#include "runtime/Binding.h"

using namespace imbrex;

namespace {

using Solution = ExpressionProgram::Solution;

/// One dimension of a given view.
struct Equation {
  unsigned parameter;
  unsigned dimension;
};

struct Unifier {
  const SignaturePlan &plan;
  Binding &binding;

  const Expression &expression(const Equation &equation) const {
    return plan.signature.parameters[equation.parameter].extents[equation.dimension];
  }
  int64_t extent(const Equation &equation) const {
    return binding.arguments[equation.parameter]->view.extents[equation.dimension];
  }
  Solution solve(const Equation &equation) const {
    return plan.extents[equation.parameter][equation.dimension].solve(binding.slots, extent(equation));
  }
};

} // namespace

/// "extent 2 (Hk * G) of argument 'Q' is 7".
static std::string describe(const Unifier &unifier, const Equation &equation) {
  std::string text = unifier.expression(equation).infix();
  return "argument '" + unifier.plan.signature.parameters[equation.parameter].name + "': extent " +
         std::to_string(equation.dimension) + (isExpressionNumber(text) ? "" : " (" + text + ")") + " is " +
         std::to_string(unifier.extent(equation));
}

/// ": Hk is 2 by extent 2 of argument 'K', G is 4 by set()", of the names that have a value.
static std::string reasons(const Unifier &unifier, const Equation &equation) {
  std::string text;
  for (const std::string &name : unifier.expression(equation).unknowns({})) {
    unsigned slot = *unifier.plan.slotNamed(name);
    if (!unifier.binding.slots[slot])
      continue;
    const Origin &origin = unifier.binding.slotOrigins[slot];
    text += (text.empty() ? ": " : ", ") + name + " is " + std::to_string(*unifier.binding.slots[slot]) + " by ";
    text += origin.parameter < 0 ? "set()"
                                 : "extent " + std::to_string(origin.dimension) + " of argument '" +
                                       unifier.plan.signature.parameters[unsigned(origin.parameter)].name + "'";
  }
  return text;
}

static Error mismatch(const Unifier &unifier, const Equation &equation, int64_t expected) {
  return Error{ErrorKind::Argument,
               describe(unifier, equation) + " but must be " + std::to_string(expected) + reasons(unifier, equation)};
}

static Error notMultiple(const Unifier &unifier, const Equation &equation, int64_t factor) {
  return Error{ErrorKind::Argument, describe(unifier, equation) + " but must be a multiple of " +
                                        std::to_string(factor) + reasons(unifier, equation)};
}

static Error undetermined(const Unifier &unifier, const Equation &equation) {
  for (const std::string &name : unifier.expression(equation).unknowns({})) {
    if (unifier.binding.slots[*unifier.plan.slotNamed(name)])
      continue;
    return Error{ErrorKind::Argument, describe(unifier, equation) + ", which does not determine " + name +
                                          reasons(unifier, equation) + "; give " + name + " with set(\"" + name +
                                          "\", ...)"};
  }
  return Error{ErrorKind::Argument, describe(unifier, equation) + ", but the kernel's expression has no value there"};
}

/// Most extents are one name: given its value here, or with that value. False if there is more to do or to say.
static bool solveName(const Unifier &unifier, const Equation &equation) {
  std::optional<unsigned> name = unifier.plan.extents[equation.parameter][equation.dimension].onlySlot();
  if (!name)
    return false;
  std::optional<int64_t> &value = unifier.binding.slots[*name];
  if (value)
    return *value == unifier.extent(equation);
  value = unifier.extent(equation);
  unifier.binding.slotOrigins[*name] = {int(equation.parameter), equation.dimension};
  return true;
}

/// Solves one equation if it can be solved now; if not, `open` keeps it.
static Result<void> trySolving(const Unifier &unifier, const Equation &equation,
                               llvm::SmallVectorImpl<Equation> &open) {
  Solution solution = unifier.solve(equation);
  switch (solution.kind) {
  case Solution::Known:
    if (solution.value != unifier.extent(equation))
      return mismatch(unifier, equation, solution.value);
    break;
  case Solution::NotExact:
    return notMultiple(unifier, equation, solution.value);
  case Solution::Open:
    open.push_back(equation);
    break;
  case Solution::Solved:
    unifier.binding.slots[solution.slot] = solution.value;
    unifier.binding.slotOrigins[solution.slot] = {int(equation.parameter), equation.dimension};
    break;
  }
  return {};
}

Result<void> imbrex::unifyExtents(const SignaturePlan &plan, Completeness completeness, Binding &binding) {
  Unifier unifier{plan, binding};
  llvm::SmallVector<Equation, 8> open, before;
  for (unsigned i = 0; i < plan.parameterCount(); ++i)
    if (binding.arguments[i] && binding.arguments[i]->isView)
      for (unsigned dimension = 0; dimension < plan.extents[i].size(); ++dimension)
        if (!solveName(unifier, {i, dimension}))
          if (Result<void> tried = trySolving(unifier, {i, dimension}, open); !tried)
            return tried;
  for (bool progress = true; progress && !open.empty();) {
    before = std::exchange(open, {});
    for (const Equation &equation : before)
      if (Result<void> tried = trySolving(unifier, equation, open); !tried)
        return tried;
    progress = open.size() < before.size();
  }
  if (completeness == Completeness::Some)
    return {};
  if (!open.empty())
    return undetermined(unifier, open.front());
  for (unsigned slot : plan.integerSlots)
    if (!binding.slots[slot])
      return Error{ErrorKind::Argument, "parameter " + plan.names[slot] +
                                            " is not determined by the arguments: give it with set(\"" +
                                            plan.names[slot] + "\", ...)"};
  return {};
}
