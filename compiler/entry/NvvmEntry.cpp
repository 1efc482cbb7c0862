//===- NvvmEntry.cpp - The kernel of stage nvvm ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM's back end ends the process over much that its verifier lets through. So this stage takes the operations, types
// and attributes that the lowering from cta uses, and no others: one table, to be extended with the lowering. And no
// more of them than the lowering makes of a kernel (cta_to_nvvm/InstructionCount.h).
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/InlinePtx.h"
#include "compiler/cta_to_nvvm/Parameters.h"
#include "compiler/entry/EntryCheck.h"
#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

static constexpr unsigned kGlobalSpace = 1, kSharedSpace = 3;
static constexpr int64_t kSharedAlignment = 1024;

namespace {

class NvvmCheck {
public:
  explicit NvvmCheck(const EntryCheck &check) : check(check) {}
  LogicalResult run();

private:
  LogicalResult checkFunction();
  LogicalResult checkGlobal(LLVM::GlobalOp global);
  LogicalResult checkTarget(Operation *op);
  LogicalResult checkOperation(Operation *op);
  LogicalResult checkAttribute(Operation *op, NamedAttribute attribute);
  LogicalResult checkAssembly(LLVM::InlineAsmOp assembly);
  LogicalResult checkCast(Operation *op);
  LogicalResult checkSize(Operation *op);

  const EntryCheck &check;
  LLVM::LLVMFuncOp kernel;
  InstructionCount count;
};

} // namespace

static bool isNumber(Type type) {
  return type.isInteger(1) || type.isInteger(8) || type.isInteger(16) || type.isInteger(32) || type.isInteger(64) ||
         type.isF16() || type.isBF16() || type.isF32() || type.isF64();
}

/// To a tensor map among the parameters.
static bool isMapPointer(Type type) {
  auto pointer = dyn_cast<LLVM::LLVMPointerType>(type);
  return pointer && pointer.getAddressSpace() == 0;
}

static bool isPointer(Type type) {
  auto pointer = dyn_cast<LLVM::LLVMPointerType>(type);
  return pointer && (pointer.getAddressSpace() == kGlobalSpace || pointer.getAddressSpace() == kSharedSpace);
}

/// Registers that inline assembly gives at once: sums of wgmma's 64 x 256, and as many words again.
static constexpr size_t kMostAssembled = 512;

/// Numbers, vectors of up to 16 bytes, the words or floats of matrix instructions, pointers.
static bool isKnown(Type type) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.getRank() == 1 && !vector.isScalable() && isNumber(vector.getElementType()) &&
           !vector.getElementType().isInteger(1) && llvm::isPowerOf2_64(vector.getDimSize(0)) &&
           vector.getDimSize(0) >= 2 && vector.getDimSize(0) * vector.getElementTypeBitWidth() <= 128;
  if (auto structure = dyn_cast<LLVM::LLVMStructType>(type))
    return !structure.isIdentified() && !structure.isPacked() && structure.getBody().size() <= kMostAssembled &&
           llvm::all_of(structure.getBody(), [](Type each) { return each.isInteger(32) || each.isF32(); });
  return isNumber(type) || isPointer(type);
}

