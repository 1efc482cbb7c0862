//===- ExplanationJson.cpp - An explanation as JSON -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The schema is that of `imbrex explain --json`; lines are of the kernel's text, positions count operations of stage
// cta.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/Score.h"
#include "tools/imbrex/Explanation.h"

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;
namespace json = llvm::json;

static json::Value toJson(const KernelReport::Buffer &buffer) {
  static constexpr StringRef kKinds[] = {"write", "read", "copy", "arrival"};
  json::Array uses;
  for (const KernelReport::BufferUse &use : buffer.uses)
    uses.push_back(json::Array{kKinds[use.kind], use.position, use.line});
  return json::Object{{"holds", buffer.holds},     {"rows", buffer.rows},
                      {"columns", buffer.columns}, {"type", StringRef(name(buffer.type))},
                      {"span", buffer.span},       {"slots", buffer.slots},
                      {"offset", buffer.offset},   {"bytes", buffer.bytes},
                      {"uses", std::move(uses)}};
}

static json::Value toJson(const KernelReport::LoopRange &range) {
  return json::Object{
      {"line", range.line},  {"depth", range.depth}, {"first", range.first}, {"last", range.last},
      {"from", range.from},  {"to", range.to},       {"step", range.step},   {"where", json::Array(range.where)},
      {"tests", range.tests}};
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

static json::Value toJson(const StorageCost &cost) {
  return json::Object{
      {"view", cost.view}, {"storage", cost.storage}, {"instructions", cost.instructions}, {"dense", cost.dense}};
}

static json::Value toJson(const Diagnostic &remark) {
  return json::Object{{"line", remark.line}, {"message", remark.message}};
}

static json::Object faultsJson(const TuningFaults &each) {
  json::Object settings;
  for (const auto &[name, value] : each.settings)
    settings[name] = value;
  return json::Object{{"settings", std::move(settings)},
                      {"spilled_bytes", each.faults.spilledBytes},
                      {"repairs", int64_t(each.faults.repairs)}};
}

template <typename Element> static json::Array listOf(const std::vector<Element> &elements) {
  json::Array array;
  for (const Element &element : elements)
    array.push_back(toJson(element));
  return array;
}

json::Object tool::toJson(const Explanation &e) {
  const KernelReport &report = e.kernel.report;
  json::Array scores;
  for (const score::KernelScore &each : report.scores)
    scores.push_back(score::toJson(each));
  json::Object settings;
  for (const auto &[name, type] : e.kernel.interface.types)
    settings[name] = StringRef(imbrex::name(type));
  for (const auto &[name, value] : e.kernel.interface.constants)
    settings[name] = value;
  json::Object object{{"kernel", e.kernel.interface.kernel},
                      {"target", e.kernel.interface.target},
                      {"warps", e.kernel.interface.warps},
                      {"shared_bytes", e.kernel.interface.sharedBytes},
                      {"register_limit", report.registerLimit},
                      {"compute_warps", report.computeWarps},
                      {"compute_registers", report.computeRegisters},
                      {"settings", std::move(settings)},
                      {"operations", report.operations},
                      {"ranges", listOf(report.ranges)},
                      {"buffers", listOf(report.buffers)},
                      {"layouts", listOf(report.layouts)},
                      {"storages", listOf(e.storageCosts)},
                      {"remarks", listOf(e.remarks)},
                      {"bank_conflicts", listOf(report.bankConflicts)},
                      {"scores", std::move(scores)}};
  if (e.assembled) {
    const AssembledKernel &code = e.assembled->code;
    object["registers"] = code.registers;
    if (code.ceiling)
      object["register_ceiling"] = code.ceiling;
    object["repairs"] = json::Array(code.repairs);
    object["spilled_bytes"] = code.spilledBytes();
    if (!e.assembled->tuning.empty())
      object["replaced"] = faultsJson(e.assembled->replaced);
    if (e.assembled->advice)
      object["advice"] = faultsJson(*e.assembled->advice);
  }
  if (e.occupancy)
    object["occupancy"] = json::Object{{"device", e.device->id},
                                       {"ctas", e.occupancy->ctas},
                                       {"warps", e.occupancy->warps},
                                       {"most_warps", e.occupancy->most},
                                       {"by_warps", e.occupancy->byWarps},
                                       {"by_registers", e.occupancy->byRegisters},
                                       {"by_shared", e.occupancy->byShared}};
  if (std::optional<int64_t> instances = instancesOf(e))
    object["instances"] = *instances;
  return object;
}
