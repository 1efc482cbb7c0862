//===- Layout.cpp - imbrex layout -----------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Draws the layouts that a kernel's tiles have and the buffers it copies them through; or one layout that is given as
// its text, as `explain` prints it.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/CommandLine.h"
#include "tools/imbrex/LayoutPictures.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;

static std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t extent : shape)
    text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text;
}

static void addPictures(const KernelReport &report, std::vector<CellPicture> &pictures) {
  for (const KernelReport::Layout &each : report.layouts) {
    std::optional<layout::TileLayout> layout = layout::TileLayout::parse(each.layout);
    if (!layout || layout->rank() == 0 || layout->rank() > 2)
      continue;
    std::string title = llvm::formatv("{0} {1} {2}", each.operation, shapeText(each.shape), name(each.type));
    for (CellPicture &picture : picturesOf(*layout, title))
      pictures.push_back(std::move(picture));
  }
  for (const KernelReport::Buffer &each : report.buffers)
    if (each.span != 0)
      pictures.push_back(
          pictureOf(layout::SharedLayout(each.rows, each.columns, byteSize(each.type), each.span),
                    llvm::formatv("shared memory {0} {1}x{2} {3}", each.holds.empty() ? "between threads" : each.holds,
                                  each.rows, each.columns, name(each.type))));
}

/// Pictures of a kernel, or of the layout that stands in place of a file; nullopt after printing why not.
static std::optional<std::vector<CellPicture>> pictures(const Request &asked) {
  std::vector<CellPicture> result;
  if (llvm::StringRef(asked.file).starts_with("reg")) {
    std::optional<layout::TileLayout> layout = layout::TileLayout::parse(asked.file);
    if (layout && layout->rank() > 0 && layout->rank() <= 2)
      return picturesOf(*layout, "layout");
    llvm::errs()
        << "error: expected a layout of rank 1 or 2 as 'imbrex explain' prints it, such as 'reg (0,1) (8,0) lane (0,2) "
           "(0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x4 repeat 1x8'\n";
    return std::nullopt;
  }
  std::optional<Source> source = readSource(asked.file);
  if (!source)
    return std::nullopt;
  const std::optional<Request> request = withExtents(asked, *source);
  if (!request)
    return std::nullopt;
  CompileResult compiled = compile(*source, request->options, Stage::Cta);
  llvm::errs() << compiled.errors();
  if (!compiled.kernel)
    return std::nullopt;
  addPictures(compiled.kernel->report, result);
  return result;
}

int tool::drawLayouts(const Request &request) {
  std::optional<std::vector<CellPicture>> list = pictures(request);
  if (!list)
    return kUserError;
  if (list->empty())
    llvm::outs() << "no layouts: nothing is read, multiplied or reduced as a tile, and no shared memory is used\n";
  if (!request.picture.empty())
    return writeText(request.picture, toSvg(*list)) ? kSuccess : kUserError;
  for (const CellPicture &picture : *list)
    llvm::outs() << toTerminal(picture) << "\n";
  return kSuccess;
}
