//===- SearchSpace.cpp - What a kernel's tuning may choose among ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every point is specialised as a compilation would, from one parsed text; its first error is the refusal.
//
//===----------------------------------------------------------------------===//

#include "compiler/SearchSpace.h"
#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Sema.h"

using namespace imbrex;

namespace {

/// A tuning parameter and the values that it goes through.
struct Axis {
  std::string name;
  std::vector<int64_t> values; ///< the standard one first
};

/// Counts the passes of loops, with extents known: those of the grid's first instance. What that one has no value for,
/// be it a division by its number behind a test, is no mistake.
class PassCounter {
public:
  PassCounter(Specialisation program, const SearchRequest &request, const Source &source)
      : known(std::move(program)), unheard(source) {
    for (const auto &[name, value] : request.extents)
      known.integers.emplace(name, value);
    for (const ast::FnParameter &place : known.kernel->gridNames)
      known.integers.emplace(place.name, 0);
  }

  /// Of all innermost loops of `block`.
  int64_t passes(const ast::Block &block) {
    int64_t sum = 0;
    for (const std::unique_ptr<ast::Stmt> &statement : block) {
      const bool names = statement->kind == ast::Stmt::Let && statement->moreNames.empty();
      if (std::optional<Constant> value = names ? valueOf(*statement->value) : std::nullopt)
        known.integers[statement->name] = value->value;
      int64_t inner = passes(statement->body) + passes(statement->otherwise);
      bool isLoop = statement->kind == ast::Stmt::Tiles || statement->kind == ast::Stmt::Range;
      sum = std::min(sum + (isLoop ? trips(*statement) * std::max<int64_t>(1, inner) : inner), kMostPasses);
    }
    return sum;
  }

private:
  static constexpr int64_t kMostPasses = int64_t(1) << 31;

  int64_t trips(const ast::Stmt &loop) {
    std::optional<Constant> first = valueOf(*loop.value), second = valueOf(*loop.second);
    if (!first || !second)
      return 1;
    std::optional<Constant> trips =
        evaluateBinary(loop.kind == ast::Stmt::Tiles ? "cdiv" : "-", loop.kind == ast::Stmt::Tiles ? *first : *second,
                       loop.kind == ast::Stmt::Tiles ? *second : *first);
    return std::clamp<int64_t>(trips ? trips->value : 1, 1, kMostPasses);
  }

  /// As evaluate(), where an extent that varies, S[b], is as long as S.
  std::optional<Constant> valueOf(const ast::Expr &expr) {
    if (expr.kind == ast::Expr::Part)
      return lookUp(expr.text, known);
    if (expr.operands.size() != 2 || (expr.kind != ast::Expr::Binary && expr.kind != ast::Expr::Call))
      return evaluate(expr, known, unheard);
    std::optional<Constant> x = valueOf(*expr.operands[0]), y = valueOf(*expr.operands[1]);
    return x && y ? evaluateBinary(expr.text, *x, *y) : std::nullopt;
  }

  Specialisation known;
  Diagnostics unheard;
};

/// Walks the points of a space.
class Walk {
public:
  Walk(const Source &source, const SearchRequest &request)
      : source(source), request(request), target(Target::parse(request.options.target)) {}

  SearchSpace run() {
    Diagnostics diagnostics(source);
    if (!target)
      diagnostics.errorWithoutPlace("unknown target '" + request.options.target + "'", /*ofCaller=*/true);
    else if (file = parseFile(source, diagnostics); !diagnostics.hasErrors())
      walk(diagnostics);
    space.diagnostics = diagnostics.take();
    return std::move(space);
  }

private:
  void walk(Diagnostics &diagnostics) {
    std::optional<Specialisation> standard = specialise(*file, request.options, *target, diagnostics);
    if (!standard)
      return;
    size_t count = 1;
    for (const ast::Tunable &tunable : standard->kernel->tune.tunables) {
      addAxis(tunable, *standard);
      count *= std::min(axes.back().values.size(), kMostTunePoints + 1);
      if (count > kMostTunePoints)
        return diagnostics.errorWithoutPlace("the tune block of '" + standard->kernel->name + "' has more than " +
                                                 std::to_string(kMostTunePoints) +
                                                 " assignments: set some of its parameters",
                                             /*ofCaller=*/true);
    }
    space.points.reserve(count);
    for (size_t index = 0; index < count; ++index)
      space.points.push_back(pointAt(index));
  }

  void addAxis(const ast::Tunable &tunable, const Specialisation &standard) {
    const ast::Tune &tune = standard.kernel->tune;
    int64_t first = standard.integers.at(tunable.name);
    Axis axis{tunable.name, {first}};
    // tf32 changes results by more than their last bits: whoever wants that says so. CTAs that stay, and turns, gain
    // where some warps copy for others.
    bool isPinned = tunable.name == "tf32" ||
                    (!target->hasWgmma && (tunable.name == "resident" || tunable.name == "turns")) ||
                    request.options.set.contains(tunable.name) ||
                    (!request.rounding && llvm::is_contained(tune.rounding, tunable.name));
    for (int64_t choice : tunable.choices)
      if (!isPinned && !llvm::is_contained(axis.values, choice))
        axis.values.push_back(choice);
    axes.push_back(std::move(axis));
  }

  TunePoint pointAt(size_t index) const {
    TunePoint point;
    CompileOptions options = request.options;
    for (const Axis &axis : axes) {
      int64_t value = axis.values[index % axis.values.size()];
      index /= axis.values.size();
      point.tuning[axis.name] = value;
      options.set[axis.name] = value;
    }
    Diagnostics diagnostics(source);
    if (std::optional<Specialisation> program = specialise(*file, options, *target, diagnostics)) {
      const ast::Block &body = program->kernel->body;
      point.passes = std::max<int64_t>(1, PassCounter(std::move(*program), request, source).passes(body));
    }
    for (const Diagnostic &diagnostic : diagnostics.all())
      if (point.refusal.empty() && diagnostic.severity == Severity::Error)
        point.refusal = diagnostic.message;
    return point;
  }

  const Source &source;
  const SearchRequest &request;
  std::optional<Target> target;
  std::unique_ptr<ast::File> file;
  std::vector<Axis> axes;
  SearchSpace space;
};

} // namespace

SearchSpace imbrex::searchSpace(const Source &source, const SearchRequest &request) {
  return Walk(source, request).run();
}
