//===- ParseDeclarations.cpp - Functions, hooks and kernels ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The declarations of Grammar.md: functions, hooks, kernels and their tune blocks. Each function quotes
// its production.
//
//===----------------------------------------------------------------------===//

#include "compiler/PtxNames.h"
#include "compiler/Target.h"
#include "compiler/frontend/ForeignWords.h"
#include "compiler/frontend/Parser.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace imbrex;
using namespace imbrex::ast;

/// type = name | "wide" "<" name ">" ;
bool Parser::parseType(TypeName &type) {
  type.offset = peek().offset;
  if (peek().kind != TokenKind::Name)
    return fail(Message::ExpectedType, peek().describe());
  if (!peek().is("wide") || !peek(1).is("<"))
    return expectName(type.name, "a type");
  take(), take();
  type.wide = true;
  return expectName(type.name, "a type") && expect(">");
}

/// view = "view" "<" type ">" "[" expression { "," expression } "]" ;
bool Parser::parseViewType(TypeName &element, std::vector<ExprPtr> &extents) {
  if (!expect("view") || !expect("<") || !parseType(element) || !expect(">") || !expect("["))
    return false;
  do {
    ExprPtr extent = parseExpression();
    if (!extent)
      return false;
    extents.push_back(std::move(extent));
    if (tooMany("dimensions of a view", extents.size(), kMaxViewRank))
      return false;
  } while (accept(","));
  return expect("]");
}

/// parameters = "(" [ name [ ":" ( type | view ) ] { "," name [ ":" ( type | view ) ] } ] ")" ;
bool Parser::parseFnParameters(std::vector<FnParameter> &parameters) {
  if (!expect("("))
    return false;
  while (!peek().is(")")) {
    FnParameter parameter;
    parameter.offset = peek().offset;
    if (!expectName(parameter.name, "a parameter's name"))
      return false;
    if (accept(":")) {
      parameter.isView = peek().is("view");
      if (!(parameter.isView ? parseViewType(parameter.type, parameter.extents) : parseType(parameter.type)))
        return false;
    }
    parameters.push_back(std::move(parameter));
    if (tooMany("parameters of a function", parameters.size(), kMaxDeclarations))
      return false;
    if (!accept(","))
      break;
  }
  return expect(")");
}

/// body = "=" expression ";" | "{" { statement } "return" expression { "," expression } ";" "}" ;
bool Parser::parseFnBody(Function &function) {
  bool isBlock = peek().is("{");
  llvm::SaveAndRestore inside(inFunction, true);
  if (isBlock) {
    take();
    parseStatements(function.body, /*stopsAtReturn=*/true);
  }
  if (!expect(isBlock ? "return" : "="))
    return false;
  do {
    function.results.push_back(parseExpression());
    if (!function.results.back() || tooMany("results of a function", function.results.size(), kMaxResults))
      return false;
  } while (isBlock && accept(","));
  if (function.isHook && function.results.size() != 1)
    return fail(Message::HookResults, function.name);
  return expect(";") && (!isBlock || expect("}"));
}

/// import = "import" text ";" ;
bool Parser::parseImport(File &file) {
  FileImport import{peek().offset, peek().text.str(), nullptr};
  if (peek().kind != TokenKind::Text) {
    report(diagnostics, peek().offset, Message::Expected, "the name of a file in quotes", peek().describe());
    return false;
  }
  take();
  if (!file.functions.empty() || !file.kernels.empty())
    report(diagnostics, import.offset, Message::ImportPlace);
  file.imports.push_back(std::move(import));
  return !tooMany("imports of a file", file.imports.size(), kMaxImports) && expect(";");
}

/// function = "fn" name parameters [ parameters ] [ "->" type { "," type } ] body ;
/// hook     = "hook" name parameters [ "->" type ] body ;
bool Parser::parseFunction(File &file, bool isHook) {
  Function function;
  function.offset = peek().offset;
  function.home = &file;
  function.isHook = isHook;
  if (isReservedFunction(peek().text))
    return fail(Message::Unsupported, "a function of the reserved name " + peek().describe());
  if (!expectName(function.name, "a name") || !parseFnParameters(function.parameters))
    return false;
  if (!isHook && peek().is("(")) { // fn name(extra arguments)(the hook's parameters)
    function.extras = std::move(function.parameters);
    function.parameters.clear();
    if (!parseFnParameters(function.parameters))
      return false;
  }
  if (accept("->"))
    do {
      if (!parseType(function.types.emplace_back()))
        return false;
    } while (accept(","));
  if (!parseFnBody(function))
    return false;
  if (!function.types.empty() && function.types.size() != function.results.size())
    report(diagnostics, function.offset, Message::ResultCount, function.name, function.types.size(),
           function.results.size());
  if (llvm::any_of(file.functions, [&](const Function &other) { return other.name == function.name; }))
    report(diagnostics, function.offset, Message::Duplicate, function.name);
  file.functions.push_back(std::move(function));
  return true;
}

