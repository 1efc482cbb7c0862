//===- FrontendFuzzer.cpp - Any text through the frontend -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A libFuzzer target. The first byte of an input chooses the options, the rest is the source. It must
// give either errors or a module that verifies; anything else stops the fuzzer.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Frontend.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"
#include <cstdlib>

using namespace imbrex;

static CompileOptions optionsOf(uint8_t choice) {
  static constexpr const char *kTypes[] = {"f16", "bf16", "f32", "f64"};
  static constexpr const char *kMasks[] = {"", "causal", "window(64, -1)", "causal_window(9)"};
  CompileOptions options;
  options.set["T"] = kTypes[choice % 4];
  for (const char *name : {"DQK", "DV", "G", "D"})
    options.set[name] = std::string(name) == "G" ? "2" : "64";
  if (const char *mask = kMasks[choice / 4 % 4]; *mask)
    options.hooks["mask"] = mask;
  if (choice & 16)
    options.given.insert("L");
  if (choice & 32)
    options.target = "sm_90a";
  return options;
}

/// Settings, hooks and outputs that the kernel does not have would only hide what comes after.
static void keepKnown(CompileOptions &options, const ast::File &file) {
  if (file.kernels.empty())
    return;
  const ast::Kernel &kernel = file.kernels.front();
  options.kernel = kernel.name;
  auto declared = [&](const auto &list, const std::string &name) {
    return llvm::any_of(list, [&](const auto &each) { return each.name == name; });
  };
  std::erase_if(options.set, [&](const auto &entry) { return !declared(kernel.generics, entry.first); });
  std::erase_if(options.hooks, [&](const auto &entry) { return !declared(file.functions, entry.first); });
  std::erase_if(options.given, [&](const std::string &name) { return !declared(kernel.parameters, name); });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  Source source{"fuzz.tile", std::string(reinterpret_cast<const char *>(data) + 1, size - 1)};
  Diagnostics diagnostics(source);
  std::unique_ptr<ast::File> file = parseFile(source, diagnostics);
  if (diagnostics.hasErrors())
    return 0;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<tile::TileDialect, mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::scf::SCFDialect,
                      mlir::func::FuncDialect>();
  CompileOptions options = optionsOf(data[0]);
  keepKnown(options, *file);
  describeKernels(*file, options, diagnostics);
  KernelInterface interface;
  mlir::OwningOpRef<mlir::ModuleOp> module =
      emitTile(*file, options, Target::parse(options.target).value(), context, interface, diagnostics);
  bool agree = bool(module) != diagnostics.hasErrors();
  bool valid = !module || mlir::succeeded(mlir::verify(*module));
  if (!agree || !valid)
    std::abort();
  return 0;
}
