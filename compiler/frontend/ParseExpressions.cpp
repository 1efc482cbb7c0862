//===- ParseExpressions.cpp - Expressions ---------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The expressions of Grammar.md, by levels of precedence: one table of binary operators, then unary,
// postfix and primary forms. The height of a tree is bounded as it is built.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/ForeignWords.h"
#include "compiler/frontend/Parser.h"
#include "llvm/ADT/ScopeExit.h"

using namespace imbrex;
using namespace imbrex::ast;
using llvm::StringRef;

ExprPtr Parser::make(Expr::Kind kind, uint32_t offset) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->offset = offset;
  return expr;
}

bool Parser::adopt(Expr &parent, ExprPtr child) {
  if (!child)
    return false;
  parent.height = std::max(parent.height, child->height + 1);
  if (parent.height > kMaxNesting) {
    report(diagnostics, parent.offset, Message::TooDeep, kMaxNesting);
    return false;
  }
  parent.operands.push_back(std::move(child));
  return true;
}

/// Binary operators, loosest first.
static constexpr unsigned kLevels = 10, kEquality = 2, kRelation = 3;
static llvm::ArrayRef<StringRef> operatorsOf(unsigned level) {
  static constexpr StringRef logicOr[] = {"||"}, logicAnd[] = {"&&"}, equality[] = {"==", "!="},
                             relation[] = {"<=", ">=", "<", ">"}, bitOr[] = {"|"}, bitXor[] = {"^"}, bitAnd[] = {"&"},
                             shift[] = {"<<", ">>"}, sum[] = {"+", "-"}, product[] = {"*", "/", "%"};
  switch (level) {
  case 0:
    return logicOr;
  case 1:
    return logicAnd;
  case 2:
    return equality;
  case 3:
    return relation;
  case 4:
    return bitOr;
  case 5:
    return bitXor;
  case 6:
    return bitAnd;
  case 7:
    return shift;
  case 8:
    return sum;
  default:
    return product;
  }
}

/// Two tokens side by side: in wide<wide<T>> they are two brackets.
bool Parser::isShiftRight() const { return peek().is(">") && peek(1).is(">") && peek(1).offset == peek().offset + 1; }

/// expression = and { "||" and } ;  and = equal { "&&" equal } ;
/// equal = relation [ ( "==" | "!=" ) relation ] ;  relation = bits [ ( "<" | "<=" | ">" | ">=" ) bits ] ;
/// bits = xor { "|" xor } ;  xor = mask { "^" mask } ;  mask = shift { "&" shift } ;  shift = sum { ( "<<" | ">>" ) sum
/// } ; sum = product { ( "+" | "-" ) product } ;  product = unary { ( "*" | "/" | "%" ) unary } ;
ExprPtr Parser::parseBinary(unsigned level) {
  if (level == kLevels)
    return parseUnary();
  ExprPtr left = parseBinary(level + 1);
  for (std::string before; left; before = left->text) {
    StringRef found;
    for (StringRef op : operatorsOf(level))
      if (op == ">>" ? isShiftRight() : peek().is(op) && !(op == ">" && isShiftRight()))
        found = op;
    if (found.empty())
      return left;
    if (!before.empty() && (level == kEquality || level == kRelation)) {
      report(diagnostics, peek().offset, Message::Chained, before, found);
      return nullptr;
    }
    ExprPtr node = make(Expr::Binary, take().offset);
    node->text = found.str();
    if (found == ">>")
      take();
    if (!adopt(*node, std::move(left)) || !adopt(*node, parseBinary(level + 1)))
      return nullptr;
    left = std::move(node);
  }
  return left;
}

/// unary = ( "-" | "!" ) unary | postfix ;
ExprPtr Parser::parseUnary() {
  ++depth;
  llvm::scope_exit leave([&] { --depth; });
  if (tooDeep())
    return nullptr;
  uint32_t offset = peek().offset;
  if (peek().is("-") || peek().is("!")) {
    ExprPtr node = make(Expr::Unary, offset);
    node->text = take().text.str();
    return adopt(*node, parseUnary()) ? std::move(node) : nullptr;
  }
  if (accept("load"))
    return parsePostfix(parseAccess(Expr::Load));
  return parsePostfix(parsePrimary());
}