/// kernel = "kernel" name [ generics ] "(" parameter { "," parameter } ")" [ "require" expression ]
///          [ "tune" tune ] grid block ;
bool Parser::parseKernel(File &file) {
  Kernel kernel;
  kernel.offset = peek().offset;
  if (peek().kind == TokenKind::Name && !isPtxName(peek().text))
    return fail(Message::KernelName, peek().text.str());
  if (!expectName(kernel.name, "a name") || (peek().is("<") && !parseGenerics(kernel)) || !expect("("))
    return false;
  do {
    if (!parseKernelParameter(kernel) || tooMany("parameters of a kernel", kernel.parameters.size(), kMaxDeclarations))
      return false;
  } while (accept(",") && !peek().is(")"));
  if (!expect(")"))
    return false;
  if (accept("require")) {
    ExprPtr condition = parseExpression();
    if (!condition)
      return false;
    kernel.requirements.push_back(std::move(condition));
  }
  if (accept("tune") && !parseTune(kernel.tune))
    return false;
  if (!parseGrid(kernel) || !parseBlock(kernel.body))
    return false;
  for (const Kernel &other : file.kernels)
    if (other.name == kernel.name)
      report(diagnostics, kernel.offset, Message::Duplicate, kernel.name);
  file.kernels.push_back(std::move(kernel));
  return true;
}

/// generics = "<" generic { "," generic } ">" ;  generic = name ":" ( "int" | type { "|" type } ) ;
bool Parser::parseGenerics(Kernel &kernel) {
  expect("<");
  do {
    GenericParameter generic;
    generic.offset = peek().offset;
    if (!expectName(generic.name, "a parameter's name") || !expect(":"))
      return false;
    generic.isInteger = accept("int");
    if (!generic.isInteger && !parseAllowed(generic))
      return false;
    kernel.generics.push_back(std::move(generic));
    if (tooMany("generic parameters of a kernel", kernel.generics.size(), kMaxDeclarations))
      return false;
  } while (accept(","));
  return expect(">");
}

/// The types of a type parameter: type { "|" type }
bool Parser::parseAllowed(GenericParameter &generic) {
  do {
    TypeName type;
    if (!parseType(type))
      return false;
    std::optional<DataType> known = type.wide ? std::nullopt : parseDataType(type.name);
    if (!known) {
      reportUnknownType(diagnostics, type.offset, type.name);
      return false;
    }
    if (!llvm::is_contained(generic.allowed, *known))
      generic.allowed.push_back(*known);
  } while (accept("|"));
  return true;
}

/// parameter = name ":" ( [ "in" "?" | "out" [ "?" ] | "var" ] view | type [ "=" expression ] ) ;
bool Parser::parseKernelParameter(Kernel &kernel) {
  KernelParameter parameter;
  parameter.offset = peek().offset;
  if (!expectName(parameter.name, "a parameter's name") || !expect(":"))
    return false;
  if (accept("out")) {
    parameter.output = true;
    parameter.optional = accept("?");
  } else if (accept("var")) {
    parameter.output = parameter.inPlace = true;
  } else if (peek().is("in") && peek(1).is("?")) {
    parameter.optional = accept("in") && accept("?");
  } else if (peek(1).is("view") || (peek(1).is("?") && peek(2).is("view"))) {
    return fail(Message::ViewKind, peek().text.str());
  }
  if (!parameter.output && !parameter.optional && !peek().is("view")) {
    if (!parseType(parameter.type) || (accept("=") && !(parameter.standard = parseExpression())))
      return false;
    kernel.parameters.push_back(std::move(parameter));
    return true;
  }
  parameter.isView = true;
  if (!parseViewType(parameter.type, parameter.extents))
    return false;
  kernel.parameters.push_back(std::move(parameter));
  return true;
}

/// tune = "{" { item } "}" ;  behind the word itself
bool Parser::parseTune(Tune &tune) {
  if (!expect("{"))
    return false;
  while (!peek().is("}") && peek().kind != TokenKind::End)
    if (!parseTuneItem(tune))
      skipStatement();
  return expect("}");
}

