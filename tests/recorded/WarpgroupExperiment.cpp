//===- WarpgroupExperiment.cpp - wgmma, its groups and its fences ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One warpgroup multiplies an A of its registers or of shared memory by a B of shared memory. Forms that only order
// stand in the same kernel around a product of integers, which is exact.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/KernelText.h"
#include "tests/recorded/WarpgroupProduct.h"

using namespace imbrex;
using namespace imbrex::recorded;

namespace {

constexpr std::string_view kExact = "wgmma.mma_async.sync.aligned.m64n8k32.s32.s8.s8 "
                                    "{b32, b32, b32, b32}, {b32, b32, b32, b32}, b64, p, 0, 0";

class ProductKernel {
public:
  ProductKernel(const ListedForm &listed, const Form &instruction, const WarpgroupProduct &product)
      : text(listed), instruction(instruction), product(product) {}
  ExperimentResult make();

private:
  std::string bring(const OperandPlan &plan, unsigned rows, unsigned from);
  void multiply(const WarpgroupProduct::Variant &variant, const std::string &a, const std::string &b,
                const std::string &before, const std::string &scale);

  KernelText text;
  Form instruction;
  WarpgroupProduct product;
};

std::string joined(const std::vector<std::string> &registers) {
  std::string list;
  for (const std::string &reg : registers)
    list += (list.empty() ? "" : ", ") + reg;
  return "{" + list + "}";
}

/// Stores 16 bytes `rows` times a thread of a new input to shared memory from byte `from`; the matrix descriptor.
std::string ProductKernel::bring(const OperandPlan &plan, unsigned rows, unsigned from) {
  constexpr unsigned kRow = WarpgroupProduct::kRow;
  std::string source = text.inputAddress(plan, rows * kRow * 8 / plan.type.bits), base = text.fresh(32);
  std::string x = text.fresh(32), row = text.fresh(32);
  text.line("mov.b32 " + base + ", buffer");
  text.line("mov.u32 " + x + ", %tid.x");
  text.line("mad.lo.s32 " + row + ", " + x + ", " + std::to_string(kRow) + ", " + base);
  for (unsigned i = 0; i < rows; ++i) {
    std::string list = joined({text.fresh(32), text.fresh(32), text.fresh(32), text.fresh(32)});
    text.line("ld.global.v4.b32 " + list + ", [" + source + "+" + std::to_string(i * kRow) + "]");
    text.line("st.shared.v4.b32 [" + row + "+" + std::to_string(from + i * KernelText::kBlock * kRow) + "], " + list);
  }
  // Bits 0 to 13 the address, 16 to 29 the leading offset, 32 to 45 the stride, each in units of 16 bytes.
  constexpr uint64_t kShape = uint64_t(WarpgroupProduct::kLeading / 16) << 16 | uint64_t(WarpgroupProduct::kStride / 16)
                                                                                    << 32;
  std::string at = text.fresh(32), unit = text.fresh(32), wide = text.fresh(64), descriptor = text.fresh(64);
  text.line("add.u32 " + at + ", " + base + ", " + std::to_string(from));
  text.line("shr.u32 " + unit + ", " + at + ", 4");
  text.line("cvt.u64.u32 " + wide + ", " + unit);
  text.line("or.b64 " + descriptor + ", " + wide + ", " + std::to_string(kShape));
  return descriptor;
}

/// The listed form where it is of that kind, else the usual one.
std::string spelled(const Form &listed, std::string_view modifier, const std::string &usual) {
  return listed.has(modifier) ? listed.instruction() : usual;
}

void ProductKernel::multiply(const WarpgroupProduct::Variant &variant, const std::string &a, const std::string &b,
                             const std::string &before, const std::string &scale) {
  std::vector<std::string> sums;
  for (unsigned i = 0; i < product.n / 2; ++i) {
    sums.push_back(text.fresh(32));
    text.line("mov.b32 " + sums.back() + ", " + before);
  }
  std::string literals = variant.literals(product);
  text.line("wgmma.fence.sync.aligned");
  text.line(instruction.instruction() + " " + joined(sums) + ", " + a + ", " + b + ", " + scale +
            (literals.empty() ? "" : ", " + literals));
  text.line("wgmma.commit_group.sync.aligned");
  text.line("wgmma.wait_group.sync.aligned 0");
  for (unsigned kept : product.keptRegisters())
    text.output(sums[kept], {product.integers ? ValueType::Signed : ValueType::Float, 32}, literals);
}

ExperimentResult ProductKernel::make() {
  bool floats = product.type.isFloat(), tf32 = instruction.has("tf32");
  OperandPlan element{tf32 ? ValueType{ValueType::Float, 32} : product.type,
                      product.integers ? OperandPlan::Value : OperandPlan::Moderate};
  OperandPlan word = element;
  word.type = floats ? ValueType{product.type.kind, 16, 2} : tf32 ? element.type : ValueType{ValueType::Bits, 32};
  unsigned rowsOfA = product.sharedA, bytes = KernelText::kBlock * WarpgroupProduct::kRow;
  text.declareShared(bytes * (rowsOfA + product.rowsOfB()));
  std::string a;
  if (product.sharedA)
    a = bring(element, 1, 0);
  else
    a = joined({text.input(word), text.input(word), text.input(word), text.input(word)});
  std::string b = bring(element, product.rowsOfB(), bytes * rowsOfA);
  std::string before = text.input({{product.integers ? ValueType::Bits : ValueType::Float, 32},
                                   product.integers ? OperandPlan::Value : OperandPlan::Moderate});
  std::string scale = text.fresh(1);
  text.line("setp.ne.b32 " + scale + ", 1, 0");
  text.line(spelled(text.form(), "proxy", "fence.proxy.async.shared::cta"));
  text.line("bar.sync 0");
  for (const WarpgroupProduct::Variant &variant : product.variants())
    multiply(variant, a, b, before, scale);
  return text.finish();
}

} // namespace

ExperimentResult recorded::warpgroupExperiment(const ListedForm &listed) {
  std::optional<Form> form = Form::parse(listed.form), exact = Form::parse(kExact);
  std::string words = form->text();
  bool orders = words == "wgmma.fence.sync.aligned" || words == "wgmma.commit_group.sync.aligned" ||
                words == "wgmma.wait_group.sync.aligned 0" || words == "fence.proxy.async.shared::cta";
  const Form &instruction = orders ? *exact : *form;
  std::optional<WarpgroupProduct> product = WarpgroupProduct::parse(instruction);
  if (!product)
    return {std::nullopt, "no recipe for its operands"};
  return ProductKernel(listed, instruction, *product).make();
}
