//===- Compiler.cpp - From tile text to PTX -------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stages in order. Each runs in a context of its own compilation, without threads; what MLIR and
// LLVM have to say becomes diagnostics with a place in the user's text.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "compiler/Deadline.h"
#include "compiler/SizeRefusal.h"
#include "compiler/Target.h"
#include "compiler/cta/Passes.h"
#include "compiler/cta/ReportCta.h"
#include "compiler/cta_to_nvvm/LaunchValues.h"
#include "compiler/entry/StageEntry.h"
#include "compiler/frontend/Frontend.h"
#include "compiler/nvvm_to_ptx/EmitPtx.h"
#include "compiler/report/Listing.h"
#include "compiler/report/Program.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

using namespace mlir;
using namespace imbrex;

namespace {

/// Tells of each pass that has run, with its time. Adaptors, which only hold other passes, have no name.
class PassWatch : public PassInstrumentation {
public:
  using Done = std::function<void(llvm::StringRef pass, double milliseconds)>;
  explicit PassWatch(Done done) : done(std::move(done)) {}

  void runBeforePass(Pass *, Operation *) override { begun.push_back(Clock::now()); }
  void runAfterPass(Pass *pass, Operation *) override {
    std::chrono::duration<double, std::milli> elapsed = Clock::now() - begun.pop_back_val();
    if (!pass->getArgument().empty())
      done(pass->getArgument(), elapsed.count());
  }
  void runAfterPassFailed(Pass *pass, Operation *op) override { runAfterPass(pass, op); }

private:
  using Clock = std::chrono::steady_clock;
  Done done;
  SmallVector<Clock::time_point> begun; ///< of passes that run, the innermost last
};

/// One compilation: its context, its diagnostics, its clock.
class Compilation {
public:
  Compilation(const Source &source, const CompileOptions &options, const DumpStage &dump, const DumpPass &dumpPass,
              const Detail &detail)
      : source(source), options(options), dump(dump), dumpPass(dumpPass), detail(detail), deadline(options.budget),
        diagnostics(source), context(makeRegistry(), MLIRContext::Threading::DISABLED),
        handler(&context, [this](mlir::Diagnostic &diagnostic) { report(diagnostic); }) {
    context.loadAllAvailableDialects();
    nameLayouts(context);
    context.printOpOnDiagnostic(false);
    context.registerActionHandler([this](llvm::function_ref<void()> run, const tracing::Action &action) {
      const auto *pass = dyn_cast<PassExecutionAction>(&action);
      bool isLeftOut = pass && this->options.without.contains(std::string_view(pass->getPass().getArgument()));
      if (!pass || (!isLeftOut && !deadline.isOver()))
        run();
    });
  }

  CompileResult fromText(Stage until);
  CompileResult fromStage(Stage from, Stage until);

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registry.insert<tile::TileDialect, cta::CtaDialect, arith::ArithDialect, math::MathDialect, scf::SCFDialect,
                    func::FuncDialect, LLVM::LLVMDialect, NVVM::NVVMDialect>();
    return registry;
  }

  void report(mlir::Diagnostic &diagnostic);
  /// Runs `step`, adds its time to the stage's, dumps the module. False if it failed, or time is up.
  bool runStage(Stage stage, llvm::function_ref<bool()> step);
  bool runPasses(Stage stage, void (*build)(OpPassManager &));
  void passDone(Stage stage, llvm::StringRef pass, double milliseconds);
  /// Runs the stages after `from` up to `until` on `module`.
  bool lower(Stage from, Stage until);
  bool emit();
  bool takePtx(const Target &target);
  void readLaunchShape();
  std::string moduleText();
  CompileResult finish(bool ok, Stage until);

  const Source &source;
  const CompileOptions &options;
  const DumpStage &dump;
  const DumpPass &dumpPass;
  const Detail &detail;
  Deadline deadline;
  imbrex::Diagnostics diagnostics;
  MLIRContext context;
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
  CompiledKernel kernel;
};

} // namespace

/// The innermost place in a file that a location names.
static FileLineColLoc findPlace(Location location) {
  FileLineColLoc place;
  location->walk([&](Location inner) {
    if (!place)
      place = dyn_cast<FileLineColLoc>(inner);
    return place ? WalkResult::interrupt() : WalkResult::advance();
  });
  return place;
}

