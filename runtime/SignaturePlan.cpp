//===- SignaturePlan.cpp - A kernel's signature, ready to be matched ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbering of names and types. A signature comes from the compiler: what cannot be decoded here is its
// mistake, told as an Error that names the kernel.
//
//===----------------------------------------------------------------------===//

#include "runtime/SignaturePlan.h"
#include "runtime/Argument.h"
#include <algorithm>

using namespace imbrex;

static unsigned slotOf(SignaturePlan &plan, std::string_view name) {
  if (std::optional<unsigned> slot = plan.slotNamed(name))
    return *slot;
  plan.names.emplace_back(name);
  return unsigned(plan.names.size() - 1);
}

static Error malformed(const SignaturePlan &plan, const Parameter &parameter, const char *what) {
  return Error{ErrorKind::Compile, "kernel '" + plan.signature.name + "': parameter '" + parameter.name + "' " + what};
}

static Result<void> addParameter(SignaturePlan &plan, const Parameter &parameter) {
  std::vector<ExpressionProgram> programs;
  for (const Expression &extent : parameter.extents) {
    std::optional<ExpressionProgram> program =
        ExpressionProgram::parse(extent, [&](std::string_view name) { return slotOf(plan, name); });
    if (!program)
      return malformed(plan, parameter, "has an extent that cannot be evaluated");
    programs.push_back(std::move(*program));
  }
  if (parameter.isView && (programs.empty() || programs.size() > Dims::kMaxRank))
    return malformed(plan, parameter, "must have 1 to 8 dimensions");
  plan.extents.push_back(std::move(programs));

  std::string_view base = baseTypeParameter(parameter.typeParameter);
  plan.wide.push_back(base != parameter.typeParameter);
  const auto &types = plan.signature.typeParameters;
  auto found = std::find_if(types.begin(), types.end(), [&](const auto &type) { return type.name == base; });
  if (!base.empty() && found == types.end())
    return malformed(plan, parameter, "has an unknown type parameter");
  plan.typeIndex.push_back(base.empty() ? -1 : int(found - types.begin()));
  return {};
}

/// What the tune block asks of a launch.
static Result<void> addTuning(SignaturePlan &plan) {
  auto parse = [&](const Expression &expression) {
    return ExpressionProgram::parse(expression, [&](std::string_view name) { return slotOf(plan, name); });
  };
  auto fail = [&](const Expression &expression) {
    return Error{ErrorKind::Compile, "kernel '" + plan.signature.name + "': '" + expression.infix() +
                                         "' of its tune block cannot be evaluated"};
  };
  for (const Expression &condition : plan.signature.extentConditions) {
    std::optional<ExpressionProgram> program = parse(condition);
    if (!program)
      return fail(condition);
    plan.extentConditions.push_back(std::move(*program));
  }
  const auto &types = plan.signature.typeParameters;
  for (const Expression &part : plan.signature.key) {
    auto type = std::find_if(types.begin(), types.end(), [&](const auto &each) { return each.name == part.postfix; });
    std::optional<ExpressionProgram> program = parse(type == types.end() ? part : Expression{"0"});
    if (!program)
      return fail(part);
    plan.key.push_back({type == types.end() ? -1 : int(type - types.begin()), std::move(*program)});
  }
  return {};
}

Result<std::shared_ptr<const SignaturePlan>> SignaturePlan::make(KernelSignature signature) {
  auto plan = std::make_shared<SignaturePlan>();
  plan->signature = std::move(signature);
  for (const Parameter &parameter : plan->signature.parameters)
    if (Result<void> added = addParameter(*plan, parameter); !added)
      return added.takeError();
  for (const std::string &name : plan->signature.integerParameters)
    plan->integerSlots.push_back(slotOf(*plan, name));
  for (unsigned i = 0; i < plan->parameterCount(); ++i)
    if (const std::optional<Parameter::Pages> &pages = plan->signature.parameters[i].pages)
      plan->pages.push_back({i, pages->dim, pages->rows, plan->parameterNamed(pages->apart).value_or(i)});
  if (Result<void> added = addTuning(*plan); !added)
    return added.takeError();
  return std::shared_ptr<const SignaturePlan>(std::move(plan));
}

std::optional<unsigned> SignaturePlan::parameterNamed(std::string_view name) const {
  for (unsigned i = 0; i < parameterCount(); ++i)
    if (signature.parameters[i].name == name)
      return i;
  return std::nullopt;
}

std::optional<unsigned> SignaturePlan::slotNamed(std::string_view name) const {
  auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? std::nullopt : std::optional(unsigned(found - names.begin()));
}

std::string SignaturePlan::typeText(unsigned index) const {
  const Parameter &parameter = signature.parameters[index];
  std::string element = parameter.typeParameter.empty() ? std::string(name(parameter.type)) : parameter.typeParameter;
  if (!parameter.isView)
    return element;
  std::string text = "view<" + element + ">[";
  for (size_t i = 0; i < parameter.extents.size(); ++i)
    text += (i ? ", " : "") + parameter.extents[i].infix();
  return text + "]";
}

std::string SignaturePlan::parameterList() const {
  std::vector<std::string> list;
  list.reserve(signature.parameters.size());
  for (const Parameter &parameter : signature.parameters)
    list.push_back(parameter.name);
  return joinNames(list);
}

std::string imbrex::joinNames(const std::vector<std::string> &names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return names.empty() ? "none" : text;
}
