//===- Build.cpp - imbrex build -------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a file from any stage to any later one, machine code included, and keeps the texts between where
// asked to.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/CleanAssembly.h"
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

/// Machine code of `kernel` by ptxas, or of a tuning near it, or why there is none.
static Result<CleanAssembly> assemble(const Request &request, const Source &source, const CompiledKernel &kernel) {
  std::optional<std::string> path = ptxasOf(request);
  if (!path)
    return Error{ErrorKind::Assemble, "no ptxas on PATH; name one with --ptxas, or stop at --until ptx"};
  Result<Assembler> assembler = Assembler::ptxas(*path);
  if (!assembler)
    return assembler.takeError();
  if (!request.from)
    return assembleClean(source, request.options, kernel, *assembler);
  Result<AssembledKernel> code = assembler->assemble(kernel.code, kernel.interface.target);
  if (!code)
    return code.takeError();
  return CleanAssembly{std::move(*code)};
}

/// Says what the assembler made of `kernel`, and writes it; "" or, for a person, what went wrong: that a tune block
/// gives what no assembler makes clean code of is a mistake of the text. What is set by hand is as it is.
static std::string writeCode(const Request &request, const CompiledKernel &kernel, const CleanAssembly &assembled) {
  const AssembledKernel &code = assembled.code;
  llvm::errs() << llvm::formatv("{0} registers, {1} bytes spilled\n", code.registers, code.spilledBytes());
  if (!assembled.tuning.empty()) {
    Tuning taken;
    for (const auto &[name, value] : assembled.replaced.settings)
      taken[name] = kernel.interface.constants.at(name);
    llvm::errs() << settingsText(assembled.replaced.settings) << " of the tune block "
                 << faultsText(assembled.replaced.faults) << ": " << settingsText(taken) << " is taken\n";
  }
  for (const std::string &repair : code.repairs)
    llvm::errs() << repair << "\n";
  if (assembled.isDefault)
    return "kernel '" + kernel.interface.kernel + "' as its tune block has it " + faultsText(faultsOf(code)) +
           ", and no tuning near that is clean: make the tiles smaller, or set parameters by hand to build it so";
  if (request.output.empty())
    return "machine code is not text; say where to write it with -o";
  return writeText(request.output, code.machineCode) ? "" : "'" + request.output + "' cannot be written";
}

/// The stages' times, then those of the passes on MLIR: they lie in cta and nvvm.
static void printTimes(const CompiledKernel &kernel) {
  for (const StageTime &time : kernel.times)
    llvm::errs() << llvm::formatv("{0,-6} {1,8:F1} ms\n", time.name, time.milliseconds);
  for (const StageTime &time : kernel.passes)
    llvm::errs() << llvm::formatv("  {0,-28} {1,8:F2} ms\n", time.name, time.milliseconds);
}

/// What an editor asks: whether all that was asked was done, and what is to be said where. `failure`: what went wrong
/// beside the compilation.
static void printJson(const Request &request, const CompileResult &result, const std::string &failure) {
  static constexpr llvm::StringRef kSeverities[] = {"error", "note", "remark"};
  llvm::json::Array list;
  auto add = [&](llvm::StringRef file, unsigned line, unsigned column, llvm::StringRef severity, llvm::StringRef text) {
    list.push_back(llvm::json::Object{
        {"file", file}, {"line", line}, {"column", column}, {"severity", severity}, {"message", text}});
  };
  for (const Diagnostic &each : result.diagnostics)
    add(each.file, each.line, each.column, kSeverities[unsigned(each.severity)], each.message);
  if (!failure.empty())
    add(request.file, 0, 0, kSeverities[0], llvm::StringRef(failure).rtrim());
  llvm::json::Object object{{"ok", result.kernel && failure.empty()}, {"diagnostics", std::move(list)}};
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

/// Writes what was asked for of a compiled kernel; "" or what went wrong.
static std::string writeResult(const Request &request, const Source &source, const CompiledKernel &kernel,
                               Stage until) {
  if (request.json && request.output.empty())
    return "";
  std::string text = until == Stage::Ptx ? withTextBeside(kernel.code, source) : kernel.code;
  return writeText(request.output, text) ? "" : "'" + request.output + "' cannot be written";
}

/// The end of a build: 0 if it went well.
static int end(const Request &request, const CompileResult &result, const std::string &failure) {
  if (request.json)
    printJson(request, result, failure);
  else if (!failure.empty())
    llvm::errs() << (failure.ends_with("\n") ? "" : "error: ") << failure << (failure.ends_with("\n") ? "" : "\n");
  return result.kernel && failure.empty() ? kSuccess : kUserError;
}

/// Compiles from the stage that was asked for, and writes the texts between where --dump says.
static CompileResult compileAsked(const Request &request, const Source &source, Stage until, Dump &dump) {
  const Detail detail{.locations = request.locations};
  return request.from ? compileFrom(*request.from, source, request.options, until, dump.stages(), dump.passes(), detail)
                      : compile(source, request.options, until, dump.stages(), dump.passes(), detail);
}

/// Of a request whose extents are known.
static int buildComplete(Request request, const Source &source) {
  const Stage until = request.until.value_or(Stage::Ptx);
  constexpr llvm::StringLiteral kNoDump = "not all that --dump asks for could be written";
  Dump dump(request, source);
  if (!dump.good())
    return request.json ? end(request, {}, kNoDump.str()) : kUserError;
  CompileResult result = compileAsked(request, source, std::min(until, Stage::Ptx), dump);
  if (!request.json)
    llvm::errs() << result.errors();
  if (!result.kernel || !dump.good())
    return end(request, result, dump.good() ? "" : kNoDump.str());
  std::optional<Result<CleanAssembly>> assembled;
  if (until == Stage::Cubin)
    assembled.emplace(assemble(request, source, *result.kernel));
  if (assembled && *assembled && !(*assembled)->tuning.empty()) { // the texts are to be those of the code
    for (const auto &[name, value] : (*assembled)->tuning)
      request.options.set[name] = value;
    Dump again(request, source);
    result = compileAsked(request, source, Stage::Ptx, again);
    if (!result.kernel || !again.good())
      return end(request, result, again.good() ? "" : kNoDump.str());
  }
  if (request.timings)
    printTimes(*result.kernel);
  if (!assembled)
    return end(request, result, writeResult(request, source, *result.kernel, until));
  return end(request, result,
             *assembled ? writeCode(request, *result.kernel, **assembled) : assembled->error().render());
}

int tool::build(const Request &asked) {
  std::string whyNot;
  std::optional<Source> source = asked.json ? readSource(asked.file, whyNot) : readSource(asked.file);
  if (!source)
    return asked.json ? end(asked, {}, whyNot) : kUserError;
  const std::optional<Request> complete = withExtents(asked, *source, whyNot);
  if (!complete)
    return end(asked, {}, whyNot);
  return buildComplete(*complete, *source);
}