void Compilation::report(mlir::Diagnostic &diagnostic) {
  auto add = [&](mlir::Diagnostic &each, Severity severity) {
    FileLineColLoc place = findPlace(each.getLocation());
    diagnostics.addAt(severity,
                      place ? Place{place.getFilename().getValue(), place.getLine(), place.getColumn()}
                            : Place{source.name, 0, 0},
                      each.str(), /*ofCaller=*/false, sizeLimitOf(each));
  };
  bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
  add(diagnostic, isError ? Severity::Error : Severity::Remark);
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    add(note, isError ? Severity::Note : Severity::Remark);
}

std::string Compilation::moduleText() {
  std::string text;
  llvm::raw_string_ostream stream(text);
  OpPrintingFlags flags;
  module->print(stream, flags.enableDebugInfo(/*enable=*/detail.locations, /*prettyForm=*/false));
  return text;
}

bool Compilation::runStage(Stage stage, llvm::function_ref<bool()> step) {
  auto begin = std::chrono::steady_clock::now();
  bool ok = !deadline.isOver() && step();
  if (deadline.isOver() && !diagnostics.hasErrors())
    diagnostics.errorWithoutPlace("compilation stopped in stage '" + std::string(info(stage).name) +
                                  "': " + deadline.reason());
  std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - begin;
  kernel.times.push_back({std::string(info(stage).name), elapsed.count()});
  kernel.stage = stage;
  if (ok && dump && !diagnostics.hasErrors())
    dump(stage, stage == Stage::Ptx ? kernel.code : moduleText());
  if (ok && detail.explain && stage == Stage::Tile && !diagnostics.hasErrors())
    kernel.report.types = typesOf(*module, kernel.report.texts);
  if (ok && detail.explain && stage < Stage::Ptx && !diagnostics.hasErrors())
    kernel.report.listings.push_back(listingOf(*module, stage, kernel.report.texts));
  return ok && !diagnostics.hasErrors();
}

void Compilation::passDone(Stage stage, llvm::StringRef pass, double milliseconds) {
  kernel.passes.push_back({pass.str(), milliseconds});
  if (dumpPass)
    dumpPass(stage, pass, moduleText());
}

bool Compilation::runPasses(Stage stage, void (*build)(OpPassManager &)) {
  PassManager passes(&context);
  passes.addInstrumentation(std::make_unique<PassWatch>(
      [this, stage](llvm::StringRef pass, double milliseconds) { passDone(stage, pass, milliseconds); }));
  build(passes);
  return succeeded(passes.run(*module));
}

bool Compilation::emit() {
  std::optional<Target> target = Target::parse(options.target);
  std::optional<std::string> ptx = emitPtx(*module, *target, options.debugLines, deadline);
  if (ptx)
    kernel.code = std::move(*ptx);
  return ptx.has_value();
}

bool Compilation::takePtx(const Target &target) {
  std::optional<std::string> entry = readPtxEntry(source, target, diagnostics);
  kernel.code = source.text;
  kernel.interface.entry = entry.value_or("");
  kernel.interface.target = options.target;
  return entry.has_value();
}

/// Entry, launch values, warps and shared bytes as the passes settled them; what the report says of stage cta.
void Compilation::readLaunchShape() {
  for (Operation &op : *module->getBody()) {
    if (tile::RequestAttr request = tile::requestOf(&op))
      kernel.interface.warps = request.getWarps();
    if (cta::LaunchAttr launch = cta::launchOf(&op)) {
      kernel.interface.warps = launch.getWarps();
      kernel.interface.sharedBytes = launch.getShared();
      kernel.interface.entry = cast<SymbolOpInterface>(op).getName().str();
    }
    auto function = dyn_cast<func::FuncOp>(op);
    if (function)
      kernel.interface.launchValues = launchValuesOf(function);
    if (function && cta::launchOf(function))
      reportCta(function, kernel.report);
    if (function && cta::launchOf(function) && detail.explain)
      reportProgram(function, kernel.interface, kernel.report);
  }
  kernel.interface.target = options.target;
}

bool Compilation::lower(Stage from, Stage until) {
  if (from < Stage::Cta && until >= Stage::Cta &&
      !runStage(Stage::Cta, [&] { return runPasses(Stage::Cta, buildCtaPipeline); }))
    return false;
  readLaunchShape();
  if (from < Stage::Nvvm && until >= Stage::Nvvm &&
      !runStage(Stage::Nvvm, [&] { return runPasses(Stage::Nvvm, buildNvvmPipeline); }))
    return false;
  return until < Stage::Ptx || runStage(Stage::Ptx, [&] { return emit(); });
}

