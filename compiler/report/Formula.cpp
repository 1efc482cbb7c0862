//===- Formula.cpp - Index arithmetic as a person would write it ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A value is transparent (a cast), part of a sum, or an atom: a leaf (an extent, a position), or an operator of a short
// list over sums.
//
//===----------------------------------------------------------------------===//

#include "compiler/report/Formula.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace imbrex;

/// `value` without casts between integers.
static Value skipCasts(Value value) {
  while (auto *op = value.getDefiningOp()) {
    if (!isa<arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp, arith::IndexCastOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

static std::optional<int64_t> constantOf(Value value) {
  APInt number;
  if (matchPattern(skipCasts(value), m_ConstantInt(&number)) && number.getBitWidth() <= 64)
    return number.getSExtValue();
  return std::nullopt;
}

/// x and c of what the compiler makes of cdiv(x, c), x of any sign: q = x / c, and q + 1 where q c is not x and x > 0.
static std::optional<std::pair<Value, int64_t>> matchCeil(Value value) {
  auto select = skipCasts(value).getDefiningOp<arith::SelectOp>();
  auto next = select ? select.getTrueValue().getDefiningOp<arith::AddIOp>() : arith::AddIOp();
  auto quotient = select ? select.getFalseValue().getDefiningOp<arith::DivSIOp>() : arith::DivSIOp();
  if (!next || !quotient || constantOf(next.getRhs()) != 1 || next.getLhs() != quotient.getResult())
    return std::nullopt;
  std::optional<int64_t> divisor = constantOf(quotient.getRhs());
  if (!divisor || *divisor <= 0)
    return std::nullopt;
  return std::pair(quotient.getLhs(), *divisor);
}

static bool isOperator(Operation *op) {
  return op && isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
                   arith::CeilDivSIOp, arith::FloorDivSIOp, arith::MaxSIOp, arith::MinSIOp, arith::SelectOp,
                   arith::CmpIOp, arith::AndIOp, arith::OrIOp>(op);
}

static SmallVector<Value> operandsOf(Value value) {
  if (std::optional<std::pair<Value, int64_t>> ceil = matchCeil(value))
    return {ceil->first};
  Operation *op = skipCasts(value).getDefiningOp();
  return isOperator(op) ? SmallVector<Value>(op->getOperands()) : SmallVector<Value>();
}

void FormulaWriter::count(Value value) {
  value = skipCasts(value);
  if (++uses[value] > 1) // what it is made of was counted then
    return;
  for (Value operand : operandsOf(value))
    count(operand);
}

void FormulaWriter::share(ArrayRef<Value> values) {
  for (Value value : values)
    count(value);
}

std::string FormulaWriter::leaf(Value value) {
  if (std::optional<int64_t> number = constantOf(value))
    return std::to_string(*number);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *owner = argument.getOwner()->getParentOp();
    auto function = dyn_cast<FunctionOpInterface>(owner);
    if (auto name =
            function ? function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), tile::kNameAttr) : StringAttr())
      return name.str();
    auto loop = dyn_cast<scf::ForOp>(owner);
    return loop && loop.getInductionVar() == value ? "round" : "carried";
  }
  if (auto extent = value.getDefiningOp<tile::ExtentOp>()) {
    std::string view = leaf(extent.getView());
    for (const Parameter &parameter : interface.parameters)
      if (parameter.name == view && extent.getDim() < parameter.extents.size())
        return parameter.extents[extent.getDim()].infix();
    return "extent(" + view + ", " + std::to_string(extent.getDim()) + ")";
  }
  if (auto place = value.getDefiningOp<tile::ProgramIdOp>())
    return "grid." + std::string(1, "xyz"[std::min<unsigned>(place.getAxis(), 2)]);
  return value.getDefiningOp()->getName().stripDialect().str();
}

void FormulaWriter::Sum::add(const std::string &term, int64_t times) {
  auto found = llvm::find_if(terms, [&](const auto &entry) { return entry.first == term; });
  if (found == terms.end())
    terms.emplace_back(term, times);
  else
    found->second += times;
}

std::string FormulaWriter::Sum::text() const {
  std::string result;
  auto append = [&](bool isNegative, const std::string &what) {
    result += result.empty() ? (isNegative ? "-" : "") : isNegative ? " - " : " + ";
    result += what;
  };
  for (bool isNegative : {false, true}) // what is added first: "Sk - Sq", not "-Sq + Sk"
    for (const auto &[term, times] : terms)
      if (times != 0 && (times < 0) == isNegative)
        append(isNegative, term + (std::abs(times) == 1 ? "" : " * " + std::to_string(std::abs(times))));
  if (number != 0 || result.empty())
    append(number < 0, std::to_string(std::abs(number)));
  return result;
}

std::optional<bool> FormulaWriter::decide(Value condition) {
  if (std::optional<int64_t> constant = constantOf(condition))
    return *constant != 0;
  auto compare = condition.getDefiningOp<arith::CmpIOp>();
  if (!compare || compare.getPredicate() >= arith::CmpIPredicate::ult)
    return std::nullopt;
  Sum difference; // names that are only asked for here are not told
  auto named = names;
  auto defined = definitions;
  gather(compare.getLhs(), 1, difference);
  gather(compare.getRhs(), -1, difference);
  names = std::move(named);
  definitions = std::move(defined);
  if (llvm::any_of(difference.terms, [](const auto &term) { return term.second != 0; }))
    return std::nullopt;
  return arith::applyCmpPredicate(compare.getPredicate(), APInt(64, uint64_t(difference.number), true), APInt(64, 0));
}