/// name indices
ExprPtr Parser::parseAccess(Expr::Kind kind) {
  ExprPtr node = make(kind, peek().offset);
  if (!expectName(node->text, "a view") || !parseIndices(node->indices))
    return nullptr;
  for (const Index &index : node->indices)
    for (const Expr *part : {index.start.get(), index.size.get()})
      node->height = std::max(node->height, part ? part->height + 1 : 1);
  return node;
}

/// Whether a name and `[` begin a part of a view: what follows is neither `[:, _]` nor `[_, :]`.
bool Parser::isPart() {
  if (peek().kind != TokenKind::Name || !peek(1).is("["))
    return false;
  return !peek(2).is("_") && !(peek(2).is(":") && peek(3).is(",") && peek(4).is("_"));
}

/// postfix = ( primary | "load" name indices ) { "." name | "[" ":" "," "_" "]" | "[" "_" "," ":" "]" } ;
ExprPtr Parser::parsePostfix(ExprPtr base) {
  while (base && (peek().is(".") || peek().is("["))) {
    ExprPtr node;
    if (peek().is(".")) {
      take();
      if (base->kind == Expr::Integer && peek().kind != TokenKind::Name) {
        fail(Message::PointAlone, toText(*base) + ".0");
        return nullptr;
      }
      node = make(Expr::Member, peek().offset);
      if (!expectName(node->text, "a field's name"))
        return nullptr;
    } else {
      node = make(Expr::Expand, take().offset);
      bool row = peek().is("_");
      bool ok = row ? accept("_") && accept(",") && accept(":") : accept(":") && accept(",") && accept("_");
      if (!ok || !accept("]")) {
        fail(Message::BadExpand, "");
        return nullptr;
      }
      node->integer = row ? 0 : 1;
    }
    if (!adopt(*node, std::move(base)))
      return nullptr;
    base = std::move(node);
  }
  return base;
}

/// arguments = "(" [ expression { "," expression } ] ")" ; the opening one has been taken
bool Parser::parseArguments(std::vector<ExprPtr> &arguments) {
  while (!peek().is(")")) {
    ExprPtr argument = parseExpression();
    if (!argument)
      return false;
    arguments.push_back(std::move(argument));
    if (!accept(","))
      break;
  }
  return expect(")");
}

/// typed = "fill" "<" type ">" "[" expression { "," expression } "]" "(" expression ")"
///       | "cast" "<" type ">" "(" expression ")" ;
ExprPtr Parser::parseTyped(bool isFill) {
  ExprPtr node = make(isFill ? Expr::Fill : Expr::Cast, take().offset);
  if (!expect("<") || !parseType(node->type) || !expect(">"))
    return nullptr;
  if (isFill) {
    if (!expect("["))
      return nullptr;
    do {
      if (!adopt(*node, parseExpression()))
        return nullptr;
    } while (accept(","));
    if (!expect("]"))
      return nullptr;
  }
  if (!expect("("))
    return nullptr;
  return adopt(*node, parseExpression()) && expect(")") ? std::move(node) : nullptr;
}

/// primary = integer | float | "true" | "false" | "(" expression ")" | typed | name [ arguments [ arguments ] ]
///         | name indices | "dot" "<" name ">" arguments ;
ExprPtr Parser::parsePrimary() {
  const Token &token = peek();
  if (token.kind == TokenKind::Integer || token.kind == TokenKind::Float) {
    ExprPtr node = make(token.kind == TokenKind::Integer ? Expr::Integer : Expr::Float, token.offset);
    node->integer = token.integer;
    node->number = token.number;
    take();
    return node;
  }
  if (accept("(")) {
    ExprPtr inner = parseExpression();
    return inner && expect(")") ? std::move(inner) : nullptr;
  }
  if (token.kind != TokenKind::Name) {
    if (!refuseExpression())
      fail(Message::ExpectedExpression, token.describe());
    return nullptr;
  }
  if ((token.is("fill") || token.is("cast")) && peek(1).is("<"))
    return parseTyped(token.is("fill"));
  if (token.is("true") || token.is("false")) {
    ExprPtr node = make(Expr::Bool, token.offset);
    node->integer = take().is("true");
    return node;
  }
  if (peek(1).is("(") || (token.is("dot") && peek(1).is("<")))
    return parseCall();
  if (isPart())
    return parseAccess(Expr::Part);
  ExprPtr node = make(Expr::Name, token.offset);
  return expectName(node->text, "an expression") ? std::move(node) : nullptr;
}

