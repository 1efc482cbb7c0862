//===- Explanation.cpp - All that can be told of a kernel -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compile, assemble, disassemble, count: each step only where the one before it gave something.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/Explanation.h"
#include "compiler/Target.h"
#include "compiler/score/Pressure.h"
#include "compiler/score/Score.h"
#include "runtime/Runtime.h"
#include "tools/imbrex/Disassemble.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;

/// Cycles of a 16 x 8 x 16 product on the target's tensor pipe: sm_90's is twice as fast as the others' (LoopModel.h).
static double productCycles(const std::string &target) {
  constexpr unsigned kHopper = 90;
  return Target::parse(target)->sm == kHopper ? 4 : 8;
}

/// Compiles `e.source` with `e.options`. False after printing why that is not possible.
static bool compileFor(Explanation &e) {
  CompileResult result = compile(e.source, e.options, Stage::Ptx, {}, {}, {.explain = true});
  llvm::errs() << result.errors();
  if (!result.kernel)
    return false;
  e.kernel = std::move(*result.kernel);
  e.remarks.clear();
  for (const Diagnostic &diagnostic : result.diagnostics)
    if (diagnostic.severity == Severity::Remark)
      e.remarks.push_back(diagnostic);
  return true;
}

/// Where the assembler's code is of another tuning, that is the kernel from then on. False as compileFor().
static bool assemble(Explanation &e, const Request &request, const ExplainDetail &detail) {
  std::optional<std::string> ptxas = ptxasOf(request);
  if (!ptxas)
    return true;
  Result<Assembler> assembler = Assembler::ptxas(*ptxas);
  if (!assembler)
    return true;
  Result<CleanAssembly> code = assembleClean(e.source, e.options, e.kernel, *assembler, detail.page);
  if (!code)
    return true;
  e.assembled = std::move(*code);
  for (const auto &[name, value] : e.assembled->tuning)
    e.options.set[name] = value;
  return e.assembled->tuning.empty() || compileFor(e);
}

/// How the loops of this kernel are modelled.
static score::ModelOptions modelOptions(const Explanation &e) {
  constexpr unsigned kQuarters = 4; // of an SM
  const KernelReport &report = e.kernel.report;
  unsigned warps = report.computeWarps ? report.computeWarps : e.kernel.interface.warps;
  score::ModelOptions options{.warps = unsigned(llvm::divideCeil(warps, kQuarters)),
                              .productCycles = productCycles(e.kernel.interface.target),
                              .timeline = true};
  for (const KernelReport::Buffer &buffer : report.buffers)
    if (buffer.barriers >= 0)
      options.rings.push_back({buffer.holds, buffer.barriers, buffer.slots, buffer.bytes / buffer.slots});
  return options;
}

/// Static figures of the PTX, and with an assembler and a disassembler those of the machine code.
static void addScores(Explanation &e, const Request &request, const ExplainDetail &detail) {
  std::vector<score::KernelScore> &scores = e.kernel.report.scores;
  for (score::MachineKernel &each : score::readPtx(e.kernel.code)) {
    scores.push_back(score::scoreOf(each));
    e.ptx = std::move(each);
  }
  std::optional<std::string> nvdisasm = nvdisasmOf(request);
  if (!e.assembled || !nvdisasm)
    return;
  std::string error;
  std::optional<std::string> listing = score::disassemble(*nvdisasm, e.assembled->code.machineCode, error);
  if (!listing) {
    llvm::errs() << "warning: no figures of machine code: " << error << "\n";
    return;
  }
  const score::ModelOptions model = modelOptions(e);
  for (score::MachineKernel &each : score::readSass(*listing)) {
    scores.push_back(score::scoreOf(each, model));
    e.machine = std::move(each);
  }
  e.machineListing = std::move(*listing);
}

