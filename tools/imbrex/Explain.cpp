//===- Explain.cpp - imbrex explain ---------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints what the compiler reports of a kernel (KernelReport.h), its remarks, what the assembler says of its registers,
// with what to set where it spills, and the static figures of its loops: of the PTX, and of the machine code where it
// can be disassembled. As text or as JSON.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target.h"
#include "compiler/score/Score.h"
#include "runtime/Assemble.h"
#include "tools/imbrex/CommandLine.h"
#include "tools/imbrex/Disassemble.h"
#include "tools/imbrex/SpillAdvice.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;
namespace json = llvm::json;

namespace {

struct Explanation {
  CompiledKernel kernel;
  std::vector<Diagnostic> remarks;
  std::optional<AssembledKernel> assembled;
  std::optional<SpillAdvice> advice; ///< if it spills
};

} // namespace

static std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t extent : shape)
    text += std::to_string(extent) + "x";
  return text;
}

static void printLaunch(const Explanation &e, llvm::raw_ostream &os) {
  const KernelInterface &interface = e.kernel.interface;
  os << "kernel " << interface.kernel << " for " << interface.target << "\n  parameters   ";
  for (const auto &[name, type] : interface.types)
    os << name << "=" << StringRef(imbrex::name(type)) << " ";
  for (const auto &[name, value] : interface.constants)
    os << name << "=" << value << " ";
  os << llvm::formatv("\n  CTA          {0} warps, {1} bytes of shared memory, at most {2} registers a thread\n",
                      interface.warps, interface.sharedBytes, e.kernel.report.registerLimit);
  if (e.assembled)
    os << llvm::formatv("  registers    {0} a thread, {1} bytes spilled, {2} repairs by the assembler\n",
                        e.assembled->registers, spilledBytes(*e.assembled), e.assembled->repairs.size());
  else
    os << "  registers    unknown: no ptxas found\n";
  if (e.assembled && spilledBytes(*e.assembled) > 0)
    os << "  advice       " << toString(e.advice) << "\n";
}

static void printText(const Explanation &e, llvm::raw_ostream &os) {
  const KernelReport &report = e.kernel.report;
  printLaunch(e, os);
  os << (report.buffers.empty() ? "" : "buffers\n");
  for (const KernelReport::Buffer &each : report.buffers)
    os << llvm::formatv("  {0}: {1} x {2} {3}, {4}-byte swizzle, {5} slot(s) from byte {6}\n",
                        each.holds.empty() ? "between threads" : each.holds, each.rows, each.columns,
                        StringRef(name(each.type)), each.span, each.slots, each.offset);
  os << (report.layouts.empty() ? "" : "layouts\n");
  for (const KernelReport::Layout &each : report.layouts)
    os << llvm::formatv("  {0} {1}{2}: {3}\n", each.operation, shapeText(each.shape), StringRef(name(each.type)),
                        each.layout);
  os << (e.remarks.empty() ? "" : "remarks\n");
  for (const Diagnostic &each : e.remarks)
    os << "  line " << each.line << ": " << each.message << "\n";
  for (const KernelReport::BankConflict &each : report.bankConflicts)
    os << llvm::formatv("bank conflicts of {0} at line {1}: {2} wavefronts too many, {3}\n", each.operation, each.line,
                        each.wavefronts, each.inLoop ? "in a loop" : "once");
  for (const score::KernelScore &each : report.scores)
    score::print(os, each);
}

static json::Value toJson(const KernelReport::Buffer &buffer) {
  return json::Object{{"holds", buffer.holds},     {"rows", buffer.rows},
                      {"columns", buffer.columns}, {"type", StringRef(name(buffer.type))},
                      {"span", buffer.span},       {"slots", buffer.slots},
                      {"offset", buffer.offset},   {"bytes", buffer.bytes}};
}

static json::Value toJson(const KernelReport::Layout &layout) {
  return json::Object{{"operation", layout.operation},
                      {"shape", json::Array(layout.shape)},
                      {"type", StringRef(name(layout.type))},
                      {"layout", layout.layout}};
}

static json::Value toJson(const KernelReport::BankConflict &conflict) {
  return json::Object{{"operation", conflict.operation},
                      {"line", conflict.line},
                      {"wavefronts", conflict.wavefronts},
                      {"in_loop", conflict.inLoop}};
}

