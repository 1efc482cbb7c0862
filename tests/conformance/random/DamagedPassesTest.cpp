//===- DamagedPassesTest.cpp - Random programs find wrong passes ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The passes on tiles are run one by one on random programs; behind one of them the program is damaged as
// a mistake in that pass would: a bound off by one, a mask dropped, a fold wrong. Each damage must make the
// result of some program, one of the first few hundred, differ from the text as emitted. Undamaged, none does.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "compiler/tile/Passes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "tests/conformance/random/ProgramMemory.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;
namespace arith = mlir::arith;
namespace scf = mlir::scf;

namespace {

constexpr uint64_t kMostPrograms = 2000;

/// Changes the program; what it does not find to change stays as it is.
using Damage = llvm::function_ref<void(mlir::ModuleOp)>;

mlir::Value plus(mlir::Operation *before, mlir::Value value, int64_t amount) {
  mlir::OpBuilder b(before);
  mlir::Value one = arith::ConstantOp::create(b, before->getLoc(), b.getIntegerAttr(value.getType(), amount));
  return arith::AddIOp::create(b, before->getLoc(), value, one);
}

/// Writes functions in steps that round to f32, which the interpreter does not: what comes behind it means the
/// same only on a device.
constexpr llvm::StringLiteral kExpandMath = "tile-expand-math";

/// The tile text after the passes, with the damage done behind pass `name` if it is one of them. Ends before
/// kExpandMath unless that is the damaged one.
std::string runDamaged(const std::string &text, llvm::StringRef name, Damage damage) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<tile::TileDialect, arith::ArithDialect, mlir::math::MathDialect, scf::SCFDialect,
                      mlir::func::FuncDialect>();
  std::string errors;
  mlir::ScopedDiagnosticHandler quiet(&context, [&](mlir::Diagnostic &diagnostic) {
    errors += diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error ? diagnostic.str() + "\n" : "";
  });
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  mlir::PassManager all(&context);
  buildTilePipeline(all);
  bool isDone = false;
  for (mlir::Pass &pass : all.getPasses()) {
    // A nested pass stands in an adaptor that prints as its pipeline.
    std::string printed;
    llvm::raw_string_ostream stream(printed);
    pass.printAsTextualPipeline(stream);
    if (name != kExpandMath && llvm::StringRef(printed).contains(kExpandMath))
      break;
    mlir::PassManager one(&context);
    if (mlir::failed(mlir::parsePassPipeline(printed, one)) || mlir::failed(one.run(*module))) {
      ADD_FAILURE() << printed << " fails on the damaged program: " << errors;
      return "";
    }
    if (!isDone && llvm::StringRef(printed).contains(name)) {
      damage(*module);
      isDone = true;
    }
  }
  std::string result;
  llvm::raw_string_ostream(result) << *module;
  return result;
}

/// "" or how the damaged program differs from the text as emitted; damage of kExpandMath: from the undamaged one.
std::string differs(uint64_t seed, llvm::StringRef pass, Damage damage) {
  Program program = generateProgram(seed);
  CompileResult tile = compile({"random.tile", program.text}, program.options, Stage::Tile);
  if (!tile.kernel)
    return "";
  std::vector<Bytes> expected = initialMemory(program), actual = expected;
  std::string right =
      pass == kExpandMath ? runDamaged(tile.kernel->code, pass, [](mlir::ModuleOp) {}) : tile.kernel->code;
  EXPECT_EQ(interpretProgram(program, right, expected), "") << "seed " << seed;
  std::string text = runDamaged(tile.kernel->code, pass, damage);
  if (std::string error = interpretProgram(program, text, actual); !error.empty())
    return error;
  return compareMemory(program, expected, actual);
}

void expectFound(llvm::StringRef pass, llvm::StringRef what, Damage damage) {
  for (uint64_t seed = 0; seed < kMostPrograms; ++seed)
    if (std::string difference = differs(seed, pass, damage); !difference.empty()) {
      std::printf("  %s, %s: found by program %llu: %s\n", pass.str().c_str(), what.str().c_str(),
                  (unsigned long long)seed, difference.c_str());
      return;
    }
  ADD_FAILURE() << pass.str() << ", " << what.str() << ": not found by " << kMostPrograms << " programs";
}

struct Registered : testing::Test {
  static void SetUpTestSuite() {
    registerTilePasses();
    mlir::registerTransformsPasses();
  }
};
using DamagedPasses = Registered;