Value FormulaWriter::settle(Value value) {
  for (;;) {
    value = skipCasts(value);
    auto select = value.getDefiningOp<arith::SelectOp>();
    std::optional<bool> taken = select ? decide(select.getCondition()) : std::nullopt;
    if (!taken)
      return value;
    value = *taken ? select.getTrueValue() : select.getFalseValue();
  }
}

void FormulaWriter::gather(Value value, int64_t times, Sum &sum) {
  value = settle(value);
  Operation *op = value.getDefiningOp();
  if (std::optional<int64_t> number = constantOf(value)) {
    sum.number += times * *number;
  } else if (isa_and_nonnull<arith::AddIOp, arith::SubIOp>(op)) {
    gather(op->getOperand(0), times, sum);
    gather(op->getOperand(1), isa<arith::SubIOp>(op) ? -times : times, sum);
  } else if (auto mul = dyn_cast_or_null<arith::MulIOp>(op); mul && constantOf(mul.getRhs())) {
    gather(mul.getLhs(), times * *constantOf(mul.getRhs()), sum);
  } else {
    sum.add(atom(value), times);
  }
}

/// True if `text` has a blank outside brackets.
static bool isLoose(StringRef text) {
  int depth = 0;
  for (char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == ' ' && depth == 0)
      return true;
  }
  return false;
}

std::string FormulaWriter::write(Value value, bool isTight) {
  Sum sum;
  gather(value, 1, sum);
  std::string text = sum.text();
  return isTight && isLoose(text) ? "(" + text + ")" : text;
}

std::string FormulaWriter::atom(Value value) {
  if (auto named = names.find(value); named != names.end())
    return named->second;
  std::string text = atomAnew(value);
  constexpr size_t kShort = 8; // "Sk / 64" is told again
  if (uses.lookup(value) < 2 || text.size() <= kShort || operandsOf(value).empty())
    return text;
  for (const std::string &definition : definitions) // what is written alike is the same
    if (StringRef(definition).split(" = ").second == text)
      return StringRef(definition).split(" = ").first.str();
  std::string name = "t" + std::to_string(definitions.size());
  definitions.push_back(name + " = " + text);
  return names[value] = name;
}

std::string FormulaWriter::call(StringRef name, Operation *op) {
  std::string text = name.str() + "(";
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    text += (i ? ", " : "") + write(operand, false);
  return text + ")";
}

/// max or min of all that nested ones of the same kind take, each once.
std::string FormulaWriter::extremum(Operation *op) {
  bool isMax = isa<arith::MaxSIOp>(op);
  llvm::SmallVector<std::string> parts;
  std::optional<int64_t> number;
  llvm::SmallVector<Value> pending = {op->getOperand(1), op->getOperand(0)};
  while (!pending.empty()) {
    Value value = settle(pending.pop_back_val());
    Operation *inner = value.getDefiningOp();
    bool isSame = inner && inner->getName() == op->getName() && !names.contains(value);
    if (std::optional<int64_t> constant = constantOf(value))
      number = !number ? *constant : isMax ? std::max(*number, *constant) : std::min(*number, *constant);
    else if (isSame)
      pending.append({inner->getOperand(1), inner->getOperand(0)});
    else if (std::string text = write(value, false); !llvm::is_contained(parts, text))
      parts.push_back(std::move(text));
  }
  if (number && *number != std::numeric_limits<int32_t>::max())
    parts.insert(parts.begin(), std::to_string(*number));
  return parts.size() == 1 ? parts.front() : (isMax ? "max(" : "min(") + llvm::join(parts, ", ") + ")";
}

std::string FormulaWriter::infix(Operation *op, StringRef symbol) {
  return write(op->getOperand(0), true) + " " + symbol.str() + " " + write(op->getOperand(1), true);
}

std::string FormulaWriter::atomAnew(Value value) {
  if (std::optional<std::pair<Value, int64_t>> ceil = matchCeil(value))
    return "cdiv(" + write(ceil->first, false) + ", " + std::to_string(ceil->second) + ")";
  Operation *op = value.getDefiningOp();
  if (!isOperator(op))
    return leaf(value);
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case([&](arith::MulIOp mul) { return infix(mul, "*"); })
      .Case<arith::DivSIOp, arith::DivUIOp>([&](auto div) { return infix(div, "/"); })
      .Case([&](arith::RemSIOp rem) { return infix(rem, "%"); })
      .Case([&](arith::CeilDivSIOp div) { return call("cdiv", div); })
      .Case([&](arith::FloorDivSIOp div) { return call("floor_div", div); })
      .Case<arith::MaxSIOp, arith::MinSIOp>([&](auto most) { return extremum(most); })
      .Case([&](arith::SelectOp select) { return call("where", select); })
      .Case([&](arith::CmpIOp compare) {
        static constexpr StringRef kSymbols[] = {"==", "!=", "<", "<=", ">", ">=", "<", "<=", ">", ">="};
        return infix(compare, kSymbols[unsigned(compare.getPredicate())]);
      })
      .Case([&](arith::AndIOp both) { return infix(both, "&&"); })
      .Case([&](arith::OrIOp either) { return infix(either, "||"); })
      .Default([&](Operation *) { return leaf(value); });
}
