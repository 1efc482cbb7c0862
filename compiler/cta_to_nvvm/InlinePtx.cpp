//===- InlinePtx.cpp - Inline assembly ------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Assembly with side effects keeps its place among the accesses to memory.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/InlinePtx.h"
#include "compiler/MlirTypes.h"
#include "dialects/layout/Access.h"

using namespace mlir;
using namespace imbrex;

static LLVM::InlineAsmOp assemble(Lowering &l, TypeRange results, ValueRange operands, const Assembly &assembly,
                                  bool hasSideEffects = true) {
  return LLVM::InlineAsmOp::create(l.b, l.loc, results, operands, assembly.text, assembly.constraints, hasSideEffects,
                                   /*is_align_stack=*/false, LLVM::TailCallKind::None, LLVM::AsmDialectAttr(),
                                   ArrayAttr());
}

static unsigned bitsOf(Type element) { return element.getIntOrFloatBitWidth(); }

MemoryAdd imbrex::memoryAdd(Type element, unsigned count) {
  bool isHalf = bitsOf(element) == 16, isPair = isHalf && count > 1;
  std::string name = element.isBF16()          ? "bf16"
                     : isa<FloatType>(element) ? "f" + std::to_string(bitsOf(element))
                                               : "u" + std::to_string(bitsOf(element));
  std::string constraint = isPair                  ? "r"
                           : isHalf                ? "h"
                           : element.isF32()       ? "f"
                           : element.isF64()       ? "d"
                           : bitsOf(element) == 64 ? "l"
                                                   : "r";
  MemoryAdd add{"red.global.add", "l", element, isPair ? count / 2 : count};
  if (isHalf)
    add.type = IntegerType::get(element.getContext(), isPair ? 32 : 16);
  std::string operands;
  for (unsigned i = 1; i <= add.values; ++i) {
    operands += (i > 1 ? ", $" : "$") + std::to_string(i);
    add.constraints += "," + constraint;
  }
  add.text += isHalf ? ".noftz" : "";
  add.text += add.values > 1 ? ".v" + std::to_string(add.values) : "";
  add.text += "." + name + (isPair ? "x2" : "") + " [$0], ";
  add.text += (add.values > 1 ? "{" + operands + "}" : operands) + ";";
  return add;
}

/// Whether memory adds several elements of this type at once, on some target.
static bool hasVectorAdds(Type element) { return element.isF16() || element.isBF16() || element.isF32(); }

bool imbrex::isMemoryAdd(LLVM::InlineAsmOp assembly) {
  Builder b(assembly.getContext());
  ValueRange operands = assembly.getOperands();
  if (assembly->getNumResults() != 0 || operands.empty())
    return false;
  for (Type element : {Type(b.getF16Type()), Type(b.getBF16Type()), Type(b.getF32Type()), Type(b.getF64Type()),
                       Type(b.getI32Type()), Type(b.getI64Type())})
    for (unsigned count : {1, 2, 4, 8}) {
      MemoryAdd add = memoryAdd(element, count);
      if (count > 1 && !hasVectorAdds(element))
        continue;
      bool isAddress = isa<LLVM::LLVMPointerType>(operands[0].getType());
      if (count * bitsOf(element) <= 8 * layout::kAccessBytes && assembly.getAsmString() == add.text &&
          assembly.getConstraints() == add.constraints && isAddress && operands.size() == add.values + 1 &&
          llvm::all_of(operands.drop_front(), [&](Value value) { return value.getType() == add.type; }))
        return true;
    }
  return false;
}

bool imbrex::isVectorAdd(LLVM::InlineAsmOp assembly) { return assembly.getAsmString().contains(".v"); }

unsigned imbrex::memoryAddWidth(const Target &target, Type element, unsigned width) {
  return std::clamp(target.memoryAddBytes(*dataTypeOf(element)) / tile::elementBytes(element), 1u, width);
}

void imbrex::addInMemory(Lowering &l, Value pointer, ArrayRef<Value> elements) {
  Type element = elements[0].getType();
  MemoryAdd add = memoryAdd(element, elements.size());
  Values operands{pointer};
  unsigned each = elements.size() / add.values;
  for (unsigned i = 0; i < add.values; ++i) {
    Value value = each == 1 ? elements[i] : l.vectorOf(elements.slice(i * each, each));
    operands.push_back(value.getType() == add.type ? value
                                                   : Value(LLVM::BitcastOp::create(l.b, l.loc, add.type, value)));
  }
  assemble(l, TypeRange(), operands, {add.text, add.constraints});
}

static constexpr llvm::StringLiteral kWideProduct = "mul.wide.u32 $0, $1, $2;", kWideOperands = "=l,r,r";

Value imbrex::wideProduct(Lowering &l, Value a, Value b) {
  return assemble(l, l.b.getI64Type(), {a, b}, {kWideProduct.str(), kWideOperands.str()}, /*hasSideEffects=*/false)
      ->getResult(0);
}

bool imbrex::isWideProduct(LLVM::InlineAsmOp assembly) {
  auto isWord = [](Type type) { return type.isInteger(32); };
  return assembly.getAsmString() == kWideProduct && assembly.getConstraints() == kWideOperands &&
         assembly->getNumOperands() == 2 && llvm::all_of(assembly->getOperandTypes(), isWord) &&
         assembly->getNumResults() == 1 && assembly->getResult(0).getType().isInteger(64);
}

Value imbrex::pinned(Lowering &l, Value value) {
  llvm::StringRef constraints = value.getType().isF64() ? kPinF64 : kPinF32;
  return assemble(l, value.getType(), value, {"", constraints.str()})->getResult(0);
}