static json::Value toJson(const Diagnostic &remark) {
  return json::Object{{"line", remark.line}, {"message", remark.message}};
}

template <typename Element> static json::Array listOf(const std::vector<Element> &elements) {
  json::Array array;
  for (const Element &element : elements)
    array.push_back(toJson(element));
  return array;
}

static void printJson(const Explanation &e, llvm::raw_ostream &os) {
  const KernelReport &report = e.kernel.report;
  json::Array scores;
  for (const score::KernelScore &each : report.scores)
    scores.push_back(score::toJson(each));
  json::Object object{{"kernel", e.kernel.interface.kernel},
                      {"target", e.kernel.interface.target},
                      {"warps", e.kernel.interface.warps},
                      {"shared_bytes", e.kernel.interface.sharedBytes},
                      {"register_limit", report.registerLimit},
                      {"buffers", listOf(report.buffers)},
                      {"layouts", listOf(report.layouts)},
                      {"remarks", listOf(e.remarks)},
                      {"bank_conflicts", listOf(report.bankConflicts)},
                      {"scores", std::move(scores)}};
  if (e.assembled) {
    object["registers"] = e.assembled->registers;
    object["repairs"] = json::Array(e.assembled->repairs);
    object["spilled_bytes"] = spilledBytes(*e.assembled);
    if (e.advice)
      object["advice"] = json::Object{
          {"parameter", e.advice->parameter}, {"value", e.advice->value}, {"spilled_bytes", e.advice->bytes}};
  }
  os << llvm::formatv("{0:2}\n", json::Value(std::move(object)));
}

/// Cycles of a 16 x 8 x 16 product on the target's tensor pipe: sm_90's is twice as fast as the others' (LoopModel.h).
static double productCycles(const std::string &target) {
  constexpr unsigned kHopper = 90;
  return Target::parse(target)->sm == kHopper ? 4 : 8;
}

/// Static figures of the PTX, and with an assembler and a disassembler those of the machine code.
static void addScores(CompiledKernel &kernel, const std::optional<AssembledKernel> &assembled,
                      const std::optional<std::string> &nvdisasm) {
  constexpr unsigned kQuarters = 4; // of an SM
  for (const score::MachineKernel &each : score::readPtx(kernel.code))
    kernel.report.scores.push_back(score::scoreOf(each));
  if (!assembled || !nvdisasm)
    return;
  std::string error;
  std::optional<std::string> listing = score::disassemble(*nvdisasm, assembled->machineCode, error);
  if (!listing) {
    llvm::errs() << "warning: no figures of machine code: " << error << "\n";
    return;
  }
  score::ModelOptions model{.warps = llvm::divideCeil(kernel.interface.warps, kQuarters),
                            .productCycles = productCycles(kernel.interface.target)};
  for (const score::MachineKernel &each : score::readSass(*listing))
    kernel.report.scores.push_back(score::scoreOf(each, model));
}

int tool::explain(const Request &asked) {
  std::optional<Source> source = readSource(asked.file);
  if (!source)
    return kUserError;
  const Request request = withExtents(asked, *source);
  CompileResult result = compile(*source, request.options);
  llvm::errs() << result.errors();
  if (!result.kernel)
    return kUserError;
  Explanation explanation{std::move(*result.kernel), {}, std::nullopt, std::nullopt};
  for (const Diagnostic &diagnostic : result.diagnostics)
    if (diagnostic.severity == Severity::Remark)
      explanation.remarks.push_back(diagnostic);
  CompiledKernel &kernel = explanation.kernel;
  if (std::optional<std::string> ptxas = ptxasOf(request))
    if (Result<Assembler> assembler = Assembler::ptxas(*ptxas))
      if (Result<AssembledKernel> code = assembler->assemble(kernel.code, kernel.interface.target)) {
        explanation.assembled = std::move(*code);
        if (unsigned bytes = spilledBytes(*explanation.assembled))
          explanation.advice = adviseOnSpills(*source, request.options, kernel, *assembler, bytes);
      }
  addScores(kernel, explanation.assembled, nvdisasmOf(request));
  request.json ? printJson(explanation, llvm::outs()) : printText(explanation, llvm::outs());
  return kSuccess;
}
