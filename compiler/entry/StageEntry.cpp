//===- StageEntry.cpp - Texts of later stages, taken up -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Before the parser: EntryText. Then the parser, MLIR's verifier, and what the stage needs beyond it. Last, every
// location becomes a line of a file or unknown: what else locations can hold is nobody's business.
//
//===----------------------------------------------------------------------===//

#include "compiler/entry/StageEntry.h"
#include "compiler/PtxNames.h"
#include "compiler/entry/EntryCheck.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

InFlightDiagnostic EntryCheck::error(Operation *op) const {
  const AsmParserState::OperationDefinition *definition = state.getOpDef(op);
  if (!definition || !definition->loc.isValid())
    return emitError(FileLineColLoc::get(op->getContext(), file, 0, 0));
  auto [line, column] = manager.getLineAndColumn(definition->loc.Start);
  return emitError(FileLineColLoc::get(op->getContext(), file, line, column));
}

LogicalResult EntryCheck::checkName(Operation *kernel, StringRef name) const {
  if (isPtxName(name))
    return success();
  return error(kernel) << "a kernel's name must be an identifier of at most 256 letters, digits and '_'";
}

/// The i32 attribute `name`, between `least` and `most`.
static LogicalResult checkNumber(const EntryCheck &check, Operation *op, StringRef name, int64_t least, int64_t most) {
  auto number = op->getAttrOfType<IntegerAttr>(name);
  if (number && number.getType().isInteger(32) && number.getInt() >= least && number.getInt() <= most)
    return success();
  return check.error(op) << "the kernel needs the attribute " << name << ", an i32 from " << least << " to " << most;
}

LogicalResult EntryCheck::checkLaunch(Operation *kernel, bool hasStages) const {
  if (failed(checkNumber(*this, kernel, tile::kWarpsAttr, 1, target.warpsPerCta)) ||
      (hasStages && failed(checkNumber(*this, kernel, tile::kStagesAttr, 1, 8))))
    return failure();
  auto name = kernel->getAttrOfType<StringAttr>(tile::kTargetAttr);
  if (!name)
    return error(kernel) << "the kernel needs the attribute " << tile::kTargetAttr << ", a string such as \"sm_80\"";
  if (name.getValue() != StringRef(target.name))
    return error(kernel) << "this kernel is made for " << name << ", and " << target.name << " is asked for";
  return success();
}

LogicalResult EntryCheck::checkAttributes(Operation *op, ArrayRef<StringRef> known) const {
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    if (!llvm::is_contained(known, attribute.getName().strref()))
      return error(op) << "unknown attribute '" << attribute.getName().strref() << "'";
  return success();
}

/// Lines of files stay; all else becomes unknown.
static Location simplified(Location location) {
  FileLineColLoc place;
  location->walk([&](Location inner) {
    if (!place)
      place = dyn_cast<FileLineColLoc>(inner);
    return place ? WalkResult::interrupt() : WalkResult::advance();
  });
  return place ? Location(place) : Location(UnknownLoc::get(location->getContext()));
}

static void simplifyLocations(ModuleOp module) {
  module.walk([](Operation *op) {
    op->setLoc(simplified(op->getLoc()));
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (BlockArgument argument : block.getArguments())
          argument.setLoc(simplified(argument.getLoc()));
  });
}

OwningOpRef<ModuleOp> imbrex::readStage(Stage from, const Source &source, const Target &target, MLIRContext &context) {
  if (failed(checkEntryText(source.text, source.name, context)))
    return {};
  llvm::SourceMgr manager;
  manager.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(source.text, source.name), llvm::SMLoc());
  AsmParserState state;
  Block block;
  if (failed(parseAsmSourceFile(manager, &block, ParserConfig(&context), &state)))
    return {};
  auto module = block.empty() ? ModuleOp() : dyn_cast<ModuleOp>(block.front());
  if (!module || !llvm::hasSingleElement(block)) {
    emitError(FileLineColLoc::get(&context, source.name, 1, 1))
        << "expected one module of stage '" << StringRef(info(from).name) << "'";
    return {};
  }
  EntryCheck check(module, target, state, manager, source.name);
  if (!module->getAttrs().empty()) {
    check.error(module) << "a module of stage '" << StringRef(info(from).name) << "' has no attributes";
    return {};
  }
  if (failed(from == Stage::Nvvm ? checkNvvmEntry(check) : checkKernelEntry(check, from == Stage::Cta)))
    return {};
  simplifyLocations(module);
  module->remove();
  return module;
}
