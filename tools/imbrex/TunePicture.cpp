//===- TunePicture.cpp - A tuning run as a picture ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One bar a candidate, as high as its ratio up to a bound; what a pointer rests on tells its line.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/TunePicture.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <map>

using namespace imbrex;
using namespace imbrex::tool;

static constexpr double kWidth = 960, kHeight = 320, kLeft = 60, kTop = 50, kHighest = 3;
static constexpr unsigned kLine = 18;

static std::string escaped(const std::string &text) {
  std::string result;
  llvm::raw_string_ostream os(result);
  llvm::printHTMLEscaped(text, os);
  return result;
}

static std::vector<size_t> byRatio(const TuneReport &report) {
  std::vector<size_t> list;
  for (size_t i = 0; i < report.candidates.size(); ++i)
    if (report.candidates[i].ratio > 0)
      list.push_back(i);
  llvm::sort(list, [&](size_t a, size_t b) {
    return std::pair(report.candidates[a].ratio, a) < std::pair(report.candidates[b].ratio, b);
  });
  return list;
}

/// A sentence without its numbers, so that refusals of one kind are counted together.
static std::string kindOf(const std::string &why) {
  std::string kind;
  for (char c : why)
    if (!llvm::isDigit(c))
      kind += c;
    else if (kind.empty() || kind.back() != '#')
      kind += '#';
  return kind;
}

static void drawBars(llvm::raw_ostream &os, const TuneReport &report) {
  const std::vector<size_t> order = byRatio(report);
  double step = kWidth / double(std::max<size_t>(1, order.size()));
  auto top = [](double ratio) { return kTop + kHeight * (1 - std::min(ratio, kHighest) / kHighest); };
  for (size_t place = 0; place < order.size(); ++place) {
    const TuneCandidate &candidate = report.candidates[order[place]];
    const char *color = order[place] == report.best ? "#1a7f37" : order[place] == 0 ? "#bf8700" : "#6e8bb0";
    os << llvm::formatv("<rect x=\"{0:F1}\" y=\"{1:F1}\" width=\"{2:F2}\" height=\"{3:F1}\" fill=\"{4}\"><title>{5}"
                        "</title></rect>\n",
                        kLeft + step * double(place), top(candidate.ratio), std::max(0.5, 0.9 * step),
                        kTop + kHeight - top(candidate.ratio), color, escaped(report.lineOf(order[place])));
  }
  for (double ratio : {0.5, 1.0, 2.0, 3.0})
    os << llvm::formatv(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:F1}\" y2=\"{2:F1}\" stroke=\"#999\" stroke-dasharray=\"4\"/>"
        "<text x=\"8\" y=\"{3:F1}\">{4:F1}</text>\n",
        kLeft, kLeft + kWidth, top(ratio), top(ratio) + 4, ratio);
}

std::string tool::tunePicture(const TuneReport &report) {
  std::map<std::string, size_t> refused;
  for (const TuneCandidate &candidate : report.candidates)
    if (!candidate.why.empty())
      ++refused[std::string(name(candidate.outcome)) + ": " + kindOf(candidate.why)];
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::formatv(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n",
      kLeft + kWidth + 20, kTop + kHeight + 40 + kLine * double(refused.size() + 2));
  os << "<text x=\"8\" y=\"20\" font-size=\"15\">"
     << escaped(report.kernel + " on " + report.device + ", " + report.key + ": time over the untuned kernel's, " +
                (report.simulated ? "by the model, not measured" : "measured"))
     << "</text>\n";
  drawBars(os, report);
  double y = kTop + kHeight + 24;
  os << llvm::formatv("<text x=\"8\" y=\"{0}\">best (green): {1}</text>\n", y, escaped(report.lineOf(report.best)));
  os << llvm::formatv("<text x=\"8\" y=\"{0}\">untuned (yellow): {1}</text>\n", y += kLine, escaped(report.lineOf(0)));
  for (const auto &[why, count] : refused)
    os << llvm::formatv("<text x=\"8\" y=\"{0}\">{1} {2}</text>\n", y += kLine, count, escaped(why));
  os << "</svg>\n";
  return text;
}
