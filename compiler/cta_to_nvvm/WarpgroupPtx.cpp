//===- WarpgroupPtx.cpp - Inline assembly of warpgroups --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wgmma and what orders it. NVVM's operations take no left operand in registers, and tie no registers to a wait: LLVM
// would read a sum before it is there.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/InlinePtx.h"
#include "dialects/layout/MmaOrder.h"
#include "dialects/layout/WgmmaOperand.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

static constexpr llvm::StringLiteral kFence = "wgmma.fence.sync.aligned;";
static constexpr llvm::StringLiteral kCommit = "wgmma.commit_group.sync.aligned;";
static constexpr llvm::StringLiteral kWait = "wgmma.wait_group.sync.aligned ";
static constexpr llvm::StringLiteral kProxy = "fence.proxy.async.shared::cta;";
static constexpr llvm::StringLiteral kSends = "cp.async.bulk.commit_group;";
static constexpr llvm::StringLiteral kSent = "cp.async.bulk.wait_group.read 0;";
static constexpr llvm::StringLiteral kHold = "{ .reg .pred q; setp.eq.f32 q, $0, 0fDEADBEEF; @q pmevent 0; }";
static constexpr llvm::StringLiteral kMemory = "~{memory}";

static std::string nameOf(Type element) {
  if (element.isInteger(8))
    return "s8";
  if (isa<Float8E4M3FNType>(element))
    return "e4m3";
  if (isa<Float8E5M2Type>(element))
    return "e5m2";
  return element.isF32() ? "tf32" : element.isF16() ? "f16" : "bf16";
}

/// "{$0, $1, ...}", numbers from `first` on.
static std::string list(unsigned first, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; ++i)
    text += (i ? ", $" : "$") + std::to_string(first + i);
  return text + "}";
}

namespace {
/// A descriptor of an instruction, from its operand of a number on.
struct DescriptorText {
  std::string made, used;
  unsigned next;
};
} // namespace

static DescriptorText descriptorText(const WgmmaForm &form, const std::string &name, unsigned first) {
  const std::string operand = "$" + std::to_string(first);
  if (!form.makesDescriptors)
    return {"", operand, first + 1};
  return {".reg .b64 " + name + "; add.s64 " + name + ", " + operand + ", $" + std::to_string(first + 1) + "; ", name,
          first + 2};
}

static Type sumType(const WgmmaForm &form) {
  MLIRContext *context = form.element.getContext();
  return form.element.isInteger(8) ? Type(IntegerType::get(context, 32)) : Type(Float32Type::get(context));
}

Assembly imbrex::wgmmaAssembly(const WgmmaForm &form) {
  const bool isInteger = form.element.isInteger(8);
  unsigned sums = form.columns / 2, bytes = form.element.getIntOrFloatBitWidth() / 8,
           next = form.adds ? 2 * sums : sums;
  std::string name = nameOf(form.element);
  DescriptorText a = form.aInRegisters ? DescriptorText{"", list(next, 4), next + 4} : descriptorText(form, "da", next),
                 b = descriptorText(form, "db", a.next);
  Assembly assembly;
  assembly.text = "{ .reg .pred p; setp.ne.b32 p, " + std::string(form.adds ? "1" : "0") + ", 0; " + a.made + b.made +
                  "wgmma.mma_async.sync.aligned.m64n" + std::to_string(form.columns) + "k" +
                  std::to_string(layout::mmaDepth(bytes)) + (isInteger ? ".s32." : ".f32.") + name + "." + name + " " +
                  list(0, sums) + ", " + a.used + ", " + b.used + ", p" + (isInteger ? "" : ", 1, 1");
  if (bytes == 2) {
    assembly.text += form.aInRegisters ? "" : form.kIsRowOfA ? ", 1" : ", 0";
    assembly.text += form.kIsRowOfB ? ", 1" : ", 0";
  }
  assembly.text += "; }";
  for (unsigned i = 0; i < sums; ++i)
    assembly.constraints += std::string(i ? "," : "") + (isInteger ? "=r" : "=f");
  for (unsigned i = 0; i < sums && form.adds; ++i)
    assembly.constraints += "," + std::to_string(i);
  const std::string descriptor = form.makesDescriptors ? ",l,n" : ",l";
  assembly.constraints += (form.aInRegisters ? ",r,r,r,r" : descriptor) + descriptor;
  return assembly;
}

