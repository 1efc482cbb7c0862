//===- Explain.cpp - imbrex explain ---------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints what the compiler reports of a kernel (KernelReport.h), its remarks, what the assembler says of its registers,
// with what to set where it spills, and the static figures of its loops: of the PTX, and of the machine code where it
// can be disassembled. As text, as JSON, or as a page.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/Score.h"
#include "tools/imbrex/Against.h"
#include "tools/imbrex/Explanation.h"
#include "tools/imbrex/page/Page.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;
namespace json = llvm::json;

static std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t extent : shape)
    text += std::to_string(extent) + "x";
  return text;
}

/// What the assembler made of it, and what was done or is to be done where that is not good.
static void printAssembly(const Explanation &e, llvm::raw_ostream &os) {
  if (!e.assembled) {
    os << "  registers    unknown: no ptxas found\n";
    return;
  }
  const CleanAssembly &assembled = *e.assembled;
  os << llvm::formatv("  registers    {0} a thread, {1} bytes spilled, {2} repairs by the assembler\n",
                      assembled.code.registers, assembled.code.spilledBytes(), assembled.code.repairs.size());
  if (assembled.code.ceiling)
    os << llvm::formatv("  ceiling      {0} registers: with all, more is spilled\n", assembled.code.ceiling);
  if (!assembled.tuning.empty())
    os << "  replaced     " << settingsText(assembled.replaced.settings) << " of the tune block "
       << faultsText(assembled.replaced.faults) << "\n";
  if (assembled.advice)
    os << "  advice       " << settingsText(assembled.advice->settings) << " " << faultsText(assembled.advice->faults)
       << "\n";
  else if (faultsOf(assembled.code).any())
    os << "  advice       no tuning near this one is better: make the tiles smaller\n";
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
  if (unsigned compute = e.kernel.report.computeWarps)
    os << llvm::formatv("  roles        {0} warps compute, with {1} registers a thread; {2} copy\n", compute,
                        e.kernel.report.computeRegisters, interface.warps - compute);
  printAssembly(e, os);
  if (const std::optional<Occupancy> &o = e.occupancy)
    os << llvm::formatv("  occupancy    {0} CTA(s) an SM, {1} of {2} warps, on {3}\n", o->ctas, o->warps, o->most,
                        e.device->id);
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
  os << (report.ranges.empty() ? "" : "loops\n");
  for (const KernelReport::LoopRange &each : report.ranges) {
    os << llvm::formatv("  line {0}: {1} .. {2}{3}\n", each.line, each.from, each.to,
                        each.tests ? ", with tests of positions" : "");
    for (const std::string &shared : each.where)
      os << "    " << shared << "\n";
  }
  os << (e.storageCosts.empty() ? "" : "storages\n");
  for (const StorageCost &each : e.storageCosts)
    os << llvm::formatv("  {0} is {1}: {2} instructions a pass of the hottest loop, {3} if it were dense\n", each.view,
                        each.storage, each.instructions, each.dense);
  os << (e.remarks.empty() ? "" : "remarks\n");
  for (const Diagnostic &each : e.remarks)
    os << "  line " << each.line << ": " << each.message << "\n";
  for (const KernelReport::BankConflict &each : report.bankConflicts)
    os << llvm::formatv("bank conflicts of {0} at line {1}: {2} wavefronts too many, {3}\n", each.operation, each.line,
                        each.wavefronts, each.inLoop ? "in a loop" : "once");
  for (const score::KernelScore &each : report.scores)
    score::print(os, each);
}

/// The page's data with what was asked to stand in it; nullopt after printing why it cannot.
static std::optional<json::Object> dataFor(const Explanation &explanation, const Request &request) {
  json::Object data = pageData(explanation);
  if (!request.tuning.empty()) {
    std::optional<json::Value> tuning = readTuning(request.tuning);
    if (!tuning)
      return std::nullopt;
    data["tuning"] = std::move(*tuning);
  }
  if (request.against.empty())
    return data;
  std::optional<json::Object> other = otherData(request);
  if (!other)
    return std::nullopt;
  json::Object comparison = compare(data, *other, llvm::join(request.against, " "));
  data["against"] = std::move(comparison);
  return data;
}

int tool::explain(const Request &request) {
  bool isLong = !request.html.empty() || !request.against.empty();
  std::optional<Explanation> explanation = explainKernel(request, {.page = isLong});
  if (!explanation)
    return kUserError;
  if (!isLong) {
    if (request.json)
      llvm::outs() << llvm::formatv("{0:2}\n", json::Value(toJson(*explanation)));
    else
      printText(*explanation, llvm::outs());
    return kSuccess;
  }
  std::optional<json::Object> data = dataFor(*explanation, request);
  if (!data)
    return kUserError;
  if (const json::Object *comparison = data->getObject("against"); comparison && request.json)
    llvm::outs() << llvm::formatv("{0:2}\n", json::Value(json::Object(*comparison)));
  else if (comparison)
    printComparison(*comparison, llvm::outs());
  return request.html.empty() || writeText(request.html, pageOf(std::move(*data))) ? kSuccess : kUserError;
}
