//===- EmitPtx.cpp - From the nvvm stage to PTX text ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Debug scopes, translation, optimisation, code generation: one function each, in that order.
//
//===----------------------------------------------------------------------===//

#include "compiler/nvvm_to_ptx/EmitPtx.h"
#include "compiler/PtxNames.h"
#include "compiler/cta_to_nvvm/InlinePtx.h"
#include "compiler/cta_to_nvvm/Parameters.h"
#include "compiler/nvvm_to_ptx/PassGate.h"
#include "compiler/nvvm_to_ptx/RemakeBesideLoops.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/ADCE.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopRotation.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include <mutex>

using namespace mlir;
using namespace imbrex;

extern "C" {
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

static void registerBackEnd() {
  static std::once_flag once; // LLVM's registry is process-wide and must be filled once
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
}

/// Places in files whose names PTX cannot hold name them as it can.
static void cleanFileNames(ModuleOp module) {
  AttrTypeReplacer replacer;
  replacer.addReplacement([](FileLineColLoc place) -> std::optional<Attribute> {
    std::string clean = nameInPtx(place.getFilename().getValue());
    if (clean == place.getFilename().getValue())
      return std::nullopt;
    return FileLineColLoc::get(place.getContext(), clean, place.getLine(), place.getColumn());
  });
  replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/false, /*replaceLocs=*/true, /*replaceTypes=*/false);
}

/// Gives functions the debug scope that `.loc` lines need.
static LogicalResult addDebugScopes(ModuleOp module) {
  PassManager passes(module.getContext());
  LLVM::DIScopeForLLVMFuncOpPassOptions options;
  options.emissionKind = LLVM::DIEmissionKind::DebugDirectivesOnly;
  passes.addPass(LLVM::createDIScopeForLLVMFuncOpPass(options));
  return passes.run(module);
}

static std::unique_ptr<llvm::Module> translate(ModuleOp module, llvm::LLVMContext &context) {
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  return translateModuleToLLVMIR(module, context, "imbrex");
}

/// The version of PTX that the target needs, or a later one that allows the kernel's parameters and has what it uses.
static unsigned ptxVersionFor(ModuleOp module, const Target &target) {
  unsigned version = target.ptxVersion;
  module.walk([&](LLVM::CallIntrinsicOp call) {
    llvm::StringRef name = call.getIntrin();
    if (name.contains(".e4m3") || name.contains(".e5m2"))
      version = std::max(version, name.contains(".mma.") ? kF8ProductPtx : kF8ConversionPtx);
  });
  for (LLVM::LLVMFuncOp function : module.getOps<LLVM::LLVMFuncOp>())
    if (parameterBytes(function.getFunctionType()) > kParameterBytes)
      version = std::max(version, kLargeParametersPtx);
  module.walk([&](LLVM::InlineAsmOp assembly) {
    if (isVectorAdd(assembly))
      version = std::max(version, kVectorAddsPtx);
  });
  return version;
}

static std::unique_ptr<llvm::TargetMachine> makeTargetMachine(ModuleOp module, const Target &target) {
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string message;
  const llvm::Target *backEnd = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!backEnd) {
    module.emitError("LLVM has no NVPTX back end: ") << message;
    return nullptr;
  }
  std::string features = "+ptx" + std::to_string(ptxVersionFor(module, target));
  return std::unique_ptr<llvm::TargetMachine>(
      backEnd->createTargetMachine(triple, target.name, features, llvm::TargetOptions(), std::nullopt, std::nullopt,
                                   llvm::CodeGenOptLevel::Default));
}

/// Inline assembly that threads run together must not be moved into branches or be doubled; what has no side effects
/// may be, and out of loops. MLIR's operation cannot say either.
static void markAssembly(llvm::Module &module) {
  for (llvm::Function &function : module)
    for (llvm::BasicBlock &block : function)
      for (llvm::Instruction &instruction : block)
        if (auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction); call && call->isInlineAsm())
          if (auto *text = llvm::cast<llvm::InlineAsm>(call->getCalledOperand()); !text->hasSideEffects()) {
            call->setDoesNotAccessMemory();
            call->setDoesNotThrow();
            call->addFnAttr(llvm::Attribute::WillReturn);
          } else if (text->getAsmString().contains(".sync")) {
            call->addFnAttr(llvm::Attribute::Convergent);
          }
}

/// A kernel is one function of unrolled tiles: it needs equal values found, addresses folded and what does not
/// change moved out of loops, but not kept through those where it is in the way. Each of these passes takes time in
/// proportion to the code.
static llvm::FunctionPassManager makeFunctionPasses() {
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  llvm::LoopPassManager loops;
  loops.addPass(llvm::LoopRotatePass());
  loops.addPass(llvm::LICMPass(llvm::LICMOptions()));
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(loops), /*UseMemorySSA=*/true));
  passes.addPass(llvm::EarlyCSEPass());
  passes.addPass(llvm::ADCEPass());
  passes.addPass(RemakeBesideLoopsPass());
  return passes;
}

static void optimise(llvm::Module &module, llvm::TargetMachine &machine, PassGate &gate) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassInstrumentationCallbacks callbacks;
  callbacks.registerShouldRunOptionalPassCallback(
      [&](llvm::StringRef pass, const llvm::Any &) { return gate.shouldRunPass(pass, ""); });
  llvm::PassBuilder builder(&machine, llvm::PipelineTuningOptions(), std::nullopt, &callbacks);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  llvm::ModulePassManager passes;
  passes.addPass(llvm::createModuleToFunctionPassAdaptor(makeFunctionPasses()));
  passes.run(module, modules);
}

static std::optional<std::string> generate(ModuleOp source, llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile)) {
    source.emitError("LLVM's NVPTX back end cannot print assembly");
    return std::nullopt;
  }
  passes.run(module);
  return std::string(text);
}

std::optional<std::string> imbrex::emitPtx(ModuleOp module, const Target &target, bool debugLines,
                                           const Deadline &deadline) {
  registerBackEnd();
  cleanFileNames(module);
  if (debugLines && failed(addDebugScopes(module)))
    return std::nullopt;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule = translate(module, context);
  if (!llvmModule)
    return std::nullopt; // the translation has said why
  std::string fault;
  llvm::raw_string_ostream stream(fault);
  if (llvm::verifyModule(*llvmModule, &stream)) {
    module.emitError("LLVM does not take this module: ") << fault;
    return std::nullopt;
  }
  std::unique_ptr<llvm::TargetMachine> machine = makeTargetMachine(module, target);
  if (!machine)
    return std::nullopt;
  llvmModule->setTargetTriple(machine->getTargetTriple());
  llvmModule->setDataLayout(machine->createDataLayout());
  markAssembly(*llvmModule);
  PassGate gate(*llvmModule, deadline);
  context.setOptPassGate(gate);
  optimise(*llvmModule, *machine, gate);
  if (deadline.isOver()) // what follows cannot be stopped
    return std::nullopt;
  return generate(module, *llvmModule, *machine);
}