/// Assembly through which `registers`, f32 and i32, go unchanged.
static Assembly tied(StringRef text, TypeRange registers) {
  Assembly assembly{text.str(), ""};
  for (Type type : registers)
    assembly.constraints += type.isF32() ? "=f," : "=r,";
  for (unsigned i = 0; i < registers.size(); ++i)
    assembly.constraints += std::to_string(i) + ",";
  assembly.constraints += kMemory;
  return assembly;
}

static LLVM::InlineAsmOp assemble(Lowering &l, TypeRange results, ValueRange operands, const Assembly &assembly) {
  return LLVM::InlineAsmOp::create(l.b, l.loc, results, operands, assembly.text, assembly.constraints,
                                   /*has_side_effects=*/true, /*is_align_stack=*/false, LLVM::TailCallKind::None,
                                   LLVM::AsmDialectAttr(), ArrayAttr());
}

/// The values that assembly gives: of several, the members of a struct.
static Values assembled(Lowering &l, TypeRange types, ValueRange operands, const Assembly &assembly) {
  if (types.empty()) {
    assemble(l, {}, operands, assembly);
    return {};
  }
  Type type = types.size() == 1 ? types.front()
                                : Type(LLVM::LLVMStructType::getLiteral(l.b.getContext(), SmallVector<Type>(types)));
  Value result = assemble(l, type, operands, assembly)->getResult(0);
  if (types.size() == 1)
    return {result};
  Values values;
  for (unsigned i = 0; i < types.size(); ++i)
    values.push_back(LLVM::ExtractValueOp::create(l.b, l.loc, result, i));
  return values;
}

Values imbrex::wgmma(Lowering &l, const WgmmaForm &form, Values sums, ArrayRef<Value> a, ArrayRef<Value> b) {
  SmallVector<Type> types(form.columns / 2, sumType(form));
  Values operands;
  if (form.adds)
    operands = std::move(sums);
  llvm::append_range(operands, a);
  llvm::append_range(operands, b);
  return assembled(l, types, operands, wgmmaAssembly(form));
}

static Values pass(Lowering &l, StringRef text, ArrayRef<Value> registers) {
  SmallVector<Type> types(ValueRange(registers).getTypes());
  return assembled(l, types, registers, tied(text, types));
}

Values imbrex::wgmmaFence(Lowering &l, ArrayRef<Value> registers) { return pass(l, kFence, registers); }
Values imbrex::wgmmaTie(Lowering &l, ArrayRef<Value> registers) { return pass(l, "", registers); }
void imbrex::wgmmaCommit(Lowering &l) { pass(l, kCommit, {}); }
Values imbrex::wgmmaWait(Lowering &l, unsigned pending, ArrayRef<Value> registers) {
  return pass(l, (kWait + std::to_string(pending) + ";").str(), registers);
}
void imbrex::holdBehind(Lowering &l, Value value) { assemble(l, {}, value, {kHold.str(), "f," + kMemory.str()}); }
void imbrex::fenceAsync(Lowering &l) { pass(l, kProxy, {}); }

/// `operands`, and an index a dimension.
static std::string boxConstraints(std::string operands, unsigned rank) {
  for (unsigned i = 0; i < rank; ++i)
    operands += ",r";
  return operands + "," + kMemory.str();
}

/// Of a box of `rank` dimensions: addresses in shared memory are 32-bit numbers. (The text says shared::cluster, of
/// which a CTA's own memory is a part: PTX before 8.6 knows no other.)
static Assembly boxAssembly(unsigned rank) {
  std::string text = "cp.async.bulk.tensor." + std::to_string(rank) +
                     "d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [$0], [$1, " + list(3, rank) +
                     "], [$2];";
  return {text, boxConstraints("r,l,r", rank)};
}

static Assembly sentBoxAssembly(unsigned rank) {
  std::string text = "cp.async.bulk.tensor." + std::to_string(rank) + "d.global.shared::cta.tile.bulk_group [$1, " +
                     list(2, rank) + "], [$0];";
  return {text, boxConstraints("r,l", rank)};
}

static Value sharedAddress(Lowering &l, Value pointer) {
  return LLVM::PtrToIntOp::create(l.b, l.loc, l.b.getI32Type(), pointer);
}

void imbrex::copyBox(Lowering &l, Value to, Value map, ArrayRef<Value> place, Value barrier) {
  Values operands{sharedAddress(l, to), map, sharedAddress(l, barrier)};
  llvm::append_range(operands, place);
  assemble(l, {}, operands, boxAssembly(place.size()));
}

void imbrex::sendBox(Lowering &l, Value from, Value map, ArrayRef<Value> place) {
  Values operands{sharedAddress(l, from), map};
  llvm::append_range(operands, place);
  assemble(l, {}, operands, sentBoxAssembly(place.size()));
}

