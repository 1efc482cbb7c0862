//===- Parser.h - From tokens to a tree ----------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A recursive-descent parser to Grammar.md. Each function quotes its production. After an error it goes
// on at the next statement or declaration, so that one run shows several.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_PARSER_H
#define IMBREX_COMPILER_FRONTEND_PARSER_H

#include "compiler/frontend/Ast.h"
#include "compiler/frontend/Lexer.h"
#include "compiler/frontend/Messages.h"

namespace imbrex {

class Parser {
public:
  /// `begin` is the offset of the text's first byte (Diagnostics::addText).
  Parser(llvm::StringRef text, Diagnostics &diagnostics, uint32_t begin = 0)
      : diagnostics(diagnostics), tokens(lex(text, diagnostics, begin)) {}

  std::unique_ptr<ast::File> parseFile();
  /// A hook's binding: its functions go to `own`. Null, reported, if it is none.
  ast::ExprPtr parseBinding(ast::File &own);

private:
  //===--- Tokens (Parser.cpp) ---===//
  const Token &peek(unsigned ahead = 0) const { return tokens[std::min(at + ahead, tokens.size() - 1)]; }
  const Token &take() { return tokens[at < tokens.size() - 1 ? at++ : at]; }
  bool accept(llvm::StringRef symbol);
  bool expect(llvm::StringRef symbol);
  /// A name that is not a keyword.
  bool expectName(std::string &name, llvm::StringRef what);
  bool tooMany(llvm::StringRef what, size_t count, size_t limit);
  bool expectInteger(int64_t &value);
  bool fail(Message message, const std::string &found);

  //===--- What other languages would have here (ForeignForms.cpp): true, and reported, where a form is known ---===//
  /// `expected`: the symbol that the grammar has here.
  bool refuseForm(llvm::StringRef expected);
  bool refuseAssignForm();
  bool refuseOperator();
  /// Where an expression must begin.
  bool refuseExpression();
  /// The name that has just been taken, "x" if it is none.
  std::string nameBefore() const;

  /// ", did you mean ...?" if the next token is a name close to one of `keywords`.
  std::string misspelt(std::initializer_list<std::string> keywords) const;
  /// Skips to the end of a broken statement or declaration.
  void skipStatement();
  void skipDeclaration();
  bool tooDeep();

  //===--- Declarations (ParseDeclarations.cpp) ---===//
  bool parseImport(ast::File &file);
  bool parseFunction(ast::File &file, bool isHook);
  bool parseFnParameters(std::vector<ast::FnParameter> &parameters);
  bool parseViewType(ast::TypeName &element, std::vector<ast::ExprPtr> &extents);
  bool parseFnBody(ast::Function &function);
  bool parseKernel(ast::File &file);
  bool parseGenerics(ast::Kernel &kernel);
  bool parseAllowed(ast::GenericParameter &generic);
  bool parseKernelParameter(ast::Kernel &kernel);
  bool parseTune(ast::Tune &tune);
  bool parseTuneItem(ast::Tune &tune);
  bool parseTunable(ast::Tune &tune);
  bool parseChoices(ast::Tunable &tunable);
  bool parseChoiceRange(ast::Tunable &tunable);
  bool parseTuneCase(ast::Tune &tune);
  bool parseGrid(ast::Kernel &kernel);
  bool parseType(ast::TypeName &type);

  //===--- Statements (ParseStatements.cpp) ---===//
  void parseStatements(ast::Block &block, bool stopsAtReturn);
  bool parseBlock(ast::Block &block);
  bool parseNames(ast::Stmt &stmt);
  std::unique_ptr<ast::Stmt> parseStatement();
  bool parseFor(ast::Stmt &stmt);
  bool parseIf(ast::Stmt &stmt);
  bool parseStore(ast::Stmt &stmt);
  bool parseAssign(ast::Stmt &stmt);
  bool refuseStatement();
  bool refuseByPlace();
  bool parseIndices(std::vector<ast::Index> &indices);
  bool parseIndex(std::vector<ast::Index> &indices);
  bool parseJoined(std::vector<ast::Index> &indices);
  bool isJoined() const;
  ast::ExprPtr parseAccess(ast::Expr::Kind kind);
  bool isPart();

  //===--- Expressions (ParseExpressions.cpp) ---===//
  ast::ExprPtr parseExpression() { return parseBinary(0); }
  ast::ExprPtr parseBinary(unsigned level);
  bool isShiftRight() const;
  ast::ExprPtr parseUnary();
  ast::ExprPtr parsePostfix(ast::ExprPtr base);
  ast::ExprPtr parsePrimary();
  ast::ExprPtr parseCall();
  ast::ExprPtr parseTyped(bool isFill);
  bool parseArguments(std::vector<ast::ExprPtr> &arguments);
  ast::ExprPtr make(ast::Expr::Kind kind, uint32_t offset) const;
  /// Adds `child` to `parent`; false if there is none, or the tree gets too high.
  bool adopt(ast::Expr &parent, ast::ExprPtr child);

  Diagnostics &diagnostics;
  std::vector<Token> tokens;
  size_t at = 0;
  unsigned depth = 0, loops = 0;
  bool isCut = false;      ///< the rest of the text was given up
  bool inFunction = false; ///< in whose body stores and results are refused
};

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_PARSER_H
