//===- FrontendFuzzer.cpp - Any text through the frontend -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A libFuzzer target. The first two bytes of an input choose the options, the rest is the source; a line of three
// dashes ends it, and what follows is the file that it may import. It must give either errors or a module that
// verifies; anything else stops the fuzzer.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/VaryingExtents.h"
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
  static constexpr const char *kMasks[] = {
      "", "causal", "window(left, -1)",
      "fn own(n: i32)(at) = at.k < n; causal(at) && documents(ids)(at) || own(3)(at)"};
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

/// How views whose extents vary are stored.
static Storage storageOf(uint8_t choice) {
  static constexpr Storage::Kind kKinds[] = {Storage::Kind::Dense, Storage::Kind::Padded, Storage::Kind::Ragged,
                                             Storage::Kind::Paged};
  Storage storage{kKinds[choice % 4]};
  if (storage.kind == Storage::Kind::Paged)
    storage.page = 1 + choice / 4 % 4 * 5;
  if (choice & 16 || storage.kind == Storage::Kind::Dense)
    storage.scaling = Scaling{choice & 32 ? DataType::I8 : DataType::F8E5M2,
                              choice & 64 ? Scaling::Each::Block : Scaling::Each::View, choice & 64 ? 7 : 0};
  return storage;
}

/// Settings, hooks and outputs that the kernel does not have would only hide what comes after.
static void keepKnown(CompileOptions &options, const ast::File &file, uint8_t storage) {
  if (file.kernels.empty())
    return;
  const ast::Kernel &kernel = file.kernels.front();
  options.kernel = kernel.name;
  auto declared = [&](const auto &list, const std::string &name) {
    return llvm::any_of(list, [&](const auto &each) { return each.name == name; });
  };
  std::erase_if(options.set, [&](const auto &entry) { return !declared(kernel.generics, entry.first); });
  std::erase_if(options.hooks, [&](const auto &entry) { return !declared(file.functions, entry.first); });
  for (const ast::KernelParameter &parameter : kernel.parameters)
    if (storage && parameter.isView && varyingOf(parameter))
      options.storage[parameter.name] = storageOf(storage);
  std::erase_if(options.given, [&](const std::string &name) { return !declared(kernel.parameters, name); });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  std::string text(reinterpret_cast<const char *>(data) + 2, size - 2), imported;
  if (size_t end = text.find("\n---\n"); end != std::string::npos) {
    imported = text.substr(end + 5);
    text.resize(end + 1);
  }
  Source source{"fuzz.tile", text};
  source.imports.push_back({"masks.tile", std::make_shared<Source>(Source{"masks.tile", imported})});
  Diagnostics diagnostics(source);
  std::unique_ptr<ast::File> file = parseFile(source, diagnostics);
  if (diagnostics.hasErrors())
    return 0;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<tile::TileDialect, mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::scf::SCFDialect,
                      mlir::func::FuncDialect>();
  CompileOptions options = optionsOf(data[0]);
  keepKnown(options, *file, data[1]);
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