static bool isKnown(Operation *op) {
  return isa<LLVM::AShrOp, LLVM::AbsOp, LLVM::AddOp, LLVM::AddressOfOp, LLVM::AndOp, LLVM::BitcastOp, LLVM::BrOp,
             LLVM::CallIntrinsicOp, LLVM::CondBrOp, LLVM::ConstantOp, LLVM::ExtractElementOp, LLVM::ExtractValueOp,
             LLVM::FAbsOp, LLVM::FAddOp, LLVM::FCmpOp, LLVM::FDivOp, LLVM::FMAOp, LLVM::FMulOp, LLVM::FNegOp,
             LLVM::FPExtOp, LLVM::FPTruncOp, LLVM::FSubOp, LLVM::FreezeOp, LLVM::GEPOp, LLVM::ICmpOp, LLVM::InlineAsmOp,
             LLVM::InsertElementOp, LLVM::IntToPtrOp, LLVM::LShrOp, LLVM::LoadOp, LLVM::MaxNumOp, LLVM::MinNumOp,
             LLVM::MulOp, LLVM::OrOp, LLVM::PoisonOp, LLVM::PtrToIntOp, LLVM::ReturnOp, LLVM::SDivOp, LLVM::SExtOp,
             LLVM::SIToFPOp, LLVM::SMaxOp, LLVM::SMinOp, LLVM::SRemOp, LLVM::SelectOp, LLVM::ShlOp, LLVM::SqrtOp,
             LLVM::StoreOp, LLVM::SubOp, LLVM::TruncOp, LLVM::UDivOp, LLVM::UIToFPOp, LLVM::UMaxOp, LLVM::UMinOp,
             LLVM::URemOp, LLVM::XOrOp, LLVM::ZExtOp, NVVM::BlockIdXOp, NVVM::BlockIdYOp, NVVM::BlockIdZOp,
             NVVM::ConvertFloatToTF32Op, NVVM::CpAsyncCommitGroupOp, NVVM::CpAsyncOp, NVVM::CpAsyncWaitGroupOp,
             NVVM::GridDimXOp, NVVM::LdMatrixOp, NVVM::MmaOp, NVVM::StMatrixOp, NVVM::ThreadIdXOp>(op);
}

/// An intrinsic, and the first targets that have it.
struct KnownIntrinsic {
  StringRef name;
  unsigned sm = 80;
  bool needsWgmma = false;
};

static const KnownIntrinsic *knownIntrinsic(StringRef name) {
  static constexpr KnownIntrinsic kKnown[] = {
      {"llvm.fptosi.sat"},
      {"llvm.fptoui.sat"},
      {"llvm.nvvm.ex2.approx.ftz.f"},
      {"llvm.nvvm.lg2.approx.f"},
      {"llvm.nvvm.div.full"},
      {"llvm.nvvm.rcp.approx.ftz.f"},
      {"llvm.nvvm.bmsk.clamp"},
      {"llvm.nvvm.rsqrt.approx.f"},
      {"llvm.nvvm.bar.warp.sync"},
      {"llvm.nvvm.barrier.cta.arrive.aligned.count"},
      {"llvm.nvvm.barrier.cta.sync.aligned.all"},
      {"llvm.nvvm.barrier.cta.sync.aligned.count"},
      {"llvm.nvvm.cp.async.mbarrier.arrive.noinc.shared"},
      {"llvm.nvvm.fence.mbarrier_init.release.cluster", 90},
      {"llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta", 90},
      {"llvm.nvvm.mbarrier.arrive.shared"},
      {"llvm.nvvm.mbarrier.init.shared"},
      {"llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta", 90},
      {"llvm.nvvm.setmaxnreg.dec.sync.aligned.u32", 90, /*needsWgmma=*/true},
      {"llvm.nvvm.setmaxnreg.inc.sync.aligned.u32", 90, /*needsWgmma=*/true},
      {"llvm.nvvm.shfl.sync.bfly.f32"},
      {"llvm.nvvm.shfl.sync.bfly.i32"},
      {"llvm.nvvm.shfl.sync.idx.i32"},
      {"llvm.nvvm.vote.any.sync"},
  };
  const auto *found = llvm::find_if(kKnown, [&](const KnownIntrinsic &each) { return each.name == name; });
  return found == std::end(kKnown) ? nullptr : found;
}