CompileResult Compilation::finish(bool ok, Stage until) {
  CompileResult result;
  if (!ok && !diagnostics.hasErrors())
    diagnostics.errorWithoutPlace("the compiler failed without saying why; please report this kernel");
  if (!diagnostics.hasErrors()) {
    if (until != Stage::Ptx)
      kernel.code = moduleText();
    result.kernel = std::move(kernel);
  }
  result.isOutOfMemory = !result.kernel && deadline.isShort();
  result.diagnostics = diagnostics.take();
  return result;
}

/// Checks what no stage can: the target, and how far to go.
static bool checkRequest(const CompileOptions &options, Stage until, imbrex::Diagnostics &diagnostics) {
  if (!Target::parse(options.target)) {
    std::string known;
    for (std::string_view name : Target::names())
      known += (known.empty() ? "" : ", ") + std::string(name);
    diagnostics.errorWithoutPlace("unknown target '" + options.target + "'; known targets: " + known);
    return false;
  }
  for (const std::string &name : options.without)
    if (!llvm::is_contained(optionalPasses(), name)) {
      diagnostics.errorWithoutPlace("no pass '" + name +
                                    "' can be left out; those that can: " + llvm::join(optionalPasses(), ", "));
      return false;
    }
  if (until > Stage::Ptx) {
    diagnostics.errorWithoutPlace("the compiler goes as far as 'ptx'; machine code is made by the runtime");
    return false;
  }
  return true;
}

CompileResult Compilation::fromText(Stage until) {
  if (!checkRequest(options, until, diagnostics))
    return finish(false, until);
  bool ok = runStage(Stage::Tile, [&] {
    std::unique_ptr<ast::File> file = parseFile(source, diagnostics);
    if (diagnostics.hasErrors())
      return false;
    module = emitTile(*file, options, *Target::parse(options.target), context, kernel.interface, diagnostics);
    return module && !diagnostics.hasErrors();
  });
  return finish(ok && lower(Stage::Tile, until), until);
}

CompileResult Compilation::fromStage(Stage from, Stage until) {
  if (!checkRequest(options, until, diagnostics))
    return finish(false, until);
  if (from > Stage::Ptx || from > until) {
    diagnostics.errorWithoutPlace("cannot go from '" + std::string(info(from).name) + "' to '" +
                                  std::string(info(until).name) + "'");
    return finish(false, until);
  }
  Target target = *Target::parse(options.target);
  if (from == Stage::Ptx)
    return finish(runStage(Stage::Ptx, [&] { return takePtx(target); }), until);
  module = readStage(from, source, target, context);
  return finish(module && !diagnostics.hasErrors() && lower(from, until), until);
}

std::string CompileResult::errors() const {
  std::string text;
  for (const imbrex::Diagnostic &diagnostic : diagnostics)
    if (diagnostic.severity != Severity::Remark)
      text += diagnostic.render();
  return text;
}

SizeLimit CompileResult::limit() const {
  for (const imbrex::Diagnostic &diagnostic : diagnostics)
    if (diagnostic.severity == Severity::Error)
      return diagnostic.limit;
  return SizeLimit::None;
}

CompileResult imbrex::compile(const Source &source, const CompileOptions &options, Stage until, const DumpStage &dump,
                              const DumpPass &dumpPass, const Detail &detail) {
  return Compilation(source, options, dump, dumpPass, detail).fromText(until);
}

CompileResult imbrex::compileFrom(Stage from, const Source &source, const CompileOptions &options, Stage until,
                                  const DumpStage &dump, const DumpPass &dumpPass, const Detail &detail) {
  return Compilation(source, options, dump, dumpPass, detail).fromStage(from, until);
}

Description imbrex::describe(const Source &source, const CompileOptions &options) {
  imbrex::Diagnostics diagnostics(source);
  Description description;
  std::unique_ptr<ast::File> file = parseFile(source, diagnostics);
  if (!diagnostics.hasErrors())
    description.kernels = describeKernels(*file, options, diagnostics);
  description.diagnostics = diagnostics.take();
  return description;
}
