//===- Mask.cpp - imbrex mask ---------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a binding of a mask shows, tile by tile: all of a tile, a part of it, or nothing. The truth is the reference
// interpreter's: a kernel that stores the mask is put behind the file's own text and run for the lengths that are
// asked.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Reference.h"
#include "tools/imbrex/CellPicture.h"
#include "tools/imbrex/CommandLine.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;

namespace {

struct MaskQuestion {
  std::string hook = "mask", binding = "as the file has it";
  int64_t queries = 0, keys = 0, rows = 0, columns = 0; ///< lengths; extents of a tile
};

/// Full, partial, skipped tiles, and elements that are visible.
struct MaskAnswer {
  enum Tile : uint8_t { Full, Partial, Skipped };
  std::vector<std::vector<Tile>> tiles;
  int64_t count[3] = {0, 0, 0}, visible = 0;
};

} // namespace

/// The kernels that `request` may speak of: the one it names, else those with tiles of queries and keys, else all.
static std::vector<KernelSignature> chosen(const Request &request, const std::vector<KernelSignature> &kernels) {
  auto keep = [&](llvm::function_ref<bool(const KernelSignature &)> wanted) {
    std::vector<KernelSignature> kept;
    llvm::copy_if(kernels, std::back_inserter(kept), wanted);
    return kept;
  };
  if (!request.options.kernel.empty())
    return keep([&](const KernelSignature &kernel) { return kernel.name == request.options.kernel; });
  std::vector<KernelSignature> tiled = keep([](const KernelSignature &kernel) {
    return llvm::count_if(kernel.tunables, [](const auto &t) { return t.name == "BM" || t.name == "BN"; }) == 2;
  });
  return tiled.empty() ? kernels : tiled;
}

/// The value of --extent, --set or the kernel's default, in this order.
static std::optional<int64_t> valueOf(const Request &request, const std::vector<KernelSignature> &kernels,
                                      StringRef name) {
  if (auto found = request.extents.find(name); found != request.extents.end())
    return found->second;
  if (auto found = request.options.set.find(name); found != request.options.set.end())
    return found->second.integer();
  for (const KernelSignature &kernel : kernels)
    for (const KernelSignature::Tunable &tunable : kernel.tunables)
      if (tunable.name == name)
        return tunable.standard;
  return std::nullopt;
}

static std::optional<MaskQuestion> questionOf(const Request &request, const std::vector<KernelSignature> &kernels) {
  constexpr int64_t kMostElements = int64_t(1) << 24;
  MaskQuestion q;
  for (const auto &[hook, binding] : request.options.hooks)
    if (hook == "mask" || q.hook != "mask" || !request.options.hooks.count("mask"))
      q.hook = hook, q.binding = binding;
  bool hasHook = llvm::any_of(kernels, [&](const KernelSignature &k) { return llvm::is_contained(k.hooks, q.hook); });
  std::optional<int64_t> queries = valueOf(request, kernels, "Sq"), keys = valueOf(request, kernels, "Sk");
  q.queries = queries.value_or(0), q.keys = keys.value_or(0);
  q.rows = valueOf(request, kernels, "BM").value_or(64), q.columns = valueOf(request, kernels, "BN").value_or(64);
  if (!hasHook)
    llvm::errs() << "error: " << request.file << " has no hook '" << q.hook << "'\n";
  else if (queries.value_or(1) < 1 || keys.value_or(1) < 1)
    llvm::errs() << "error: a length is at least 1, found --extent " << (queries.value_or(1) < 1 ? "Sq=" : "Sk=")
                 << (queries.value_or(1) < 1 ? q.queries : q.keys) << "\n";
  else if (!queries || !keys)
    llvm::errs() << "error: 'mask' needs the lengths: --extent Sq=300 --extent Sk=500\n";
  else if (q.rows < 1 || q.columns < 1 || q.rows > 1024 || q.columns > 1024)
    llvm::errs() << "error: a tile has 1 to 1024 rows (--set BM=N) and columns (--set BN=N)\n";
  else if (q.queries > kMostElements / q.keys)
    llvm::errs() << "error: Sq x Sk is more than " << kMostElements
                 << " elements: choose shorter lengths of the same shape\n";
  else
    return q;
  return std::nullopt;
}

/// The file's text with a kernel that stores the mask of one head.
static Source withPictureKernel(Source source, const MaskQuestion &q) {
  source.text += llvm::formatv(R"(
kernel mask_picture_(M_: out view<i8>[Sq, Sk])
grid (cdiv(Sq, {0}), cdiv(Sk, {1})) |i, j| {{
  let at = coord(0, 0, i * {0} + iota({0})[:, _], j * {1} + iota({1})[_, :], Sq, Sk);
  store M_[i * {0} :+ {0}, j * {1} :+ {1}] = where({2}(at) && at.k < Sk, fill<i8>[{0}, {1}](1), fill<i8>[{0}, {1}](0));
}
)",
                               q.rows, q.columns, q.hook);
  return source;
}

