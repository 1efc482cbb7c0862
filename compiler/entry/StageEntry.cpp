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
#include "dialects/cta/CtaDialect.h"
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

LogicalResult EntryCheck::checkTarget(Operation *kernel, StringRef name) const {
  if (name == StringRef(target.name))
    return success();
  return error(kernel) << "this kernel is made for '" << name << "', and " << target.name << " is asked for";
}

LogicalResult EntryCheck::checkWarps(Operation *kernel, unsigned warps) const {
  if (warps <= target.warpsPerCta)
    return success();
  return error(kernel) << "a kernel has at most " << target.warpsPerCta << " warps, this one has " << warps;
}

LogicalResult EntryCheck::checkRequest(Operation *kernel) const {
  tile::RequestAttr request = tile::requestOf(kernel);
  return success(succeeded(checkTarget(kernel, request.getTarget())) &&
                 succeeded(checkWarps(kernel, request.getWarps())));
}

LogicalResult EntryCheck::checkLaunch(Operation *kernel, bool expected) const {
  cta::LaunchAttr launch = cta::launchOf(kernel);
  if (!expected)
    return launch ? LogicalResult(error(kernel) << "a kernel of stage tile has no " << cta::kLaunchAttr) : success();
  if (!launch)
    return error(kernel) << "the kernel needs the attribute " << cta::kLaunchAttr;
  if (failed(checkTarget(kernel, launch.getTarget())) || failed(checkWarps(kernel, launch.getWarps())))
    return failure();
  cta::RolesOp roles = cta::rolesOf(kernel);
  const unsigned copying = roles ? roles.getCopyWarps() : 0;
  if (tile::RequestAttr request = tile::requestOf(kernel); request && request.getWarps() + copying != launch.getWarps())
    return error(kernel) << request.getWarps() + copying << " warps are asked for, " << launch.getWarps()
                         << " are launched";
  if (launch.getShared() > target.sharedBytes)
    return error(kernel) << "a kernel has at most " << target.sharedBytes << " bytes of shared memory, this one has "
                         << launch.getShared();
  if (unsigned most = target.registersFor(launch.getThreads()); launch.getRegisters() > most)
    return error(kernel) << "a thread of " << launch.getThreads() << " has at most " << most
                         << " registers, this one has " << launch.getRegisters();
  return success();
}

LogicalResult EntryCheck::checkAttributes(Operation *op, ArrayRef<StringRef> known) const {
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    if (!llvm::is_contained(known, attribute.getName().strref()))
      return error(op) << "unknown attribute '" << attribute.getName().strref() << "'";
  return success();
}

LogicalResult EntryCheck::checkEach(Region &body, unsigned most,
                                    llvm::function_ref<LogicalResult(Operation *)> check) const {
  unsigned operations = 0;
  WalkResult result = body.walk([&](Operation *op) {
    if (++operations > most) {
      error(op) << "this kernel takes more than " << most << " operations";
      return WalkResult::interrupt();
    }
    return failed(check(op)) ? WalkResult::interrupt() : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
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