/// Loops whose bound was computed, not given: by tile-bound-loops.
template <typename Fn> void onBoundedLoops(mlir::ModuleOp module, Fn fn) {
  module.walk([&](scf::ForOp loop) {
    if (loop.getUpperBound().getDefiningOp<arith::MinSIOp>())
      fn(loop);
  });
}

TEST_F(DamagedPasses, NoneUndamaged) {
  for (uint64_t seed = 0; seed < 40; ++seed)
    EXPECT_EQ(differs(seed, "tile-bound-loops", [](mlir::ModuleOp) {}), "") << "seed " << seed;
}

TEST_F(DamagedPasses, BoundLoops) {
  const char *pass = "tile-bound-loops";
  expectFound(pass, "last iteration left out", [](mlir::ModuleOp module) {
    onBoundedLoops(module, [](scf::ForOp loop) { loop.setUpperBound(plus(loop, loop.getUpperBound(), -1)); });
  });
  expectFound(pass, "first iteration left out", [](mlir::ModuleOp module) {
    onBoundedLoops(module, [](scf::ForOp loop) { loop.setLowerBound(plus(loop, loop.getLowerBound(), 1)); });
  });
  expectFound(pass, "loads narrowed by one more at the end", [](mlir::ModuleOp module) {
    module.walk([&](tile::LoadOp load) {
      for (unsigned i = 0; i < load.getWithin().size(); ++i)
        load.getHighMutable().slice(i, 1).assign(plus(load, load.getHigh()[i], -1));
    });
  });
  expectFound(pass, "loads narrowed by one more at the beginning", [](mlir::ModuleOp module) {
    module.walk([&](tile::LoadOp load) {
      for (unsigned i = 0; i < load.getWithin().size(); ++i)
        load.getLowMutable().slice(i, 1).assign(plus(load, load.getLow()[i], 1));
    });
  });
}

/// Branches of tile-split-masks: one yields what the other selects from.
template <typename Fn> void onSplits(mlir::ModuleOp module, Fn fn) {
  module.walk([&](scf::IfOp branch) {
    if (branch.getNumResults() == 1 && mlir::isa<mlir::RankedTensorType>(branch.getResultTypes()[0]) &&
        branch.elseBlock() && branch.elseYield().getOperand(0).getDefiningOp<arith::SelectOp>())
      fn(branch);
  });
}

TEST_F(DamagedPasses, SplitMasks) {
  const char *pass = "tile-split-masks";
  expectFound(pass, "mask dropped", [](mlir::ModuleOp module) {
    onSplits(module, [](scf::IfOp branch) {
      mlir::OpBuilder b(branch);
      branch.getConditionMutable().assign(arith::ConstantOp::create(b, branch.getLoc(), b.getBoolAttr(true)));
    });
  });
  expectFound(pass, "test off by one", [](mlir::ModuleOp module) {
    module.walk([&](arith::CmpIOp cmp) { // form <= 0 becomes form - 1 <= 0
      if (cmp.getLhs().getType().isInteger(64) && cmp.getPredicate() == arith::CmpIPredicate::sle &&
          mlir::matchPattern(cmp.getRhs(), mlir::m_Zero()))
        cmp.getLhsMutable().assign(plus(cmp, cmp.getLhs(), -1));
    });
  });
  expectFound(pass, "sides exchanged", [](mlir::ModuleOp module) {
    onSplits(module, [](scf::IfOp branch) {
      auto select = branch.elseYield().getOperand(0).getDefiningOp<arith::SelectOp>();
      mlir::Value shown = select.getTrueValue();
      select.getTrueValueMutable().assign(select.getFalseValue());
      select.getFalseValueMutable().assign(shown);
    });
  });
}

TEST_F(DamagedPasses, NarrowComparisons) {
  const char *pass = "tile-narrow-comparisons";
  auto onTiles = [](mlir::ModuleOp module, llvm::function_ref<void(arith::CmpIOp)> fn) {
    module.walk([&](arith::CmpIOp cmp) {
      if (mlir::isa<mlir::RankedTensorType>(cmp.getLhs().getType()) && cmp.getRhs().getDefiningOp())
        fn(cmp);
    });
  };
  expectFound(pass, "<= becomes <", [&](mlir::ModuleOp module) {
    onTiles(module, [](arith::CmpIOp cmp) {
      if (cmp.getPredicate() == arith::CmpIPredicate::sle)
        cmp.setPredicate(arith::CmpIPredicate::slt);
    });
  });
  expectFound(pass, "> becomes >=", [&](mlir::ModuleOp module) {
    onTiles(module, [](arith::CmpIOp cmp) {
      if (cmp.getPredicate() == arith::CmpIPredicate::sgt)
        cmp.setPredicate(arith::CmpIPredicate::sge);
    });
  });
  expectFound(pass, "not clamped", [](mlir::ModuleOp module) {
    module.walk([](arith::MinSIOp clamp) {
      if (mlir::getElementTypeOrSelf(clamp).isInteger(64))
        if (auto low = clamp.getLhs().getDefiningOp<arith::MaxSIOp>())
          clamp.replaceAllUsesWith(low.getLhs());
    });
  });
}

