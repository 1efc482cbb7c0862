//===- TunePicture.cpp - A tuning run as a picture ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One bar a candidate, as high as its ratio up to a bound; what a pointer rests on tells its line. Below: the best, the
// untuned, how many were not tried, and how many were refused for what.
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

static constexpr double kWidth = 960, kHeight = 320, kLeft = 60, kTop = 66, kHighest = 3;
static constexpr unsigned kLine = 18;
static constexpr size_t kMostLetters = 160; ///< of a line: what is longer is cut, and whole under a pointer

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
        "<text x=\"8\" y=\"{3:F1}\" font-size=\"12\">{4:F1}</text>\n",
        kLeft, kLeft + kWidth, top(ratio), top(ratio) + 4, ratio);
}

namespace {
/// Lines of text, downwards.
class Lines {
public:
  Lines(llvm::raw_ostream &os, double y) : os(os), y(y) {}

  void add(const std::string &text, unsigned size = 12) {
    std::string shown = text.size() > kMostLetters ? text.substr(0, kMostLetters - 3) + "..." : text;
    os << llvm::formatv("<text x=\"8\" y=\"{0}\" font-size=\"{1}\">{2}<title>{3}</title></text>\n", y, size,
                        escaped(shown), escaped(text));
    y += kLine;
  }

private:
  llvm::raw_ostream &os;
  double y;
};
} // namespace

std::string tool::tunePicture(const TuneReport &report) {
  std::map<std::string, size_t> refused;
  size_t waiting = 0;
  for (const TuneCandidate &candidate : report.candidates) {
    waiting += candidate.outcome == TuneOutcome::Waiting;
    if (!candidate.why.empty())
      ++refused[std::string(name(candidate.outcome)) + ": " + kindOf(candidate.why)];
  }
  const double width = kLeft + kWidth + 20;
  const double height = kTop + kHeight + 40 + kLine * double(refused.size() + 2 + (waiting != 0));
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
                      "font-family=\"sans-serif\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
                      width, height);
  Lines head(os, 20);
  head.add(report.kernel + " on " + report.device, 15);
  head.add("time over the untuned kernel's, " +
           std::string(report.simulated ? "by the model, not measured" : "measured") + ", up to 3: " + report.key);
  drawBars(os, report);
  Lines below(os, kTop + kHeight + 24);
  below.add("best (green): " + report.lineOf(report.best));
  below.add("untuned (yellow): " + report.lineOf(0));
  if (waiting)
    below.add(std::to_string(waiting) + " not tried: time was up");
  for (const auto &[why, count] : refused)
    below.add(std::to_string(count) + " " + why);
  os << "</svg>\n";
  return text;
}