/// The mask's elements, row-major; nullopt after printing why not.
static std::optional<std::vector<int8_t>> runMask(const Request &request, const Source &source, const MaskQuestion &q) {
  CompileOptions options;
  options.kernel = "mask_picture_";
  options.hooks = request.options.hooks;
  Source whole = withPictureKernel(source, q);
  std::vector<KernelSignature> signatures = describe(whole, options).kernels;
  for (const KernelSignature &signature : signatures)
    for (const Parameter &parameter : signature.parameters)
      if (parameter.name != "M_") {
        llvm::errs() << "error: the mask captures '" << parameter.name
                     << "', which has values only at a launch: 'imbrex mask' draws "
                     << "masks of positions and numbers\n";
        return std::nullopt;
      }
  CompileResult result = compile(whole, options, Stage::Tile);
  unsigned ownLines = unsigned(llvm::count(source.text, '\n')) + 1;
  bool isNoMask = llvm::any_of(result.diagnostics, [&](const Diagnostic &each) {
    return each.severity == Severity::Error && each.file == source.name && each.line > ownLines;
  });
  if (isNoMask)
    llvm::errs()
        << "error: hook '" << q.hook
        << "' is no mask: 'imbrex mask' draws what takes one coord and gives a bool, as hook mask(at: coord) -> "
           "bool\n";
  else
    llvm::errs() << result.errors();
  if (!result.kernel)
    return std::nullopt;
  std::vector<int8_t> mask(size_t(q.queries * q.keys));
  reference::ViewData view{mask.data(), DataType::I8, {q.queries, q.keys}, {q.keys, 1}};
  std::array<int64_t, 3> grid = {int64_t(llvm::divideCeil(q.queries, q.rows)),
                                 int64_t(llvm::divideCeil(q.keys, q.columns)), 1};
  if (std::optional<std::string> error = reference::interpretText(result.kernel->code, grid, {view})) {
    llvm::errs() << "error: " << *error << "\n";
    return std::nullopt;
  }
  return mask;
}

static MaskAnswer answerOf(const MaskQuestion &q, const std::vector<int8_t> &mask) {
  MaskAnswer answer;
  for (int64_t row = 0; row < q.queries; row += q.rows) {
    answer.tiles.emplace_back();
    for (int64_t column = 0; column < q.keys; column += q.columns) {
      int64_t seen = 0, all = 0;
      for (int64_t i = row; i < std::min(row + q.rows, q.queries); ++i)
        for (int64_t j = column; j < std::min(column + q.columns, q.keys); ++j, ++all)
          seen += mask[size_t(i * q.keys + j)];
      // A tile that hangs over the end of the keys is tested, whatever the mask says.
      bool isWhole = seen == all && column + q.columns <= q.keys;
      MaskAnswer::Tile tile = seen == 0 ? MaskAnswer::Skipped : isWhole ? MaskAnswer::Full : MaskAnswer::Partial;
      answer.tiles.back().push_back(tile);
      ++answer.count[tile];
      answer.visible += seen;
    }
  }
  return answer;
}

static CellPicture pictureOf(const MaskQuestion &q, const MaskAnswer &answer) {
  static constexpr const char *kSigns[] = {"\u2588", "\u2592", "\u00b7"};
  static constexpr unsigned kHueOf[] = {0, 2, kPlain};
  CellPicture picture;
  int64_t all = answer.count[0] + answer.count[1] + answer.count[2];
  picture.title = llvm::formatv("{0}: {1}, {2} queries x {3} keys in tiles of {4} x {5}", q.hook, q.binding, q.queries,
                                q.keys, q.rows, q.columns);
  picture.notes = {llvm::formatv("{0} full ({1}), {2} partial ({3}), {4} skipped ({5}) of {6} tiles", answer.count[0],
                                 kSigns[0], answer.count[1], kSigns[1], answer.count[2], kSigns[2], all),
                   llvm::formatv("{0:P1} of the elements are visible; {1:P1} of the tiles are computed",
                                 double(answer.visible) / double(q.queries * q.keys),
                                 double(answer.count[0] + answer.count[1]) / double(all))};
  picture.isDense = true;
  picture.legend = {"full", "", "partial", "", "", "", "", "", "skipped"};
  for (const std::vector<MaskAnswer::Tile> &row : answer.tiles) {
    picture.rows.emplace_back();
    for (MaskAnswer::Tile tile : row)
      picture.rows.back().push_back({kSigns[tile], kHueOf[tile]});
  }
  return picture;
}

int tool::drawMask(const Request &request) {
  std::optional<Source> source = readSource(request.file);
  if (!source)
    return kUserError;
  Description description = describe(*source);
  for (const Diagnostic &diagnostic : description.diagnostics)
    llvm::errs() << diagnostic.render();
  std::vector<KernelSignature> kernels = chosen(request, description.kernels);
  if (kernels.empty() && !description.kernels.empty()) {
    std::string names;
    for (const KernelSignature &kernel : description.kernels)
      names += (names.empty() ? "" : ", ") + kernel.name;
    llvm::errs() << "error: " << request.file << " has no kernel '" << request.options.kernel << "'; it has " << names
                 << "\n";
    return kUserError;
  }
  Request others = request;
  for (const auto &[name, setting] : request.options.set)
    if (std::optional<int64_t> value = setting.integer())
      others.extents.emplace(name, *value);
  for (const char *name : {"Sq", "Sk", "BM", "BN"}) // lengths and tiles are called so here, whatever the kernel does
    others.extents.erase(name);
  if (!withExtents(others, *source))
    return kUserError;
  std::optional<MaskQuestion> question = questionOf(request, kernels);
  std::optional<std::vector<int8_t>> mask = question ? runMask(request, *source, *question) : std::nullopt;
  if (!mask)
    return kUserError;
  MaskAnswer answer = answerOf(*question, *mask);
  if (request.json) {
    llvm::outs() << llvm::formatv(
        "{0:2}\n", llvm::json::Value(llvm::json::Object{{"full", answer.count[0]},
                                                        {"partial", answer.count[1]},
                                                        {"skipped", answer.count[2]},
                                                        {"visible", answer.visible},
                                                        {"elements", question->queries * question->keys}}));
    return kSuccess;
  }
  CellPicture picture = pictureOf(*question, answer);
  if (!request.picture.empty())
    return writeText(request.picture, toSvg({picture})) ? kSuccess : kUserError;
  llvm::outs() << toTerminal(picture);
  return kSuccess;
}
