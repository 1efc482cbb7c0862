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
#include "tools/imbrex/PtxComments.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;

// One overload for every type of a CompileOptions field.
static std::string textOf(const std::string &value) { return value; }
static std::string textOf(bool value) { return value ? "true" : "false"; }
static std::string textOf(const std::set<std::string, std::less<>> &names) { return llvm::join(names, " "); }
static std::string wordOf(const Setting &setting) { return setting.text(); }
static std::string wordOf(const Storage &storage) { return storage.text(); }
static std::string wordOf(const std::string &word) { return word; }
static std::string wordOf(unsigned number) { return std::to_string(number); }
template <typename Value> static std::string textOf(const std::map<std::string, Value, std::less<>> &values) {
  std::string text;
  for (const auto &[name, value] : values)
    text += llvm::formatv("{0}{1}={2}", text.empty() ? "" : " ", name, wordOf(value));
  return text;
}

namespace {

/// Writes texts into the folder that was asked for, each under the options that it was made with.
class Dump {
public:
  /// Makes the folder. Not `good` if that fails, or if a text cannot be written later.
  Dump(const Request &request, const Source &source);

  bool good() const { return ok; }
  /// Every stage's text to KERNEL.SUFFIX; none without a folder.
  DumpStage stages();
  /// What each pass leaves to KERNEL.STAGE.NN.PASS.mlir, numbered from 01 as they run; none if not asked for.
  DumpPass passes();

private:
  void write(const std::string &name, std::string_view text);

  const Request &request;
  const Source &source;
  std::string stem, header;
  unsigned passesDone = 0;
  bool ok = true;
};

} // namespace

Dump::Dump(const Request &request, const Source &source)
    : request(request), source(source), stem(request.options.kernel) {
  if (stem.empty())
    stem = llvm::sys::path::stem(source.name).str();
  request.options.visit([&](const char *name, const auto &field) {
    if (std::string value = textOf(field); !value.empty())
      header += llvm::formatv("// {0}: {1}\n", name, value);
  });
  if (request.dumpDirectory.empty()) {
    ok = !request.eachPass;
    if (!ok)
      llvm::errs() << "error: --each-pass needs a folder: --dump DIR\n";
    return;
  }
  if (std::error_code code = llvm::sys::fs::create_directories(request.dumpDirectory)) {
    llvm::errs() << request.dumpDirectory << ": error: " << code.message() << "\n";
    ok = false;
  }
}

void Dump::write(const std::string &name, std::string_view text) {
  ok &= writeText(request.dumpDirectory + "/" + stem + "." + name, header + std::string(text));
}

DumpStage Dump::stages() {
  if (request.dumpDirectory.empty())
    return {};
  return [this](Stage stage, std::string_view text) {
    write(std::string(info(stage).suffix), stage == Stage::Ptx ? withTextBeside(text, source) : std::string(text));
  };
}

DumpPass Dump::passes() {
  if (!request.eachPass)
    return {};
  return [this](Stage stage, std::string_view pass, std::string_view text) {
    write(llvm::formatv("{0}.{1,0+2}.{2}.mlir", info(stage).name, ++passesDone, pass).str(), text);
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

/// The stages' times, then those of the passes on MLIR: they lie in cta and nvvm.
static void printTimes(const CompiledKernel &kernel) {
  for (const StageTime &time : kernel.times)
    llvm::errs() << llvm::formatv("{0,-6} {1,8:F1} ms\n", time.name, time.milliseconds);
  for (const StageTime &time : kernel.passes)
    llvm::errs() << llvm::formatv("  {0,-28} {1,8:F2} ms\n", time.name, time.milliseconds);
}

/// What an editor asks: whether it compiles, and what is to be said where.
static void printJson(const CompileResult &result) {
  static constexpr llvm::StringRef kSeverities[] = {"error", "note", "remark"};
  llvm::json::Array list;
  for (const Diagnostic &each : result.diagnostics)
    list.push_back(llvm::json::Object{{"file", each.file},
                                      {"line", each.line},
                                      {"column", each.column},
                                      {"severity", kSeverities[unsigned(each.severity)]},
                                      {"message", each.message}});
  llvm::json::Object object{{"ok", result.kernel.has_value()}, {"diagnostics", std::move(list)}};
  if (result.kernel) {
    llvm::json::Object stages;
    for (const StageTime &time : result.kernel->times)
      stages[time.name] = time.milliseconds;
    object["kernel"] = result.kernel->interface.kernel;
    object["target"] = result.kernel->interface.target;
    object["milliseconds"] = std::move(stages);
    if (llvm::Expected<llvm::json::Value> interface = llvm::json::parse(result.kernel->interface.toJson()))
      object["interface"] = std::move(*interface);
  }
  llvm::outs() << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(object)));
}

int tool::build(const Request &asked) {
  std::optional<Source> source = readSource(asked.file);
  if (!source)
    return kUserError;
  const Request request = withExtents(asked, *source);
  Stage until = request.until.value_or(Stage::Ptx), compiled = std::min(until, Stage::Ptx);
  Dump dump(request, *source);
  if (!dump.good())
    return kUserError;
  const Detail detail{.locations = request.locations};
  CompileResult result =
      request.from
          ? compileFrom(*request.from, *source, request.options, compiled, dump.stages(), dump.passes(), detail)
          : compile(*source, request.options, compiled, dump.stages(), dump.passes(), detail);
  if (request.json)
    printJson(result);
  else
    llvm::errs() << result.errors();
  if (!result.kernel || !dump.good())
    return kUserError;
  if (request.timings)
    printTimes(*result.kernel);
  if (until == Stage::Cubin)
    return assemble(request, *result.kernel);
  if (request.json && request.output.empty())
    return kSuccess;
  std::string text = until == Stage::Ptx ? withTextBeside(result.kernel->code, *source) : result.kernel->code;
  return writeText(request.output, text) ? kSuccess : kUserError;
}
