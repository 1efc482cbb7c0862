//===- TuneReport.cpp - What a tuning found, as text ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A report as JSON and line by line. A line of a simulated device says that nothing was measured.
//
//===----------------------------------------------------------------------===//

#include "runtime/Tune.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace imbrex;
namespace json = llvm::json;

std::string_view imbrex::name(TuneOutcome outcome) {
  static constexpr std::string_view kNames[] = {"waiting", "refused", "duplicate", "failed",   "wrong",
                                                "faulted", "hung",    "measured",  "estimated"};
  return kNames[unsigned(outcome)];
}

static std::string textOf(const Tuning &tuning) {
  std::string text;
  for (const auto &[name, value] : tuning)
    text += (text.empty() ? "" : ", ") + name + "=" + std::to_string(value);
  return text.empty() ? "no parameters" : text;
}

std::string TuneReport::lineOf(size_t index) const {
  if (index >= candidates.size())
    return "";
  const TuneCandidate &c = candidates[index];
  std::string text = textOf(c.tuning) + ": ";
  switch (c.outcome) {
  case TuneOutcome::Measured:
    text += llvm::formatv("{0:F3} of the untuned kernel's time (+-{1:F1} %), {2:F4} ms, measured in {3} rounds",
                          c.ratio, 100 * c.uncertainty, c.milliseconds, c.rounds);
    break;
  case TuneOutcome::Estimated:
    text +=
        llvm::formatv("{0:F3} of the untuned kernel's time by the model, not measured ({1:F0} cycles, {2} registers, "
                      "{3} bytes of shared memory)",
                      c.ratio, c.cycles, c.registers, c.sharedBytes);
    break;
  case TuneOutcome::Waiting:
    text += "not tried, time was up";
    break;
  default:
    text += std::string(name(c.outcome)) + ": " + c.why;
  }
  if (simulated && c.outcome != TuneOutcome::Estimated)
    text += " (simulated device, nothing measured)";
  return text;
}

static json::Object toJson(const TuneCandidate &c) {
  json::Object tuning;
  for (const auto &[name, value] : c.tuning)
    tuning[name] = value;
  json::Object object{{"tuning", std::move(tuning)}, {"outcome", llvm::StringRef(name(c.outcome))}};
  if (!c.why.empty())
    object["why"] = c.why;
  if (c.ratio > 0)
    object["ratio"] = c.ratio;
  if (c.outcome == TuneOutcome::Measured) {
    object["milliseconds"] = c.milliseconds;
    object["uncertainty"] = c.uncertainty;
    object["rounds"] = int64_t(c.rounds);
    object["same_bits"] = c.sameBits;
  }
  if (c.cycles > 0) {
    object["model_cycles"] = c.cycles;
    object["registers"] = int64_t(c.registers);
    object["shared_bytes"] = int64_t(c.sharedBytes);
    object["local_bytes"] = int64_t(c.localBytes);
  }
  return object;
}

std::string TuneReport::toJson() const {
  json::Array list;
  for (const TuneCandidate &candidate : candidates)
    list.push_back(::toJson(candidate));
  json::Object object{
      {"kernel", kernel},     {"device", device},   {"simulated", simulated}, {"key", key},
      {"complete", complete}, {"seconds", seconds}, {"best", int64_t(best)},  {"candidates", std::move(list)}};
  return llvm::formatv("{0:2}", json::Value(std::move(object)));
}
