//===- Link.cpp - Several PTX modules as one ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// First internal names that another module uses too are made unlike; then for each name one definition is chosen; then
// the modules are appended, without the definitions and declarations that lost.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/ptx/Link.h"

#include <algorithm>
#include <functional>
#include <set>

namespace imbrex::simulator::ptx {
namespace {

using Names = std::map<std::string, std::string>; ///< Old to new.

/// Calls `with` for the name and linkage of every variable, kernel and function of the module.
void forSymbols(const Module &module, const std::function<void(const std::string &, Linkage)> &with) {
  for (const Variable &variable : module.variables)
    with(variable.name, variable.linkage);
  for (const Kernel &kernel : module.kernels)
    with(kernel.name, kernel.linkage);
  for (const auto &[name, target] : module.aliases)
    with(name, Linkage::Visible);
}

void rename(std::string &name, const Names &names) {
  if (auto found = names.find(name); found != names.end())
    name = found->second;
}

void renameOperand(Operand &operand, const Names &names) {
  rename(operand.name, names);
  for (Operand &element : operand.elements)
    renameOperand(element, names);
}

/// Names that the body declares itself hide the module's.
void renameInBody(Kernel &kernel, Names names) {
  for (const std::vector<Variable> *list : {&kernel.params, &kernel.results, &kernel.variables})
    for (const Variable &variable : *list)
      names.erase(variable.name);
  for (const auto &[label, index] : kernel.labels)
    names.erase(label);
  for (Instruction &instruction : kernel.body)
    for (Operand &operand : instruction.operands)
      renameOperand(operand, names);
}

void renameInModule(Module &module, const Names &names) {
  for (Variable &variable : module.variables) {
    rename(variable.name, names);
    for (auto &[offset, name] : variable.relocations)
      rename(name, names);
  }
  for (Kernel &kernel : module.kernels) {
    rename(kernel.name, names);
    renameInBody(kernel, names);
  }
  for (auto &[name, target] : module.aliases)
    rename(target, names);
}

/// Internal names that more than one module has get the module's number: no PTX name has an '@'.
void separateInternalNames(std::vector<Module> &modules) {
  std::map<std::string, std::set<size_t>> users;
  for (size_t m = 0; m < modules.size(); ++m)
    forSymbols(modules[m], [&](const std::string &name, Linkage) { users[name].insert(m); });
  for (size_t m = 0; m < modules.size(); ++m) {
    Names names;
    forSymbols(modules[m], [&](const std::string &name, Linkage linkage) {
      if (linkage == Linkage::Internal && users[name].size() > 1)
        names[name] = name + "@" + std::to_string(m + 1);
    });
    renameInModule(modules[m], names);
  }
}

/// A definition of a name: a visible one wins over weak and common ones, of those the larger, then the earlier one.
struct Definition {
  Linkage linkage = Linkage::External;
  uint64_t bytes = 0;
  size_t module = 0;

  bool isBetterThan(const Definition &other) const {
    auto rank = [](Linkage linkage) { return linkage == Linkage::External ? 0 : linkage == Linkage::Visible ? 2 : 1; };
    return rank(linkage) != rank(other.linkage) ? rank(linkage) > rank(other.linkage) : bytes > other.bytes;
  }
};

using Definitions = std::map<std::string, Definition>;

bool addDefinition(Definitions &chosen, const std::string &name, const Definition &definition, std::string &error) {
  auto [at, isNew] = chosen.try_emplace(name, definition);
  if (!isNew && at->second.module != definition.module && at->second.linkage == Linkage::Visible &&
      definition.linkage == Linkage::Visible) {
    error = "'" + name + "' is defined by inputs " + std::to_string(at->second.module + 1) + " and " +
            std::to_string(definition.module + 1) + " of the link";
    return false;
  }
  if (!isNew && definition.isBetterThan(at->second))
    at->second = definition;
  return true;
}

Linkage linkageOf(const Kernel &kernel) { return kernel.declaredOnly ? Linkage::External : kernel.linkage; }

bool chooseDefinitions(const std::vector<Module> &modules, Definitions &chosen, std::string &error) {
  for (size_t m = 0; m < modules.size(); ++m) {
    for (const Variable &variable : modules[m].variables)
      if (!addDefinition(chosen, variable.name, {variable.linkage, variable.bytes, m}, error))
        return false;
    for (const Kernel &kernel : modules[m].kernels)
      if (!addDefinition(chosen, kernel.name, {linkageOf(kernel), 0, m}, error))
        return false;
  }
  return true;
}

/// Whether this one is what the name stands for; a declaration that nothing defines stays once.
bool stays(const Definitions &chosen, const std::string &name, Linkage linkage, size_t module) {
  const Definition &best = chosen.at(name);
  return best.module == module && (best.linkage == Linkage::External) == (linkage == Linkage::External);
}

void append(Module &to, Module &from, size_t number, const Definitions &chosen) {
  uint32_t firstFile = to.files.empty() ? 0 : to.files.rbegin()->first + 1;
  for (auto &[file, name] : from.files)
    to.files[firstFile + file] = std::move(name);
  for (Variable &variable : from.variables)
    if (stays(chosen, variable.name, variable.linkage, number))
      to.variables.push_back(std::move(variable));
  for (Kernel &kernel : from.kernels) {
    for (Instruction &instruction : kernel.body)
      instruction.place.file += firstFile;
    if (stays(chosen, kernel.name, linkageOf(kernel), number))
      to.kernels.push_back(std::move(kernel));
  }
  to.aliases.merge(from.aliases);
  to.version = std::max(to.version, from.version);
}

} // namespace

std::optional<Module> linkModules(std::vector<Module> modules, std::string &error) {
  separateInternalNames(modules);
  Definitions chosen;
  if (!chooseDefinitions(modules, chosen, error))
    return std::nullopt;
  Module linked;
  linked.target = modules[0].target;
  linked.addressSize = modules[0].addressSize;
  for (size_t m = 0; m < modules.size(); ++m)
    append(linked, modules[m], m, chosen);
  return linked;
}

} // namespace imbrex::simulator::ptx
