//===- DamagedPassesTest.cpp - Random programs find wrong passes ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The passes on tiles are run one by one on random programs; behind one of them the program is damaged as
// a mistake in that pass would: a bound off by one, a mask dropped, a fold wrong. Each damage must make the
// result of some program, one of the first few hundred, differ from the text as emitted. Undamaged, none does. The list
// is PassDamages.h; which program finds which is printed.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "compiler/tile/Passes.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "tests/conformance/random/PassDamages.h"
#include "tests/conformance/random/ProgramMemory.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;
namespace arith = mlir::arith;
namespace scf = mlir::scf;

namespace {

constexpr uint64_t kMostPrograms = 8000;

/// Writes functions in steps that round to f32, which the interpreter does not: what comes behind it means the
/// same only on a device.
constexpr llvm::StringLiteral kExpandMath = "tile-expand-math";

/// On operations that were there before the damaged pass, while it runs: how many operands they had.
constexpr llvm::StringLiteral kWasThere = "was_there";

mlir::Attribute operandCount(mlir::Operation *op) {
  return mlir::IntegerAttr::get(mlir::IntegerType::get(op->getContext(), 64), op->getNumOperands());
}

std::string textualPipeline(mlir::Pass &pass) { // a nested pass stands in an adaptor that prints as its pipeline
  std::string printed;
  llvm::raw_string_ostream stream(printed);
  pass.printAsTextualPipeline(stream);
  return printed;
}

template <typename Fn> void onOperations(mlir::ModuleOp module, Fn fn) {
  for (mlir::func::FuncOp kernel : module.getOps<mlir::func::FuncOp>())
    kernel.getBody().walk(fn);
}

/// The tile text after the passes, with the damage, if there is one, done behind pass `name` if it is one of them. Ends
/// before kExpandMath unless that is the damaged one.
std::string runDamaged(const std::string &text, llvm::StringRef name, const PassDamage *damage) {
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
  bool isDone = !damage;
  for (mlir::Pass &pass : all.getPasses()) {
    std::string printed = textualPipeline(pass);
    if (name != kExpandMath && llvm::StringRef(printed).contains(kExpandMath))
      break;
    bool isDamaged = !isDone && llvm::StringRef(printed).contains(name);
    if (isDamaged)
      onOperations(*module, [&](mlir::Operation *op) { op->setAttr(kWasThere, operandCount(op)); });
    mlir::PassManager one(&context);
    if (mlir::failed(mlir::parsePassPipeline(printed, one)) || mlir::failed(one.run(*module))) {
      ADD_FAILURE() << printed << " fails on the damaged program: " << errors;
      return "";
    }
    if (isDamaged) {
      damage->damage(*module, [](mlir::Operation *op) { return op->getAttr(kWasThere) != operandCount(op); });
      onOperations(*module, [](mlir::Operation *op) { op->removeAttr(kWasThere); });
      isDone = true;
    }
  }
  std::string result;
  llvm::raw_string_ostream(result) << *module;
  return result;
}

/// "" or how the program damaged behind `pass` differs from the text as emitted; behind kExpandMath: from the
/// undamaged.
std::string differs(uint64_t seed, llvm::StringRef pass, const PassDamage *damage) {
  Program program = generateProgram(seed);
  CompileResult tile = compile({"random.tile", program.text, program.imports}, program.options, Stage::Tile);
  if (!tile.kernel)
    return "";
  std::vector<Bytes> expected = initialMemory(program), actual = expected;
  std::string right = pass == kExpandMath ? runDamaged(tile.kernel->code, pass, nullptr) : tile.kernel->code;
  EXPECT_EQ(interpretProgram(program, right, expected), "") << "seed " << seed;
  std::string text = runDamaged(tile.kernel->code, pass, damage);
  if (std::string error = interpretProgram(program, text, actual); !error.empty())
    return error;
  return compareMemory(program, expected, actual);
}

void expectFound(const PassDamage &damage) {
  for (uint64_t seed = 0; seed < kMostPrograms; ++seed)
    if (std::string difference = differs(seed, damage.pass, &damage); !difference.empty()) {
      std::printf("  %-28s %-44s program %4llu: %s\n", damage.pass, damage.what, (unsigned long long)seed,
                  difference.c_str());
      return;
    }
  ADD_FAILURE() << damage.pass << ", " << damage.what << ": not found by " << kMostPrograms << " programs";
}

struct DamagedPasses : testing::Test {
  static void SetUpTestSuite() {
    registerTilePasses();
    mlir::registerTransformsPasses();
  }
};

TEST_F(DamagedPasses, NoneUndamaged) {
  for (uint64_t seed = 0; seed < 40; ++seed)
    EXPECT_EQ(differs(seed, "", nullptr), "") << "seed " << seed;
}

/// The one that only counts changes nothing.
TEST_F(DamagedPasses, EachPassOnTilesHasOne) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::PassManager all(&context);
  buildTilePipeline(all);
  for (mlir::Pass &pass : all.getPasses()) {
    std::string printed = textualPipeline(pass);
    auto isOf = [&](const PassDamage &damage) { return llvm::StringRef(printed).contains(damage.pass); };
    EXPECT_TRUE(llvm::any_of(maskDamages(), isOf) || llvm::any_of(algebraDamages(), isOf) ||
                llvm::StringRef(printed).contains("tile-check-size"))
        << printed;
  }
}

TEST_F(DamagedPasses, OfMasksAreFound) {
  for (const PassDamage &damage : maskDamages())
    expectFound(damage);
}

TEST_F(DamagedPasses, OfArithmeticAreFound) {
  for (const PassDamage &damage : algebraDamages())
    expectFound(damage);
}

} // namespace
