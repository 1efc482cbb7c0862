//===- Listing.cpp - A stage's text and where its lines came from ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The printer itself says on which line each operation begins (AsmState). Lines that begin none, those of closing
// braces, came from nowhere.
//
//===----------------------------------------------------------------------===//

#include "compiler/report/Listing.h"
#include "compiler/MlirTypes.h"
#include "dialects/cta/CtaDialect.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace imbrex;

namespace {

struct LayoutNames : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;

  AliasResult getAlias(Attribute attribute, llvm::raw_ostream &os) const override {
    if (!isa<cta::LayoutAttr>(attribute))
      return AliasResult::NoAlias;
    os << "layout";
    return AliasResult::FinalAlias;
  }
};

/// The places that locations name, each text by its number.
class Origins {
public:
  explicit Origins(std::vector<std::string> &texts) : texts(texts) {}

  void add(Location location, std::vector<KernelReport::Origin> &to) {
    location->walk([&](Location inner) {
      if (auto place = dyn_cast<FileLineColLoc>(inner); place && place.getLine() > 0)
        to.push_back({numberOf(place.getFilename().getValue()), place.getLine()});
      return WalkResult::advance();
    });
  }

  unsigned numberOf(llvm::StringRef name) {
    auto found = llvm::find(texts, name);
    if (found == texts.end())
      found = texts.insert(texts.end(), name.str());
    return unsigned(found - texts.begin());
  }

private:
  std::vector<std::string> &texts;
};

} // namespace

void imbrex::nameLayouts(MLIRContext &context) {
  Dialect *dialect = context.getLoadedDialect<cta::CtaDialect>();
  if (dialect && !dialect->getRegisteredInterface<OpAsmDialectInterface>())
    dialect->addInterface(std::make_unique<LayoutNames>(dialect));
}

KernelReport::Listing imbrex::listingOf(ModuleOp module, Stage stage, std::vector<std::string> &texts) {
  KernelReport::Listing listing{stage, {}, {}};
  AsmState::LocationMap begins; // operation -> line, column
  AsmState state(module, OpPrintingFlags().enableDebugInfo(false), &begins);
  llvm::raw_string_ostream stream(listing.text);
  module->print(stream, state);
  listing.lines.resize(llvm::StringRef(listing.text).count('\n') + 1);
  Origins origins(texts);
  module->walk([&](Operation *op) {
    if (auto found = begins.find(op); found != begins.end() && found->second.first <= listing.lines.size())
      origins.add(op->getLoc(), listing.lines[found->second.first - 1]);
  });
  for (std::vector<KernelReport::Origin> &line : listing.lines) {
    llvm::sort(line);
    line.erase(std::unique(line.begin(), line.end()), line.end());
  }
  return listing;
}

/// "128x64 f32" of a tile, "f32" of a scalar.
static std::string typeText(Type type) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  auto tile = dyn_cast<RankedTensorType>(type);
  for (int64_t i = 0; tile && i < tile.getRank(); ++i)
    stream << (i ? "x" : "") << tile.getDimSize(i);
  if (std::optional<DataType> element = dataTypeOf(tile ? tile.getElementType() : type))
    stream << (tile && tile.getRank() ? " " : "") << llvm::StringRef(name(*element));
  else
    stream << (tile && tile.getRank() ? " " : "") << (tile ? tile.getElementType() : type);
  return text;
}

std::vector<KernelReport::TypedPlace> imbrex::typesOf(ModuleOp module, std::vector<std::string> &texts) {
  std::vector<KernelReport::TypedPlace> types;
  Origins origins(texts);
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto place = op->getLoc()->findInstanceOf<FileLineColLoc>();
    if (place && op->getNumResults() == 1)
      types.push_back({{origins.numberOf(place.getFilename().getValue()), place.getLine()},
                       place.getColumn(),
                       typeText(op->getResult(0).getType())});
  });
  return types;
}
