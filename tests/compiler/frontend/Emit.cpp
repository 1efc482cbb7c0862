//===- Emit.cpp - Text in, tile dialect or messages out -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the frontend as the compiler does, in a context of its own.
//
//===----------------------------------------------------------------------===//

#include "Emit.h"
#include "compiler/frontend/Frontend.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <fstream>
#include <sstream>

using namespace imbrex;
using namespace imbrex::test;

unsigned Emitted::count(const std::string &text) const {
  unsigned found = 0;
  for (size_t at = ir.find(text); at != std::string::npos; at = ir.find(text, at + text.size()))
    ++found;
  return found;
}

/// The texts that those of tests import.
static FoundText findText(const Source &, std::string_view word) {
  static const std::map<std::string, std::string, std::less<>> kTexts = {
      {"masks.tile", "fn causal(at) = at.k <= at.q;\nfn late(at) = causal(at) && at.q > 3;\n"},
      {"hooks.tile", "// A hook, and what it needs.\nimport \"masks.tile\";\nhook seen(at: coord) -> bool = late(at);\n"
                     "fn twice(x) = x + x;\nkernel other(n: i32) grid (1) |i| {}\n"},
      {"twice.tile", "fn twice(x) = 2 * x;\n"},
      {"circle.tile", "import \"circle.tile\";\n"},
      {"test.tile", ""},
      {"broken.tile", "fn f(x) = x +;\n"},
      {"stray.tile", "fn f(x) = g(x);\n"},
  };
  auto it = kTexts.find(word);
  return it == kTexts.end() ? FoundText{{}, "there is no such text"} : FoundText{Source{it->first, it->second}};
}

static void collect(const Diagnostics &diagnostics, Emitted &result) {
  for (const Diagnostic &diagnostic : diagnostics.all())
    result.errors +=
        std::to_string(diagnostic.line) + ":" + std::to_string(diagnostic.column) + ": " + diagnostic.message + "\n";
  result.errorCount = diagnostics.errorCount();
}

Emitted test::emit(const std::string &text, const CompileOptions &options, bool locations) {
  return emit(withImports({"test.tile", text}, findText), options, locations);
}

Emitted test::emit(const Source &source, const CompileOptions &options, bool locations) {
  Diagnostics diagnostics(source);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<tile::TileDialect, mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::scf::SCFDialect,
                      mlir::func::FuncDialect>();
  Emitted result;
  std::unique_ptr<ast::File> file = parseFile(source, diagnostics);
  if (!diagnostics.hasErrors()) {
    describeKernels(*file, {}, diagnostics);
    mlir::OwningOpRef<mlir::ModuleOp> module =
        emitTile(*file, options, Target::parse(options.target).value(), context, result.interface, diagnostics);
    EXPECT_EQ(bool(module), !diagnostics.hasErrors()) << "no module means an error, and an error no module";
    if (module) {
      EXPECT_TRUE(mlir::succeeded(mlir::verify(*module)));
      llvm::raw_string_ostream stream(result.ir);
      module->print(stream, mlir::OpPrintingFlags().enableDebugInfo(locations, /*prettyForm=*/false));
    }
  }
  collect(diagnostics, result);
  return result;
}

std::string test::kernelOf(const std::string &body, const std::string &declarations) {
  return declarations +
         "kernel k(X: view<f32>[N, 64], H: view<f16>[N, 64], I: view<i32>[N], Y: out view<f32>[N, 64], f: f32, n: "
         "i32)\n"
         "grid (cdiv(N, 16)) |i| {\n" +
         body + "\n}\n";
}

std::string test::readFile(const std::string &path) {
  std::ifstream file(std::string(IMBREX_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}
