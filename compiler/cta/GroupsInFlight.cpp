//===- GroupsInFlight.cpp - Which groups of copies may be on their way ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks the kernel with the copies that have been started. Over a loop the walk is repeated until what is known
// at its head stays: it only ever becomes less.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/GroupsInFlight.h"
#include "compiler/tile/LinearForms.h"
#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

namespace {

/// A copy that was started and perhaps has not arrived.
struct Copy {
  Value ring;
  LinearForm step;
  unsigned younger = 0;   ///< groups committed behind its own
  bool committed = false; ///< else its group is still open
  bool arrived = false;   ///< some get has waited for it

  bool isOf(Value otherRing, const LinearForm &otherStep) const {
    std::optional<LinearForm> difference = step.plus(otherStep, -1);
    return ring == otherRing && difference && difference->isConstant() && difference->constant == 0;
  }
};
/// What is known of the copies that were started; those not listed are unknown.
struct Copies : SmallVector<Copy> {
  bool isQuiet = false; ///< all have arrived, the unknown ones too
};

class GroupsInFlight {
public:
  void visit(Block &block, Copies &copies);

private:
  void visitLoop(scf::ForOp loop, Copies &copies);
  void visitGet(cta::GetOp get, Copies &copies);

  LinearForms forms{LinearForms::Wrap::Modular}; ///< steps are numbers modulo 2^32
};

} // namespace

/// More would not fit a loop that anyone writes; the oldest are forgotten, which is safe.
static constexpr unsigned kMostCopies = 64;

/// What is known on both ways.
static Copies join(const Copies &x, const Copies &y) {
  Copies both;
  both.isQuiet = x.isQuiet && y.isQuiet;
  for (const Copy &copy : x)
    for (const Copy &other : y)
      if (copy.committed && other.committed && copy.isOf(other.ring, other.step)) {
        both.push_back(copy);
        both.back().younger = std::min(copy.younger, other.younger);
        both.back().arrived = copy.arrived && other.arrived;
      }
  return both;
}

static bool isSame(const Copies &x, const Copies &y) {
  return x.isQuiet == y.isQuiet && llvm::equal(x, y, [](const Copy &a, const Copy &b) {
           return a.isOf(b.ring, b.step) && a.younger == b.younger && a.arrived == b.arrived;
         });
}

/// The copies with `by` times `factor` added to their steps; those whose form gets too large are forgotten.
static Copies shifted(const Copies &copies, const LinearForm &by, int64_t factor) {
  Copies result;
  result.isQuiet = copies.isQuiet;
  for (const Copy &copy : copies)
    if (std::optional<LinearForm> step = copy.step.plus(by, factor)) {
      result.push_back(copy);
      result.back().step = *step;
    }
  return result;
}

static bool isByGroups(Value ring) {
  return cast<cta::RingType>(ring.getType()).getCompletion() == cta::Completion::Groups;
}

void GroupsInFlight::visitGet(cta::GetOp get, Copies &copies) {
  if (!isByGroups(get.getRing()))
    return;
  get.setArrived(false);
  std::optional<LinearForm> step = forms.ofScalar(get.getStep());
  auto found =
      step ? llvm::find_if(copies, [&](const Copy &copy) { return copy.isOf(get.getRing(), *step); }) : copies.end();
  if (copies.isQuiet || (found != copies.end() && found->arrived)) {
    get.removePendingAttr();
    return get.setArrived(true);
  }
  unsigned pending = found != copies.end() && found->committed ? found->younger : 0;
  get.setPending(pending);
  for (Copy &copy : copies)
    copy.arrived |= copy.committed && copy.younger >= pending;
  copies.isQuiet = pending == 0;
}

void GroupsInFlight::visitLoop(scf::ForOp loop, Copies &copies) {
  // The form of the induction variable less that of the lower bound: 0 in the first iteration.
  LinearForm index;
  index.scalars[loop.getInductionVar()] = 1;
  std::optional<LinearForm> first = forms.ofScalar(loop.getLowerBound());
  std::optional<LinearForm> offset = first ? index.plus(*first, -1) : std::nullopt;
  APInt step;
  if (!offset || !matchPattern(loop.getStep(), m_ConstantInt(&step))) {
    copies = Copies();
    visit(*loop.getBody(), copies);
    copies = Copies();
    return;
  }
  const Copies entry = shifted(copies, *offset, 1);
  Copies head = entry;
  while (true) {
    Copies end = head;
    visit(*loop.getBody(), end);
    for (Copy &copy : end) {
      LinearForm back;
      back.constant = copy.step.coefficient(loop.getInductionVar()) * step.getSExtValue();
      if (std::optional<LinearForm> next = copy.step.plus(back, -1))
        copy.step = *next;
      else
        copy.committed = false;
    }
    Copies next = join(entry, end);
    if (isSame(next, head))
      break;
    head = next;
  }
  // Behind the loop the induction variable is the upper bound, if that is not below the lower one for certain.
  std::optional<LinearForm> bound = forms.ofScalar(loop.getUpperBound());
  auto larger = loop.getUpperBound().getDefiningOp<arith::MaxSIOp>();
  bool isOrdered = larger && llvm::is_contained(larger->getOperands(), loop.getLowerBound());
  std::optional<LinearForm> rest = bound && isOrdered ? bound->plus(index, -1) : std::nullopt;
  copies = Copies();
  copies.isQuiet = head.isQuiet;
  if (rest && step.isOne())
    for (const Copy &copy : head)
      if (std::optional<LinearForm> at = copy.step.plus(*rest, copy.step.coefficient(loop.getInductionVar()))) {
        copies.push_back(copy);
        copies.back().step = *at;
      }
}

void GroupsInFlight::visit(Block &block, Copies &copies) {
  for (Operation &op : block) {
    if (auto put = dyn_cast<cta::PutOp>(op); put && isByGroups(put.getRing())) {
      copies.isQuiet = false;
      if (std::optional<LinearForm> step = forms.ofScalar(put.getStep()))
        copies.push_back({put.getRing(), *step});
      if (copies.size() > kMostCopies)
        copies.erase(copies.begin());
    } else if (isa<cta::CommitOp>(op)) {
      for (Copy &copy : copies) {
        copy.younger += copy.committed;
        copy.committed = true;
      }
    } else if (auto get = dyn_cast<cta::GetOp>(op)) {
      visitGet(get, copies);
    } else if (auto roles = dyn_cast<cta::RolesOp>(op)) {
      visit(roles.getCompute().front(), copies);
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      visitLoop(loop, copies);
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      Copies then = copies, otherwise = copies;
      visit(*branch.thenBlock(), then);
      if (branch.elseBlock())
        visit(*branch.elseBlock(), otherwise);
      copies = join(then, otherwise);
    }
  }
}

void imbrex::countPending(func::FuncOp kernel) {
  Copies copies;
  for (Block &block : kernel.getBody())
    GroupsInFlight().visit(block, copies);
}
