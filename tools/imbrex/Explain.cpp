//===- Explain.cpp - imbrex explain ---------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints what the compiler reports of a kernel (KernelReport.h), its remarks, and what the assembler says of its
// registers, with what to set where it spills; as text or as JSON.
//
//===----------------------------------------------------------------------===//

#include "runtime/Assemble.h"
#include "tools/imbrex/CommandLine.h"
#include "tools/imbrex/SpillAdvice.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <numeric>

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
  os << "main loop, instructions by pipe\n";
  for (unsigned pipe = 0; pipe < KernelReport::kPipes; ++pipe)
    os << llvm::formatv("  {0,-24} {1,6}\n", StringRef(name(KernelReport::Pipe(pipe))), report.mainLoop[pipe]);
  os << llvm::formatv("  {0,-24} {1,6}\n", "all", std::accumulate(report.mainLoop.begin(), report.mainLoop.end(), 0u));
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
  json::Object loop;
  for (unsigned pipe = 0; pipe < KernelReport::kPipes; ++pipe)
    loop[StringRef(name(KernelReport::Pipe(pipe)))] = report.mainLoop[pipe];
  json::Object object{{"kernel", e.kernel.interface.kernel},
                      {"target", e.kernel.interface.target},
                      {"warps", e.kernel.interface.warps},
                      {"shared_bytes", e.kernel.interface.sharedBytes},
                      {"register_limit", report.registerLimit},
                      {"buffers", listOf(report.buffers)},
                      {"layouts", listOf(report.layouts)},
                      {"remarks", listOf(e.remarks)},
                      {"main_loop", std::move(loop)}};
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

int tool::explain(const Request &request) {
  std::optional<Source> source = readSource(request.file);
  if (!source)
    return kUserError;
  CompileResult result = compile(*source, request.options);
  llvm::errs() << result.errors();
  if (!result.kernel)
    return kUserError;
  Explanation explanation{std::move(*result.kernel), {}, std::nullopt, std::nullopt};
  for (const Diagnostic &diagnostic : result.diagnostics)
    if (diagnostic.severity == Severity::Remark)
      explanation.remarks.push_back(diagnostic);
  const CompiledKernel &kernel = explanation.kernel;
  if (std::optional<std::string> ptxas = ptxasOf(request))
    if (Result<Assembler> assembler = Assembler::ptxas(*ptxas))
      if (Result<AssembledKernel> code = assembler->assemble(kernel.code, kernel.interface.target)) {
        explanation.assembled = std::move(*code);
        if (unsigned bytes = spilledBytes(*explanation.assembled))
          explanation.advice = adviseOnSpills(*source, request.options, kernel, *assembler, bytes);
      }
  request.json ? printJson(explanation, llvm::outs()) : printText(explanation, llvm::outs());
  return kSuccess;
}