TEST_F(DamagedPasses, SkipInstances) {
  const char *pass = "tile-skip-instances";
  auto onTests = [](mlir::ModuleOp module, llvm::function_ref<void(scf::IfOp, arith::CmpIOp)> fn) {
    module.walk([&](scf::IfOp branch) {
      auto some = branch.getCondition().getDefiningOp<arith::XOrIOp>();
      if (auto behind = some ? some.getLhs().getDefiningOp<arith::CmpIOp>() : arith::CmpIOp())
        fn(branch, behind);
    });
  };
  expectFound(pass, "instances with rows skipped", [&](mlir::ModuleOp module) {
    onTests(module, [](scf::IfOp branch, arith::CmpIOp behind) { branch.getConditionMutable().assign(behind); });
  });
  expectFound(pass, "skipped a row early", [&](mlir::ModuleOp module) {
    onTests(module,
            [](scf::IfOp, arith::CmpIOp behind) { behind.getLhsMutable().assign(plus(behind, behind.getLhs(), 1)); });
  });
}

/// Adds 1 to the last integer constant, scalar or of a tile, that arithmetic uses.
void spoilIntegerConstant(mlir::ModuleOp module) {
  arith::ConstantOp last;
  module.walk([&](arith::ConstantOp constant) {
    if (constant.getType().isInteger(32) && llvm::any_of(constant->getUsers(), [](mlir::Operation *user) {
          return mlir::isa<arith::AddIOp, arith::MulIOp, arith::CmpIOp>(user);
        }))
      last = constant;
  });
  if (last)
    last.setValueAttr(
        mlir::IntegerAttr::get(last.getType(), mlir::cast<mlir::IntegerAttr>(last.getValue()).getInt() + 1));
}

TEST_F(DamagedPasses, Folds) {
  expectFound("canonicalize", "a constant off by one", spoilIntegerConstant);
  expectFound("cse", "one comparison taken for another", [](mlir::ModuleOp module) {
    arith::CmpIOp first;
    module.walk([&](arith::CmpIOp cmp) {
      if (first && cmp.getType() == first.getType() && cmp->getBlock() == first->getBlock())
        cmp.replaceAllUsesWith(first.getResult());
      else
        first = cmp;
    });
  });
  expectFound("loop-invariant-code-motion", "a value of the iteration before", [](mlir::ModuleOp module) {
    module.walk([&](scf::ForOp loop) {
      mlir::Value first = loop.getLowerBound();
      for (mlir::OpOperand &use : llvm::make_early_inc_range(loop.getInductionVar().getUses()))
        if (mlir::isa<arith::MulIOp>(use.getOwner()))
          use.set(first);
    });
  });
}

TEST_F(DamagedPasses, ExpandMath) {
  expectFound(kExpandMath, "a coefficient wrong by a hundredth", [](mlir::ModuleOp module) {
    module.walk([&](mlir::math::FmaOp fma) {
      mlir::DenseFPElementsAttr value;
      auto constant = fma.getC().getDefiningOp<arith::ConstantOp>();
      if (!constant || !mlir::matchPattern(fma.getC(), mlir::m_Constant(&value)) || !value.isSplat())
        return;
      double wrong = value.getSplatValue<llvm::APFloat>().convertToDouble() * 1.01;
      auto type = mlir::cast<mlir::RankedTensorType>(constant.getType());
      constant.setValueAttr(
          mlir::SplatElementsAttr::get(type, mlir::Attribute(mlir::FloatAttr::get(type.getElementType(), wrong))));
    });
  });
  expectFound(kExpandMath, "cdiv rounded down", [](mlir::ModuleOp module) {
    module.walk([&](arith::SelectOp select) {
      if (!mlir::getElementTypeOrSelf(select).isInteger(32))
        return;
      if (select.getTrueValue().getDefiningOp<arith::AddIOp>() &&
          select.getFalseValue().getDefiningOp<arith::DivSIOp>())
        select.replaceAllUsesWith(select.getFalseValue());
    });
  });
}

} // namespace
