//===- ParseDeclarations.cpp - Functions, hooks and kernels ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The declarations of Grammar.md.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Parser.h"

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

/// parameters = "(" [ name [ ":" type ] { "," name [ ":" type ] } ] ")" ;
bool Parser::parseFnParameters(std::vector<FnParameter> &parameters) {
  if (!expect("("))
    return false;
  while (!peek().is(")")) {
    FnParameter parameter;
    parameter.offset = peek().offset;
    if (!expectName(parameter.name, "a parameter's name"))
      return false;
    if (accept(":")) {
      if (peek().is("view"))
        return fail(Message::Unsupported, "a view as an extra argument of a function");
      if (!parseType(parameter.type))
        return false;
    }
    parameters.push_back(std::move(parameter));
    if (!accept(","))
      break;
  }
  return expect(")");
}

/// function = "fn" name parameters [ parameters ] [ "->" type ] "=" expression ";" ;
/// hook     = "hook" name parameters [ "->" type ] "=" expression ";" ;
bool Parser::parseFunction(File &file, bool isHook) {
  Function function;
  function.offset = peek().offset;
  function.isHook = isHook;
  if (!expectName(function.name, "a name") || !parseFnParameters(function.parameters))
    return false;
  if (!isHook && peek().is("(")) { // fn name(extra arguments)(the hook's parameters)
    function.extras = std::move(function.parameters);
    function.parameters.clear();
    if (!parseFnParameters(function.parameters))
      return false;
  }
  if (accept("->") && !parseType(function.result))
    return false;
  if (!expect("="))
    return false;
  function.body = parseExpression();
  if (!function.body || !expect(";"))
    return false;
  if (file.findFunction(function.name))
    report(diagnostics, function.offset, Message::Duplicate, function.name);
  file.functions.push_back(std::move(function));
  return true;
}

/// kernel = "kernel" name [ generics ] "(" parameter { "," parameter } ")" [ "require" expression ]
///          [ tune ] grid block ;
bool Parser::parseKernel(File &file) {
  Kernel kernel;
  kernel.offset = peek().offset;
  if (!expectName(kernel.name, "a name") || (peek().is("<") && !parseGenerics(kernel)) || !expect("("))
    return false;
  do {
    if (!parseKernelParameter(kernel))
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

/// generics = "<" name ":" ( "int" | type { "|" type } ) { "," ... } ">" ;
bool Parser::parseGenerics(Kernel &kernel) {
  expect("<");
  do {
    GenericParameter generic;
    generic.offset = peek().offset;
    if (!expectName(generic.name, "a parameter's name") || !expect(":"))
      return false;
    generic.isInteger = accept("int");
    while (!generic.isInteger) {
      std::optional<DataType> type = parseDataType(peek().text);
      if (!type)
        return fail(Message::ExpectedType, peek().describe());
      take();
      generic.allowed.push_back(*type);
      if (!accept("|"))
        break;
    }
    kernel.generics.push_back(std::move(generic));
  } while (accept(","));
  return expect(">");
}

/// parameter = name ":" ( [ "out" [ "?" ] ] "view" "<" type ">" "[" expression { "," expression } "]" | type ) ;
bool Parser::parseKernelParameter(Kernel &kernel) {
  KernelParameter parameter;
  parameter.offset = peek().offset;
  if (!expectName(parameter.name, "a parameter's name") || !expect(":"))
    return false;
  if (accept("out")) {
    parameter.output = true;
    parameter.optional = accept("?");
  }
  if (!parameter.output && !peek().is("view")) {
    if (!parseType(parameter.type))
      return false;
    kernel.parameters.push_back(std::move(parameter));
    return true;
  }
  parameter.isView = true;
  if (!expect("view") || !expect("<") || !parseType(parameter.type) || !expect(">") || !expect("["))
    return false;
  do {
    ExprPtr extent = parseExpression();
    if (!extent)
      return false;
    parameter.extents.push_back(std::move(extent));
  } while (accept(","));
  kernel.parameters.push_back(std::move(parameter));
  return expect("]");
}

/// tune = "tune" "{" { item } "}" ;
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
  int64_t value;
  if (accept("{")) {
    do {
      if (!expectInteger(value))
        return false;
      tunable.choices.push_back(value);
    } while (accept(","));
    if (!expect("}"))
      return false;
  } else {
    int64_t last;
    if (!expectInteger(value) || !expect("..") || !expectInteger(last))
      return false;
    for (; value <= last && tunable.choices.size() < 1024; ++value)
      tunable.choices.push_back(value);
  }
  if (!expect("=") || !expectInteger(tunable.standard))
    return false;
  tune.tunables.push_back(std::move(tunable));
  return expect(";");
}

/// case = ( "on" name { "," name } | "when" expression ) "{" { name "=" integer ";" } "}" ;
bool Parser::parseTuneCase(Tune &tune) {
  TuneCase result;
  result.offset = peek().offset;
  if (take().is("on")) {
    do {
      if (!expectName(result.targets.emplace_back(), "a target such as sm_80"))
        return false;
    } while (accept(","));
  } else {
    result.condition = parseExpression();
    if (!result.condition)
      return false;
  }
  if (!expect("{"))
    return false;
  while (!accept("}")) {
    TuneCase::Setting setting;
    setting.offset = peek().offset;
    if (!expectName(setting.name, "a tuning parameter") || !expect("=") || !expectInteger(setting.value) || !expect(";"))
      return false;
    result.settings.push_back(std::move(setting));
  }
  tune.cases.push_back(std::move(result));
  return true;
}

/// grid = "grid" "(" expression { "," expression } ")" "|" name { "," name } "|" ;
bool Parser::parseGrid(Kernel &kernel) {
  uint32_t offset = peek().offset;
  if (!expect("grid") || !expect("(") || !parseArguments(kernel.grid) || !expect("|"))
    return false;
  do {
    FnParameter &name = kernel.gridNames.emplace_back();
    name.offset = peek().offset;
    if (!expectName(name.name, "a name for the position in the grid"))
      return false;
  } while (accept(","));
  if (kernel.grid.empty() || kernel.grid.size() > 3 || kernel.grid.size() != kernel.gridNames.size())
    report(diagnostics, offset, Message::GridRank, kernel.grid.size(), kernel.gridNames.size());
  return expect("|");
}
