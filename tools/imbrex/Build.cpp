//===- Build.cpp - imbrex build -------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a file from any stage to any later one, machine code included, and keeps the texts between where
// asked to.
//
//===----------------------------------------------------------------------===//

#include "runtime/Assemble.h"
#include "tools/imbrex/CommandLine.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;

// One overload for every type of a CompileOptions field.
static std::string textOf(const std::string &value) { return value; }
static std::string textOf(bool value) { return value ? "true" : "false"; }
static std::string textOf(const std::set<std::string, std::less<>> &names) { return llvm::join(names, " "); }
static std::string wordOf(const Setting &setting) { return setting.text(); }
static std::string wordOf(const std::string &word) { return word; }
static std::string wordOf(unsigned number) { return std::to_string(number); }
template <typename Value> static std::string textOf(const std::map<std::string, Value, std::less<>> &values) {
  std::string text;
  for (const auto &[name, value] : values)
    text += llvm::formatv("{0}{1}={2}", text.empty() ? "" : " ", name, wordOf(value));
  return text;
}

/// A function that writes every stage's text to DIR/KERNEL.SUFFIX, its options first, as comments. False in
/// `ok` if a file cannot be written.
static DumpStage dumpInto(const Request &request, const Source &source, bool &ok) {
  if (request.dumpDirectory.empty())
    return {};
  if (std::error_code code = llvm::sys::fs::create_directories(request.dumpDirectory)) {
    llvm::errs() << request.dumpDirectory << ": error: " << code.message() << "\n";
    ok = false;
    return {};
  }
  std::string stem = request.options.kernel;
  if (stem.empty())
    stem = llvm::sys::path::stem(source.name).str();
  std::string header;
  request.options.visit([&](const char *name, const auto &field) {
    if (std::string value = textOf(field); !value.empty())
      header += llvm::formatv("// {0}: {1}\n", name, value);
  });
  return [&ok, header, path = request.dumpDirectory + "/" + stem + "."](Stage stage, std::string_view text) {
    ok &= writeText(path + std::string(info(stage).suffix), header + std::string(text));
  };
}

/// Machine code of a compiled kernel by ptxas.
static int assemble(const Request &request, const CompiledKernel &kernel) {
  std::optional<std::string> path = ptxasOf(request);
  if (!path) {
    llvm::errs() << "error: no ptxas on PATH; name one with --ptxas, or stop at --until ptx\n";
    return kUserError;
  }
  Result<Assembler> assembler = Assembler::ptxas(*path);
  if (!assembler) {
    llvm::errs() << assembler.error().render();
    return kUserError;
  }
  Result<AssembledKernel> code = assembler->assemble(kernel.code, kernel.interface.target);
  if (!code) {
    llvm::errs() << code.error().render();
    return kUserError;
  }
  llvm::errs() << llvm::formatv("{0} registers, {1} bytes spilled\n", code->registers,
                                code->spillStoreBytes + code->spillLoadBytes);
  if (request.output.empty()) {
    llvm::errs() << "error: machine code is not text; say where to write it with -o\n";
    return kUserError;
  }
  return writeText(request.output, code->machineCode) ? kSuccess : kUserError;
}

int tool::build(const Request &request) {
  std::optional<Source> source = readSource(request.file);
  if (!source)
    return kUserError;
  Stage until = request.until.value_or(Stage::Ptx), compiled = std::min(until, Stage::Ptx);
  bool dumped = true;
  DumpStage dump = dumpInto(request, *source, dumped);
  if (!dumped)
    return kUserError;
  CompileResult result = request.from ? compileFrom(*request.from, *source, request.options, compiled, dump)
                                      : compile(*source, request.options, compiled, dump);
  llvm::errs() << result.errors();
  if (!result.kernel || !dumped)
    return kUserError;
  if (request.timings)
    for (const StageTime &time : result.kernel->times)
      llvm::errs() << llvm::formatv("{0,-6} {1,8:F1} ms\n", time.name, time.milliseconds);
  if (until == Stage::Cubin)
    return assemble(request, *result.kernel);
  return writeText(request.output, result.kernel->code) ? kSuccess : kUserError;
}