/// Attributes hold numbers, types, names and flags; alignments are those of whole vectors.
LogicalResult NvvmCheck::checkAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName().strref();
  Attribute value = attribute.getValue();
  bool ok = isa<IntegerAttr, FloatAttr, TypeAttr, DenseArrayAttr, FlatSymbolRefAttr, LLVM::FastmathFlagsAttr,
                LLVM::IntegerOverflowFlagsAttr>(value) ||
            isa<NVVM::NVVMDialect>(value.getDialect());
  if (name == "intrin")
    ok = isa<StringAttr>(value) && knownIntrinsic(cast<StringAttr>(value).getValue());
  if (auto array = dyn_cast<ArrayAttr>(value)) // of operand bundles and the like: none
    ok = array.empty();
  if (name == "alignment") {
    auto bytes = dyn_cast<IntegerAttr>(value);
    ok = bytes && bytes.getInt() >= 1 && bytes.getInt() <= 16 && llvm::isPowerOf2_64(bytes.getInt());
  }
  if (isa<LLVM::InlineAsmOp>(op) && (name == "has_side_effects" || name == "tail_call_kind"))
    ok = true;
  if (name == "asm_string" || name == "constraints")
    ok = isa<StringAttr>(value); // which, checkAssembly says
  if (name == "ordering")
    ok = isa<LLVM::AtomicOrderingAttr>(value) || isa<IntegerAttr>(value);
  return ok ? success() : check.error(op) << "'" << op->getName() << "' has an unknown attribute '" << name << "'";
}

static unsigned bitsOf(Type type) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.getNumElements() * vector.getElementTypeBitWidth();
  return type.isIntOrFloat() ? type.getIntOrFloatBitWidth() : 0;
}

/// Conversions of scalars: wider, narrower, or of the same bits.
LogicalResult NvvmCheck::checkCast(Operation *op) {
  if (op->getNumOperands() != 1 || op->getNumResults() != 1)
    return success();
  Type from = op->getOperand(0).getType(), to = op->getResult(0).getType();
  bool scalars = from.isIntOrFloat() && to.isIntOrFloat();
  bool ok = true;
  if (isa<LLVM::BitcastOp>(op))
    ok = bitsOf(from) != 0 && bitsOf(from) == bitsOf(to);
  if (isa<LLVM::SExtOp, LLVM::ZExtOp>(op))
    ok = scalars && isa<IntegerType>(from) && isa<IntegerType>(to) && bitsOf(from) < bitsOf(to);
  if (isa<LLVM::TruncOp>(op))
    ok = scalars && isa<IntegerType>(from) && isa<IntegerType>(to) && bitsOf(from) > bitsOf(to);
  if (isa<LLVM::FPExtOp>(op))
    ok = scalars && isa<FloatType>(from) && isa<FloatType>(to) && bitsOf(from) < bitsOf(to);
  if (isa<LLVM::FPTruncOp>(op))
    ok = scalars && isa<FloatType>(from) && isa<FloatType>(to) && bitsOf(from) > bitsOf(to);
  if (isa<LLVM::PtrToIntOp>(op))
    ok = isPointer(from) && to.isInteger(32);
  if (isa<LLVM::IntToPtrOp>(op)) // an address in shared memory, some of whose bits were turned
    ok = from.isInteger(32) && to == LLVM::LLVMPointerType::get(op->getContext(), kSharedSpace);
  if (isa<LLVM::SIToFPOp, LLVM::UIToFPOp>(op))
    ok = scalars && isa<IntegerType>(from) && isa<FloatType>(to);
  return ok ? success() : check.error(op) << "no conversion of " << from << " to " << to;
}

LogicalResult NvvmCheck::checkAssembly(LLVM::InlineAsmOp assembly) {
  Type type = assembly->getNumResults() == 1 ? assembly->getResult(0).getType() : Type();
  StringRef constraints = assembly.getConstraints();
  bool isPin = assembly.getAsmString().empty() && assembly->getOperandTypes() == ArrayRef<Type>(type) && type &&
               ((type.isF32() && constraints == kPinF32) || (type.isF64() && constraints == kPinF64));
  bool isKnownText = assembly.getHasSideEffects() ? isPin || isMemoryAdd(assembly) || isWarpgroupAssembly(assembly)
                                                  : isWideProduct(assembly);
  return isKnownText && assembly.getTailCallKind() == LLVM::TailCallKind::None
             ? success()
             : check.error(assembly)
                   << "inline assembly is the empty text that pins an f32 or f64 (" << kPinF32 << " or " << kPinF64
                   << "), a red.global.add, a mul.wide.u32 without side effects, or one of warpgroups";
}

