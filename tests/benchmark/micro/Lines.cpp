//===- Lines.cpp - What micro-benchmarks print ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JSON by hand: a dozen fields.
//
//===----------------------------------------------------------------------===//

#include "tests/benchmark/micro/Lines.h"
#include <algorithm>
#include <cstdio>
#include <ctime>

using namespace imbrex;
using namespace imbrex::micro;

static std::string quoted(const std::string &text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

static std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string micro::timeNow() {
  char text[32];
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string micro::deviceObject(const DeviceInfo &info, const std::string &clockNote) {
  std::string out = "{\"id\":" + quoted(info.id) + ",\"name\":" + quoted(info.name) +
                    ",\"simulated\":" + (info.simulated ? "true" : "false") + ",\"compute_capability\":\"" +
                    std::to_string(info.major) + "." + std::to_string(info.minor) + "\",\"driver\":\"" +
                    std::to_string(info.driverVersion / 1000) + "." + std::to_string(info.driverVersion % 1000 / 10) +
                    "\",\"multiprocessors\":" + std::to_string(info.multiprocessors);
  if (!info.simulated && info.clockKiloHertz)
    out += ",\"sm_clock_max_mhz\":" + std::to_string(info.clockKiloHertz / 1000);
  if (!clockNote.empty())
    out += ",\"clock_note\":" + quoted(clockNote);
  return out + "}";
}

/// "median":..,"low":..,"high":..,"rounds":.. of cycles; null where there are none.
static std::string spread(const std::vector<double> &cycles) {
  if (cycles.empty())
    return "\"median\":null,\"low\":null,\"high\":null,\"rounds\":0";
  auto [low, high] = std::minmax_element(cycles.begin(), cycles.end());
  return "\"median\":" + number(median(cycles)) + ",\"low\":" + number(*low) + ",\"high\":" + number(*high) +
         ",\"rounds\":" + std::to_string(cycles.size());
}

std::string micro::jsonLine(const Origin &origin, const std::string &experiment, const Variant &variant,
                            const Measurement &measured, const std::string &failure) {
  std::string shape;
  for (const auto &[name, value] : variant.shape)
    shape += (shape.empty() ? "" : ",") + quoted(name) + ":" + std::to_string(value);
  bool right = failure.empty() && measured.wrong.empty(), timed = right && !measured.cycles.empty();
  std::string out =
      "{\"schema\":1,\"run\":" + quoted(origin.run) + ",\"kind\":\"micro\",\"kernel\":" + quoted(experiment) +
      ",\"implementation\":\"hardware\",\"variant\":" + quoted(variant.name) + ",\"shape\":{" + shape +
      "},\"device\":" + origin.device + ",\"commit\":" + quoted(origin.commit) + ",\"date\":" + quoted(timeNow()) +
      ",\"unit\":\"cycles\"," + spread(timed ? measured.cycles : std::vector<double>()) +
      ",\"checked\":" + (right ? "true" : "false");
  if (timed)
    out += ",\"rate\":{\"unit\":" + quoted(variant.rateUnit) + ",\"value\":" + number(measured.rate) + "}";
  std::string note = measured.wrong.empty() ? measured.note : measured.wrong;
  if (!failure.empty())
    out += ",\"failure\":" + quoted(failure);
  else if (!note.empty())
    out += ",\"note\":" + quoted(note);
  return out + "}";
}

std::string micro::tableRow(const Origin &origin, const Variant &variant, const Measurement &measured,
                            const std::string &failure) {
  std::string row = "  " + variant.name;
  row.resize(std::max<size_t>(row.size() + 1, 44), ' ');
  if (!failure.empty())
    return row + failure;
  if (!measured.wrong.empty())
    return row + "WRONG RESULT: " + measured.wrong;
  if (measured.cycles.empty())
    return row + "result right; nothing measured";
  auto [low, high] = std::minmax_element(measured.cycles.begin(), measured.cycles.end());
  char text[160];
  std::snprintf(text, sizeof text, "%10.1f cycles a pass (%.1f to %.1f)  %8.3f %s", median(measured.cycles), *low,
                *high, measured.rate, variant.rateUnit.c_str());
  return row + text + (measured.note.empty() ? "" : "  " + measured.note);
}