void imbrex::commitSends(Lowering &l) { pass(l, kSends, {}); }
void imbrex::waitForSends(Lowering &l) { pass(l, kSent, {}); }

//===----------------------------------------------------------------------===//
// Recognition
//===----------------------------------------------------------------------===//

/// The types of what the assembly gives.
static SmallVector<Type> resultsOf(LLVM::InlineAsmOp assembly) {
  if (assembly->getNumResults() == 0)
    return {};
  Type type = assembly->getResult(0).getType();
  if (auto structure = dyn_cast<LLVM::LLVMStructType>(type))
    return SmallVector<Type>(structure.getBody());
  return {type};
}

static bool isText(LLVM::InlineAsmOp assembly, const Assembly &expected) {
  return assembly.getAsmString() == expected.text && assembly.getConstraints() == expected.constraints;
}

static bool isTied(LLVM::InlineAsmOp assembly) {
  SmallVector<Type> results = resultsOf(assembly);
  StringRef text = assembly.getAsmString(), number = text;
  bool isWait = number.consume_front(kWait) && number.consume_back(";") && number.size() == 1 && number[0] >= '0' &&
                number[0] <= '7';                     // groups in flight: PTX ISA, "wgmma.wait_group"
  const bool ties = text.empty() && !results.empty(); // wgmmaTie
  if (!isWait && !ties && text != kFence && text != kCommit && text != kProxy && text != kSends && text != kSent)
    return false;
  bool areRegisters = llvm::all_of(results, [](Type type) { return type.isF32() || type.isInteger(32); }) &&
                      llvm::equal(assembly->getOperandTypes(), results) &&
                      (results.empty() || isWait || ties || text == kFence);
  return areRegisters && isText(assembly, tied(text, results));
}

static bool isWgmma(LLVM::InlineAsmOp assembly) {
  Builder b(assembly.getContext());
  SmallVector<Type> results = resultsOf(assembly);
  unsigned columns = 2 * results.size();
  if (columns < 8 || columns > layout::kWgmmaColumns || columns % 8 != 0 || !llvm::all_equal(results))
    return false;
  for (Type element : {Type(b.getI8Type()), Type(b.getF16Type()), Type(b.getBF16Type()), Type(b.getF32Type()),
                       Type(b.getType<Float8E4M3FNType>()), Type(b.getType<Float8E5M2Type>())})
    for (unsigned bits = 0; bits < 32; ++bits) {
      WgmmaForm form{element,         columns,         (bits & 1) != 0, (bits & 2) != 0,
                     (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0};
      if (results.front() != sumType(form) || !isText(assembly, wgmmaAssembly(form)))
        continue;
      SmallVector<Type> operands(form.adds ? results.size() : 0, results.front());
      if (form.aInRegisters)
        operands.append(4, b.getI32Type());
      operands.append((form.aInRegisters ? 1 : 2) * (form.makesDescriptors ? 2 : 1), b.getI64Type());
      OperandRange given = assembly->getOperands();
      return llvm::equal(given.getTypes(), operands) &&
             (!form.makesDescriptors || (matchPattern(given.back(), m_Constant()) &&
                                         (form.aInRegisters || matchPattern(given.drop_back(2).back(), m_Constant()))));
    }
  return false;
}

/// A box that is copied to shared memory, or sent from there.
static bool isBoxCopy(LLVM::InlineAsmOp assembly) {
  TypeRange types = assembly->getOperandTypes();
  if (assembly->getNumResults() != 0 || types.size() < 3 || types.size() > 8)
    return false;
  auto map = dyn_cast<BlockArgument>(assembly->getOperand(1)); // a parameter
  return map && map.getOwner()->isEntryBlock() && isa<LLVM::LLVMPointerType>(types[1]) &&
         llvm::all_of(llvm::enumerate(types),
                      [](auto each) { return each.index() == 1 || each.value().isInteger(32); }) &&
         (isText(assembly, boxAssembly(types.size() - 3)) || isText(assembly, sentBoxAssembly(types.size() - 2)));
}

static bool isHold(LLVM::InlineAsmOp assembly) {
  TypeRange types = assembly->getOperandTypes();
  return assembly->getNumResults() == 0 && types.size() == 1 && types.front().isF32() &&
         isText(assembly, {kHold.str(), "f," + kMemory.str()});
}

bool imbrex::isWarpgroupAssembly(LLVM::InlineAsmOp assembly) {
  return isTied(assembly) || isHold(assembly) || isWgmma(assembly) || isBoxCopy(assembly);
}