/// What the back end cannot select for a target ends the process.
LogicalResult NvvmCheck::checkTarget(Operation *op) {
  const Target &target = check.target;
  auto call = dyn_cast<LLVM::CallIntrinsicOp>(op);
  const KnownIntrinsic *intrinsic = call ? knownIntrinsic(call.getIntrin()) : nullptr;
  if (intrinsic && (target.sm < intrinsic->sm || (intrinsic->needsWgmma && !target.hasWgmma)))
    return check.error(op) << target.name << " has no " << intrinsic->name;
  if (isa<NVVM::StMatrixOp>(op) && !target.hasStmatrix())
    return check.error(op) << target.name << " has no stmatrix";
  return success();
}

LogicalResult NvvmCheck::checkOperation(Operation *op) {
  if (!isKnown(op))
    return check.error(op) << "'" << op->getName() << "' is no operation of this stage";
  if (failed(checkTarget(op)))
    return failure();
  if (failed(check.checkAttributes(op, {})))
    return failure();
  for (Type type : op->getOperandTypes())
    if (!isKnown(type) && !(isa<LLVM::InlineAsmOp>(op) && isMapPointer(type)))
      return check.error(op) << "unknown type " << type;
  for (Type type : op->getResultTypes())
    if (!isKnown(type))
      return check.error(op) << "unknown type " << type;
  for (NamedAttribute attribute : op->getAttrDictionary())
    if (failed(checkAttribute(op, attribute)))
      return failure();
  if (auto constant = dyn_cast<LLVM::ConstantOp>(op)) {
    auto value = dyn_cast<TypedAttr>(constant.getValue());
    if (!isa_and_nonnull<IntegerAttr, FloatAttr>(value) || value.getType() != constant.getType())
      return check.error(op) << "a constant is a number of its own type";
  }
  if (auto assembly = dyn_cast<LLVM::InlineAsmOp>(op); assembly && failed(checkAssembly(assembly)))
    return failure();
  if (auto load = dyn_cast<LLVM::LoadOp>(op); load && load.getOrdering() != LLVM::AtomicOrdering::not_atomic)
    return check.error(op) << "loads are plain";
  if (auto store = dyn_cast<LLVM::StoreOp>(op); store && store.getOrdering() != LLVM::AtomicOrdering::not_atomic)
    return check.error(op) << "stores are plain";
  if (auto gep = dyn_cast<LLVM::GEPOp>(op); gep && (!gep.getElemType().isInteger(8) || gep.getIndices().size() != 1))
    return check.error(op) << "addresses are counted in bytes: one index, of i8";
  return checkCast(op);
}

/// With all operations before it, `op` stays within what LLVM compiles in a sensible time.
LogicalResult NvvmCheck::checkSize(Operation *op) {
  count.add(op);
  if (count.instructions <= kMostInstructions && count.machineInstructions <= kMostMachineInstructions)
    return success();
  return check.error(op) << "this kernel takes more than " << kMostInstructions << " instructions of each thread, or "
                         << kMostMachineInstructions << " machine instructions";
}

LogicalResult NvvmCheck::checkGlobal(LLVM::GlobalOp global) {
  auto type = dyn_cast<LLVM::LLVMArrayType>(global.getGlobalType());
  bool isBytes = type && type.getNumElements() == 0 && type.getElementType().isInteger(8);
  if (isBytes && global.getSymName() == (kernel.getSymName() + "_shared").str() &&
      global.getAddrSpace() == kSharedSpace && global.getAlignment() == kSharedAlignment &&
      global.getLinkage() == LLVM::Linkage::External && !global.getConstant() && !global.getValueOrNull() &&
      global.getInitializerRegion().empty() && !global.getSection() && !global.getComdat() && !global.getThreadLocal_())
    return check.checkAttributes(global, {});
  return check.error(global) << "shared memory is external @KERNEL_shared() {addr_space = 3 : i32, alignment = "
                             << kSharedAlignment << " : i64} : !llvm.array<0 x i8>";
}