/// Of a primary: name arguments [ arguments ] | "dot" "<" name ">" arguments
ExprPtr Parser::parseCall() {
  ExprPtr node = make(Expr::Call, peek().offset);
  std::vector<ExprPtr> arguments;
  if (isReservedFunction(peek().text)) {
    fail(Message::Unsupported, peek().describe());
    return nullptr;
  }
  if (peek().is("fill") || peek().is("cast")) {
    report(diagnostics, peek().offset, Message::TypedForm, peek().text,
           peek().is("cast") ? "cast<f32>(x)" : "fill<f32>[N](x)");
    return nullptr;
  }
  if (!expectName(node->text, "a function"))
    return nullptr;
  if (accept("<")) {
    node->type.offset = peek().offset;
    if (!expectName(node->type.name, "a mode of dot") || !expect(">"))
      return nullptr;
  }
  if (!expect("(") || !parseArguments(arguments))
    return nullptr;
  if (accept("(")) {
    node->integer = int64_t(arguments.size());
    if (!parseArguments(arguments))
      return nullptr;
  }
  for (ExprPtr &argument : arguments)
    if (!adopt(*node, std::move(argument)))
      return nullptr;
  return node;
}

//===----------------------------------------------------------------------===//
// Expressions as text
//===----------------------------------------------------------------------===//

/// Longer expressions are cut: they stand in messages.
static constexpr size_t kLongestText = 120;

static std::string toWholeText(const Expr &expr) {
  auto list = [&](size_t begin, size_t end) {
    std::string text;
    for (size_t i = begin; i < end; ++i)
      text += (i > begin ? ", " : "") + toText(*expr.operands[i]);
    return text;
  };
  switch (expr.kind) {
  case Expr::Integer:
    return std::to_string(expr.integer);
  case Expr::Float:
    return llvm::formatv("{0}", expr.number).str();
  case Expr::Bool:
    return expr.integer ? "true" : "false";
  case Expr::Name:
    return expr.text;
  case Expr::Unary:
    return expr.text + toText(*expr.operands[0]);
  case Expr::Binary: {
    auto side = [](const Expr &e) { return e.kind == Expr::Binary ? "(" + toText(e) + ")" : toText(e); };
    return side(*expr.operands[0]) + " " + expr.text + " " + side(*expr.operands[1]);
  }
  case Expr::Call:
    return expr.text + (expr.type.name.empty() ? "" : "<" + expr.type.name + ">") +
           (expr.integer ? "(" + list(0, expr.integer) + ")" : "") + "(" + list(expr.integer, expr.operands.size()) +
           ")";
  case Expr::Fill:
    return "fill[" + list(0, expr.operands.size() - 1) + "](" + toText(*expr.operands.back()) + ")";
  case Expr::Cast:
    return "cast<" + expr.type.name + ">(" + list(0, 1) + ")";
  case Expr::Member:
    return list(0, 1) + "." + expr.text;
  case Expr::Expand:
    return list(0, 1) + (expr.integer ? "[:, _]" : "[_, :]");
  case Expr::Load:
    return "load " + expr.text + "[...]";
  case Expr::Part:
    return expr.text + "[...]";
  }
  return "";
}

std::string ast::toText(const Expr &expr) {
  std::string text = toWholeText(expr);
  if (text.size() > kLongestText)
    text = text.substr(0, kLongestText) + "...";
  return text;
}

std::string ast::toText(const TypeName &type) { return type.wide ? "wide<" + type.name + ">" : type.name; }

std::string ast::typeText(const FnParameter &parameter) {
  if (!parameter.isView)
    return toText(parameter.type);
  std::string text = "view<" + toText(parameter.type) + ">[";
  for (const ExprPtr &extent : parameter.extents)
    text += (&extent == parameter.extents.data() ? "" : ", ") + toText(*extent);
  return text + "]";
}