/// item = tunable | "where" expression ";" | case | "key" expression { "," expression } ";"
///      | "rounding" name { "," name } ";" ;
bool Parser::parseTuneItem(Tune &tune) {
  if (accept("where")) {
    ExprPtr constraint = parseExpression();
    if (!constraint)
      return false;
    tune.constraints.push_back(std::move(constraint));
    return expect(";");
  }
  if (peek().is("on") || peek().is("when"))
    return parseTuneCase(tune);
  if (accept("key")) {
    do {
      ExprPtr part = parseExpression();
      if (!part)
        return false;
      tune.key.push_back(std::move(part));
    } while (accept(","));
    return expect(";");
  }
  if (accept("rounding")) {
    do {
      if (!expectName(tune.rounding.emplace_back(), "a tuning parameter"))
        return false;
    } while (accept(","));
    return expect(";");
  }
  return parseTunable(tune);
}

/// tunable = name ":" ( "{" integer { "," integer } "}" | integer ".." integer ) "=" integer ";" ;
bool Parser::parseTunable(Tune &tune) {
  Tunable tunable;
  tunable.offset = peek().offset;
  if (!expectName(tunable.name, "a tuning parameter") || !expect(":"))
    return false;
  if (!(peek().is("{") ? parseChoices(tunable) : parseChoiceRange(tunable)))
    return false;
  if (!expect("=") || !expectInteger(tunable.standard))
    return false;
  tune.tunables.push_back(std::move(tunable));
  return !tooMany("tuning parameters of a kernel", tune.tunables.size(), kMaxDeclarations) && expect(";");
}

/// "{" integer { "," integer } "}"
bool Parser::parseChoices(Tunable &tunable) {
  expect("{");
  do {
    if (!expectInteger(tunable.choices.emplace_back()) ||
        tooMany("choices of a tuning parameter", tunable.choices.size(), kMaxChoices))
      return false;
  } while (accept(","));
  return expect("}");
}

/// integer ".." integer, both among the choices
bool Parser::parseChoiceRange(Tunable &tunable) {
  int64_t first, last;
  uint32_t offset = peek().offset;
  if (!expectInteger(first) || !expect("..") || !expectInteger(last))
    return false;
  if (first > last) {
    report(diagnostics, offset, Message::EmptyRange, first, last);
    return false;
  }
  if (uint64_t(last) - uint64_t(first) >= kMaxChoices) {
    report(diagnostics, offset, Message::TooMany, "choices of a tuning parameter", kMaxChoices);
    return false;
  }
  for (; first < last; ++first)
    tunable.choices.push_back(first);
  tunable.choices.push_back(last);
  return true;
}

/// case = ( "on" name { "," name } [ "when" expression ] | "when" expression ) "{" { name "=" integer ";" } "}" ;
bool Parser::parseTuneCase(Tune &tune) {
  TuneCase result;
  result.offset = peek().offset;
  if (take().is("on")) {
    do {
      uint32_t offset = peek().offset;
      std::string &target = result.targets.emplace_back();
      if (!expectName(target, "a target such as sm_80"))
        return false;
      std::vector<std::string> known;
      for (std::string_view name : Target::names())
        known.emplace_back(name);
      if (!Target::parse(target))
        report(diagnostics, offset, Message::UnknownTarget, target, suggestion(target, known));
    } while (accept(","));
  }
  if (result.targets.empty() || accept("when")) {
    result.condition = parseExpression();
    if (!result.condition)
      return false;
  }
  if (!expect("{"))
    return false;
  while (!accept("}")) {
    TuneCase::Setting setting;
    setting.offset = peek().offset;
    if (!expectName(setting.name, "a tuning parameter") || !expect("=") || !expectInteger(setting.value) ||
        !expect(";"))
      return false;
    result.settings.push_back(std::move(setting));
    if (tooMany("settings of a case", result.settings.size(), kMaxDeclarations))
      return false;
  }
  tune.cases.push_back(std::move(result));
  return !tooMany("cases of a tune block", tune.cases.size(), kMaxDeclarations);
}

/// grid = "grid" "(" expression { "," expression } ")" "|" name { "," name } "|" ;
bool Parser::parseGrid(Kernel &kernel) {
  uint32_t offset = peek().offset;
  if (!accept("grid")) {
    report(diagnostics, offset, Message::Expected, "'require', 'tune' or 'grid'", peek().describe());
    return false;
  }
  if (!expect("(") || !parseArguments(kernel.grid) || !expect("|"))
    return false;
  do {
    FnParameter &name = kernel.gridNames.emplace_back();
    name.offset = peek().offset;
    if (!expectName(name.name, "a name for the position in the grid"))
      return false;
  } while (accept(","));
  if (kernel.grid.empty() || kernel.grid.size() > kMaxGridRank || kernel.grid.size() != kernel.gridNames.size())
    report(diagnostics, offset, Message::GridRank, kernel.grid.size(), kernel.gridNames.size());
  return expect("|");
}