LogicalResult NvvmCheck::checkFunction() {
  static constexpr StringRef kInherent[] = {"sym_name",  "function_type", "linkage",      "CConv",        "visibility_",
                                            "arg_attrs", "res_attrs",     "unnamed_addr", "always_inline"};
  LLVM::LLVMFunctionType type = kernel.getFunctionType();
  auto threads = kernel->getAttrOfType<DenseI32ArrayAttr>(NVVM::NVVMDialect::getReqntidAttrName());
  auto blocks = kernel->getAttrOfType<IntegerAttr>(NVVM::NVVMDialect::getMinctasmAttrName());
  auto launched = int32_t(cta::launchOf(kernel).getThreads());
  bool plain = isa<LLVM::LLVMVoidType>(type.getReturnType()) && !type.isVarArg() && !kernel.isExternal() &&
               kernel.getLinkage() == LLVM::Linkage::External;
  for (NamedAttribute attribute : kernel->getAttrDictionary())
    plain &=
        llvm::is_contained(kInherent, attribute.getName().strref()) || kernel->getDiscardableAttr(attribute.getName());
  for (unsigned i = 0; i < kernel.getNumArguments(); ++i) {
    Builder b(kernel.getContext());
    DictionaryAttr attributes = kernel.getArgAttrDict(i);
    bool isMap = isMapPointer(kernel.getArgumentTypes()[i]);
    plain &= isMap ? attributes == tensorMapAttributes(b) : !attributes || attributes.empty();
  }
  if (!plain || kernel.getAllResultAttrs())
    return check.error(kernel) << "a kernel is an external function that gives nothing, without further attributes";
  if (!threads || threads.asArrayRef() != ArrayRef<int32_t>{launched} || !blocks || blocks.getInt() != 1)
    return check.error(kernel) << "nvvm.reqntid must be the " << launched << " threads of " << cta::kLaunchAttr
                               << ", and nvvm.minctasm 1";
  for (Block &block : kernel.getBody())
    for (Type argument : block.getArgumentTypes())
      if (!isKnown(argument) && !(block.isEntryBlock() && isMapPointer(argument)))
        return check.error(kernel) << "unknown type " << argument;
  return success();
}

LogicalResult NvvmCheck::run() {
  LLVM::GlobalOp global;
  for (Operation &op : *check.module.getBody()) {
    bool known = (isa<LLVM::LLVMFuncOp>(op) && !kernel) || (isa<LLVM::GlobalOp>(op) && !global);
    if (!known)
      return check.error(&op) << "expected one kernel and its shared memory, and nothing else";
    kernel = kernel ? kernel : dyn_cast<LLVM::LLVMFuncOp>(op);
    global = global ? global : dyn_cast<LLVM::GlobalOp>(op);
  }
  if (!kernel || !kernel->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
    return check.error(check.module) << "expected one kernel: an llvm.func with the attribute nvvm.kernel";
  StringRef known[] = {NVVM::NVVMDialect::getKernelFuncAttrName(), NVVM::NVVMDialect::getReqntidAttrName(),
                       NVVM::NVVMDialect::getMinctasmAttrName(), cta::kLaunchAttr};
  if (failed(check.checkName(kernel, kernel.getSymName())) || failed(check.checkAttributes(kernel, known)) ||
      failed(check.checkLaunch(kernel, /*expected=*/true)) || failed(checkFunction()) ||
      (global && failed(checkGlobal(global))))
    return failure();
  return check.checkEach(kernel.getBody(), kMostOperations, [&](Operation *op) {
    return success(succeeded(checkOperation(op)) && succeeded(checkSize(op)));
  });
}

LogicalResult imbrex::checkNvvmEntry(const EntryCheck &check) { return NvvmCheck(check).run(); }
