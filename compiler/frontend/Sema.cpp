//===- Sema.cpp - One kernel with its choices made ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In order: the kernel, its generic parameters, how its views are stored, its tuning parameters (defaults, cases,
// settings), the constraints, the requirements, the hooks.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Sema.h"
#include "compiler/frontend/Parser.h"
#include "dialects/tile/TileDialect.h"

using namespace imbrex;
using namespace imbrex::ast;

namespace {

class Specialiser {
public:
  Specialiser(const File &file, const CompileOptions &options, const Target &target, Diagnostics &diagnostics)
      : file(file), options(options), target(target), diagnostics(diagnostics) {
    result.file = &file;
  }

  std::optional<Specialisation> run() {
    unsigned before = diagnostics.errorCount();
    if (!chooseKernel())
      return std::nullopt;
    checkDeclarations();
    checkSettings();
    if (!bindGenerics())
      return std::nullopt;
    result.stored.emplace(*result.kernel, options, diagnostics); // cases ask for it
    bindTunables();
    if (diagnostics.errorCount() == before + missingTypes) {
      checkConstraints();
      checkRequirements();
      result.hooks = bindHooks(file, *result.kernel, options.hooks, diagnostics);
      checkViewOptions();
    }
    return diagnostics.errorCount() == before + missingTypes ? std::optional(std::move(result)) : std::nullopt;
  }

private:
  template <typename... Arguments> void error(uint32_t offset, Message message, Arguments &&...arguments) {
    report(diagnostics, offset, message, std::forward<Arguments>(arguments)...);
  }

  bool chooseKernel();
  void checkDeclarations();
  std::optional<bool> evaluateCondition(const Expr &condition);
  void checkSettings();
  bool bindGenerics();
  void bindTunables();
  void bindUndeclared(const char *name, int64_t standard);
  std::optional<int64_t> integerOf(uint32_t offset, const std::string &name, const Setting &setting);
  void setTunable(const Tunable &tunable, int64_t value, uint32_t offset);
  std::optional<bool> truthOf(const Expr &part);
  bool holds(const Expr &part);
  bool applies(const TuneCase &tuneCase);
  std::string valuesIn(const Expr &condition) const;
  void checkConstraints();
  void checkRequirements();
  void checkRequirement(const Expr &condition);
  void checkViewOptions();

  const File &file;
  const CompileOptions &options;
  const Target &target;
  Diagnostics &diagnostics;
  Specialisation result;
  unsigned missingTypes = 0; ///< reported; the first allowed type stands in, so that the rest can be checked
};

} // namespace