/// What a pass of the hottest loop with products executes, else of the hottest, else all.
static int64_t hotInstructions(const std::string &ptx) {
  int64_t most = 0;
  for (score::MachineKernel &each : score::readPtx(ptx)) {
    const score::KernelScore found = score::scoreOf(each);
    auto loop = llvm::find_if(found.loops, [](const score::LoopScore &loop) { return loop.flops != 0; });
    if (loop == found.loops.end())
      loop = found.loops.begin();
    most = std::max<int64_t>(most, loop == found.loops.end() ? found.instructions : loop->hot);
  }
  return most;
}

/// Compiles once for each view that is not dense, as if it were.
static void addStorageCosts(Explanation &e) {
  for (const auto &[view, storage] : e.options.storage) {
    CompileOptions options = e.options;
    options.storage.erase(view);
    CompileResult result = compile(e.source, options, Stage::Ptx);
    if (result.kernel)
      e.storageCosts.push_back(
          {view, storage.text(), hotInstructions(e.kernel.code), hotInstructions(result.kernel->code)});
  }
}

/// The device of --device, else the first that runs the kernel's code as it is. False after printing that there is no
/// such device.
static bool chooseDevice(Explanation &e, const Request &request) {
  std::optional<Target> target = Target::parse(e.kernel.interface.target);
  std::string known;
  for (const DeviceInfo &device : listDevices()) {
    bool isAsked = device.id == request.device || device.id == "sim:" + request.device;
    bool isSame = target && device.major * 10 + device.minor == target->sm;
    if (!e.device && (request.device.empty() ? isSame : isAsked))
      e.device = device;
    known += (known.empty() ? "" : ", ") + device.id;
  }
  if (!e.device && !request.device.empty()) {
    llvm::errs() << "error: no device '" << request.device << "'; there are " << known << "\n";
    return false;
  }
  if (!e.device)
    return true;
  unsigned registers = e.assembled ? e.assembled->code.registers
                                   : std::min(score::registerPressure(e.ptx), e.kernel.report.registerLimit);
  e.occupancy =
      occupancy(e.kernel.interface, {e.device->multiprocessors, e.device->sharedBytesPerMultiprocessor}, registers);
  return true;
}

std::optional<Explanation> tool::explainKernel(const Request &asked, const ExplainDetail &detail) {
  std::optional<Source> source = readSource(asked.file);
  if (!source)
    return std::nullopt;
  const std::optional<Request> complete = withExtents(asked, *source);
  if (!complete)
    return std::nullopt;
  const Request &request = *complete;
  Explanation e;
  e.source = std::move(*source);
  e.options = request.options;
  e.extents = request.extents;
  if (!compileFor(e) || !assemble(e, request, detail))
    return std::nullopt;
  addStorageCosts(e);
  addScores(e, request, detail);
  if (!chooseDevice(e, request))
    return std::nullopt;
  return e;
}

std::optional<int64_t> tool::instancesOf(const Explanation &e) {
  std::map<std::string, int64_t, std::less<>> values = e.extents;
  for (const auto &[name, value] : e.kernel.interface.constants)
    values.emplace(name, value);
  int64_t instances = 1;
  for (const Expression &extent : e.kernel.interface.grid) {
    std::optional<int64_t> value = extent.evaluate(values);
    if (!value)
      return std::nullopt;
    instances *= *value;
  }
  return instances;
}

std::optional<llvm::json::Value> tool::readTuning(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    llvm::errs() << path << ": error: " << buffer.getError().message() << "\n";
    return std::nullopt;
  }
  llvm::Expected<llvm::json::Value> value = llvm::json::parse((*buffer)->getBuffer());
  const llvm::json::Object *object = value ? value->getAsObject() : nullptr;
  if (!value)
    llvm::consumeError(value.takeError());
  if (object && object->getArray("candidates"))
    return *value;
  llvm::errs() << path << ": error: expected what 'imbrex tune --json' prints, with its list of candidates\n";
  return std::nullopt;
}