static std::string join(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

bool Specialiser::chooseKernel() {
  std::vector<std::string> names;
  for (const Kernel &kernel : file.kernels) {
    if (!llvm::is_contained(names, kernel.name))
      names.push_back(kernel.name);
    if (kernel.name == options.kernel || (options.kernel.empty() && file.kernels.size() == 1))
      result.kernel = &kernel;
  }
  if (result.kernel)
    return true;
  if (names.empty())
    reportWithoutPlace(diagnostics, Message::NoKernel);
  else if (options.kernel.empty())
    reportWithoutPlace(diagnostics, Message::ChooseKernel, join(names));
  else
    reportWithoutPlace(diagnostics, Message::UnknownKernel, options.kernel, join(names));
  return false;
}

/// Names that are declared twice in the kernel's head.
void Specialiser::checkDeclarations() {
  std::set<std::string> seen;
  auto declare = [&](const std::string &name, uint32_t offset) {
    if (!seen.insert(name).second)
      error(offset, Message::Duplicate, name);
  };
  for (const GenericParameter &generic : result.kernel->generics)
    declare(generic.name, generic.offset);
  for (const Tunable &tunable : result.kernel->tune.tunables)
    declare(tunable.name, tunable.offset);
  for (const KernelParameter &parameter : result.kernel->parameters)
    declare(parameter.name, parameter.offset);
  // A name that is a whole extent stands for it; a scalar or a view of that name would hide it.
  for (const KernelParameter &parameter : result.kernel->parameters)
    for (const ExprPtr &extent : parameter.extents)
      for (const KernelParameter &other : result.kernel->parameters)
        if (symbolOf(*extent) == other.name)
          error(extent->offset, Message::Duplicate, other.name);
  for (const FnParameter &name : result.kernel->gridNames)
    declare(name.name, name.offset);
}

void Specialiser::checkSettings() {
  std::vector<std::string> known;
  known.reserve(result.kernel->generics.size() + result.kernel->tune.tunables.size() + 2);
  for (const GenericParameter &generic : result.kernel->generics)
    known.push_back(generic.name);
  for (const Tunable &tunable : result.kernel->tune.tunables)
    known.push_back(tunable.name);
  for (const char *name : {"warps", "stages"}) // mean something for every kernel
    if (!llvm::is_contained(known, name))
      known.emplace_back(name);
  for (const auto &[name, value] : options.set)
    if (!llvm::is_contained(known, name))
      error(result.kernel->offset, Message::UnknownSetting, result.kernel->name, name, join(known));
}

/// False if an integer has no value: what depends on it would only give errors that follow from this one.
bool Specialiser::bindGenerics() {
  bool complete = true;
  for (const GenericParameter &generic : result.kernel->generics) {
    auto setting = options.set.find(generic.name);
    if (setting == options.set.end()) {
      error(generic.offset, Message::MissingParameter, generic.name,
            generic.isInteger ? std::string("8") : std::string(name(generic.allowed.front())));
      complete &= !generic.isInteger;
      if (!generic.isInteger)
        result.types[generic.name] = generic.allowed.front(), ++missingTypes;
      continue;
    }
    if (generic.isInteger) {
      std::optional<int64_t> value = integerOf(generic.offset, generic.name, setting->second);
      complete &= value.has_value();
      result.integers[generic.name] = value.value_or(0);
      continue;
    }
    std::optional<DataType> type = setting->second.type();
    std::vector<std::string> allowed;
    allowed.reserve(generic.allowed.size());
    for (DataType candidate : generic.allowed)
      allowed.emplace_back(name(candidate));
    bool isAllowed = type && llvm::is_contained(generic.allowed, *type);
    if (!isAllowed)
      error(generic.offset, Message::BadSetting, generic.name, join(allowed), setting->second.text());
    result.types[generic.name] = isAllowed ? *type : generic.allowed.front(); // that nothing else is said of it
  }
  return complete;
}

/// A setting's integer; nullopt, reported, if it is none.
std::optional<int64_t> Specialiser::integerOf(uint32_t offset, const std::string &name, const Setting &setting) {
  if (!setting.integer())
    error(offset, Message::BadIntegerSetting, name, setting.text());
  return setting.integer();
}

static std::string choicesOf(const Tunable &tunable) {
  std::vector<std::string> choices;
  choices.reserve(tunable.choices.size());
  for (int64_t choice : tunable.choices)
    choices.push_back(std::to_string(choice));
  return "{" + join(choices) + "}";
}

/// As the text says.
void Specialiser::setTunable(const Tunable &tunable, int64_t value, uint32_t offset) {
  result.integers[tunable.name] = value;
  if (!llvm::is_contained(tunable.choices, value))
    error(offset, Message::NotAChoice, tunable.name, value, choicesOf(tunable));
}

/// The truth of a compile-time condition; nullopt, reported, if it is none.
std::optional<bool> Specialiser::evaluateCondition(const Expr &condition) {
  unsigned before = diagnostics.errorCount();
  std::optional<Constant> value = evaluate(condition, result, diagnostics);
  if (value && value->kind == Constant::Bool)
    return value->value;
  if (value)
    error(condition.offset, Message::ConditionType, "'" + toText(condition) + "'", "");
  else if (diagnostics.errorCount() == before)
    error(condition.offset, Message::NotConstant, "'" + toText(condition) + "'");
  return std::nullopt;
}

/// The truth of a part that the compiler knows: questions of storage, each of them, among `!`, `&&`, `||` and
/// conditions that are known at compile time; nullopt, reported, if it is none.
std::optional<bool> Specialiser::truthOf(const Expr &part) {
  if (isStorageQuestion(part))
    return answer(part, *result.kernel, *result.stored, diagnostics);
  if (!asksStorage(part))
    return evaluateCondition(part);
  const bool isAnd = part.text == "&&";
  if (part.kind == Expr::Unary && part.text == "!") {
    std::optional<bool> holds = truthOf(*part.operands[0]);
    return holds ? std::optional(!*holds) : std::nullopt;
  }
  if (part.kind != Expr::Binary || (!isAnd && part.text != "||")) {
    error(part.offset, Message::StorageOperand, toText(part));
    return std::nullopt;
  }
  std::optional<bool> left = truthOf(*part.operands[0]), right = truthOf(*part.operands[1]);
  if (!left || !right)
    return std::nullopt;
  return isAnd ? *left && *right : *left || *right;
}

/// Of a part that uses an extent, whether the host says that it holds.
bool Specialiser::holds(const Expr &part) {
  if (!usesExtent(part, *result.kernel))
    return truthOf(part).value_or(false);
  std::optional<Expression> condition = hostCondition(part, *result.kernel, diagnostics);
  return condition && options.holds.contains(condition->infix());
}

bool Specialiser::applies(const TuneCase &tuneCase) {
  bool holds = true;
  if (tuneCase.condition) // every part is looked at, so that a mistake in any is told
    forEachConjunct(*tuneCase.condition, [&](const Expr &part) { holds = this->holds(part) && holds; });
  std::string plain = "sm_" + std::to_string(target.sm);
  bool here = tuneCase.targets.empty() || llvm::is_contained(tuneCase.targets, target.name) ||
              llvm::is_contained(tuneCase.targets, plain);
  return holds && here;
}

/// Of a kernel that says nothing: one warp for each of an SM's four schedulers; one copy under way while one is used.
static constexpr int64_t kStandardWarps = 4, kStandardStages = 2;
static constexpr int64_t kMostResident = 32;    ///< CTAs that a multiprocessor holds
static constexpr int64_t kMostTogether = 65536; ///< instances that `walk` lets go together

/// `warps` or `stages` of a kernel that does not declare it: as set, or `standard`.
void Specialiser::bindUndeclared(const char *name, int64_t standard) {
  if (result.integers.contains(name))
    return;
  auto setting = options.set.find(name);
  std::optional<int64_t> value = standard;
  if (setting != options.set.end())
    value = integerOf(result.kernel->offset, name, setting->second);
  result.integers[name] = value.value_or(standard);
}

void Specialiser::bindTunables() {
  const Tune &tune = result.kernel->tune;
  auto find = [&](const std::string &name) {
    return llvm::find_if(tune.tunables, [&](const Tunable &tunable) { return tunable.name == name; });
  };
  for (const Tunable &tunable : tune.tunables)
    setTunable(tunable, tunable.standard, tunable.offset);
  for (const Tunable &tunable : tune.tunables) { // before the cases, which may ask for them
    auto setting = options.set.find(tunable.name);
    if (setting == options.set.end())
      continue;
    std::optional<int64_t> value = integerOf(tunable.offset, tunable.name, setting->second);
    if (!value)
      continue;
    result.integers[tunable.name] = *value;
    if (!llvm::is_contained(tunable.choices, *value))
      error(tunable.offset, Message::BadSetting, tunable.name, choicesOf(tunable), *value);
  }
  for (const TuneCase &tuneCase : tune.cases) {
    bool active = applies(tuneCase);
    for (const TuneCase::Setting &setting : tuneCase.settings) {
      auto tunable = find(setting.name);
      if (tunable == tune.tunables.end())
        error(setting.offset, Message::UnknownTunable, setting.name);
      else if (active && !options.set.contains(setting.name))
        setTunable(*tunable, setting.value, setting.offset);
    }
  }
  bindUndeclared("warps", kStandardWarps);
  bindUndeclared("stages", kStandardStages);
  if (int64_t warps = result.integers["warps"]; warps < 1 || warps > target.warpsPerCta)
    error(result.kernel->offset, Message::BadWarps, warps);
  if (int64_t stages = result.integers["stages"]; stages < 1 || stages > tile::kMostStages)
    error(result.kernel->offset, Message::BadStages, stages);
  if (auto walk = result.integers.find("walk"); walk != result.integers.end())
    if (walk->second != kWalkBackwards && (walk->second < 1 || walk->second > kMostTogether))
      error(result.kernel->offset, Message::BadWalk, kMostTogether, walk->second);
  if (auto resident = result.integers.find("resident"); resident != result.integers.end())
    if (resident->second < 0 || resident->second > kMostResident)
      error(result.kernel->offset, Message::BadResident, kMostResident, resident->second);
  if (auto turns = result.integers.find("turns"); turns != result.integers.end())
    if (turns->second != 0 && turns->second != 1)
      error(result.kernel->offset, Message::BadTurns, turns->second);
  if (auto tf32 = find("tf32"); tf32 != tune.tunables.end())
    if (int64_t products = result.integers["tf32"]; // a value that is no choice was told
        products != 0 && products != 1 && products != 3 && llvm::is_contained(tf32->choices, products))
      error(tf32->offset, Message::BadTf32, products);
  for (const std::string &name : tune.rounding)
    if (find(name) == tune.tunables.end())
      error(result.kernel->offset, Message::UnknownTunable, name);
  tuneKey(*result.kernel, diagnostics);
}

/// ": DQK is 576, G is 3": what a condition's names stand for; "" if it has none.
std::string Specialiser::valuesIn(const Expr &condition) const {
  std::vector<std::string> values;
  std::function<void(const Expr &)> visit = [&](const Expr &expr) {
    std::optional<Constant> value = expr.kind == Expr::Name ? lookUp(expr.text, result) : std::nullopt;
    bool isParameter = result.integers.contains(expr.text) || result.types.contains(expr.text);
    std::string text;
    if (value && isParameter)
      text = expr.text + " is " +
             (value->kind == Constant::Type ? std::string(name(DataType(value->value))) : std::to_string(value->value));
    if (!text.empty() && !llvm::is_contained(values, text))
      values.push_back(text);
    for (const ExprPtr &operand : expr.operands)
      visit(*operand);
  };
  visit(condition);
  return values.empty() ? "" : ": " + join(values);
}

void Specialiser::checkConstraints() {
  for (const ExprPtr &constraint : result.kernel->tune.constraints)
    if (!evaluateCondition(*constraint).value_or(true))
      error(constraint->offset, Message::TuneConstraint, toText(*constraint), valuesIn(*constraint));
}

void imbrex::forEachConjunct(const Expr &condition, llvm::function_ref<void(const Expr &)> visit) {
  if (condition.kind != Expr::Binary || condition.text != "&&")
    return visit(condition);
  for (const ExprPtr &part : condition.operands)
    forEachConjunct(*part, visit);
}

/// The scalar parameter that `expr` names; null if it names none.
static const KernelParameter *scalarOf(const Expr &expr, const Kernel &kernel) {
  for (const KernelParameter &parameter : kernel.parameters)
    if (expr.kind == Expr::Name && !parameter.isView && parameter.name == expr.text)
      return &parameter;
  return nullptr;
}

bool imbrex::isIntegerScalar(const KernelParameter &parameter) {
  std::optional<DataType> type = parseDataType(parameter.type.name);
  return !parameter.isView && !parameter.type.wide && type && !isFloat(*type);
}

/// True if `expr` uses an extent or a scalar: what only a launch knows.
static bool usesLaunch(const Expr &expr, const Kernel &kernel) {
  auto isExtent = [&](const ExprPtr &extent) { return symbolOf(*extent) == expr.text; };
  bool isKnown = expr.kind == Expr::Name && (scalarOf(expr, kernel) || llvm::any_of(kernel.parameters, [&](auto &each) {
                                               return llvm::any_of(each.extents, isExtent);
                                             }));
  return isKnown || llvm::any_of(expr.operands, [&](const ExprPtr &operand) { return usesLaunch(*operand, kernel); });
}

bool imbrex::comparesScalar(const Expr &condition, const Kernel &kernel) {
  static constexpr llvm::StringRef kComparisons[] = {"<", "<=", ">", ">=", "==", "!="};
  if (condition.kind != Expr::Binary || !llvm::is_contained(kComparisons, condition.text))
    return false;
  for (unsigned side : {0, 1})
    if (const KernelParameter *scalar = scalarOf(*condition.operands[side], kernel))
      return !isIntegerScalar(*scalar) || !usesLaunch(*condition.operands[1 - side], kernel);
  return false;
}

/// Requirements on parameters are checked now, those on extents and scalars at launch.
void Specialiser::checkRequirement(const Expr &condition) {
  if (comparesScalar(condition, *result.kernel)) {
    result.scalarRequirements.push_back(&condition);
    return;
  }
  unsigned before = diagnostics.errorCount();
  if (evaluate(condition, result, diagnostics)) {
    if (!evaluateCondition(condition).value_or(true))
      error(condition.offset, Message::RequireFails, toText(condition), valuesIn(condition));
    return;
  }
  if (diagnostics.errorCount() != before)
    return;
  if (std::optional<Expression> expression = toExpression(condition, diagnostics))
    result.requirements.push_back(*expression);
}

void Specialiser::checkRequirements() {
  for (const ExprPtr &condition : result.kernel->requirements)
    forEachConjunct(*condition, [&](const Expr &part) { checkRequirement(part); });
}

/// Left-out outputs and alignments must name views.
void Specialiser::checkViewOptions() {
  auto find = [&](const std::string &name) -> const KernelParameter * {
    for (const KernelParameter &parameter : result.kernel->parameters)
      if (parameter.isView && parameter.name == name)
        return &parameter;
    return nullptr;
  };
  auto isAdded = [&](const std::string &name) {
    auto isNamed = [&](const Parameter &parameter) { return parameter.isView && parameter.name == name; };
    return llvm::any_of(result.stored->parameters(), isNamed) ||
           llvm::any_of(result.hooks.captured, [&](const auto &captured) { return isNamed(captured.described); });
  };
  std::vector<std::string> optional;
  for (const KernelParameter &parameter : result.kernel->parameters)
    if (parameter.isView && parameter.optional)
      optional.push_back(parameter.name);
  for (const std::string &name : options.given)
    if (const KernelParameter *view = find(name); !view || !view->optional)
      error(result.kernel->offset, Message::NotOptional, name, result.kernel->name, join(optional));
  for (const auto &[name, bytes] : options.alignment) {
    if (!find(name) && !isAdded(name))
      error(result.kernel->offset, Message::NotAView, name);
    if (bytes == 0 || bytes > 16 || (bytes & (bytes - 1)) != 0)
      error(result.kernel->offset, Message::BadAlignment, name, bytes);
  }
}

std::optional<Specialisation> imbrex::specialise(const File &file, const CompileOptions &options, const Target &target,
                                                 Diagnostics &diagnostics) {
  return Specialiser(file, options, target, diagnostics).run();
}
