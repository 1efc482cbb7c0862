//===- SchedulesTest.cpp - No schedule changes a bit ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attention_forward with passes of the schedule left out one by one, and with one slot to four, on the simulated
// device: what runs when may differ, what is computed may not. A race or a wait too few fails the launch.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "compiler/cta/Passes.h"
#include "compiler/tile/Passes.h"
#include "compiler/tile_to_cta/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "runtime/Runtime.h"
#include <gtest/gtest.h>

using namespace imbrex;
using Names = std::vector<std::string>;

namespace {

struct Case {
  std::string mask;
  DataType type;
  int queries, keys, depth;
  std::vector<std::pair<std::string, int64_t>> tuning;
};

/// The text of stage cta of what `tileText` holds, by the pipeline without the passes named.
std::string runCta(const std::string &tileText, const Names &without) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<tile::TileDialect, cta::CtaDialect, mlir::arith::ArithDialect, mlir::math::MathDialect,
                      mlir::scf::SCFDialect, mlir::func::FuncDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(tileText, &context);
  mlir::PassManager all(&context), chosen(&context);
  buildCtaPipeline(all);
  std::string pipeline;
  for (mlir::Pass &pass : all.getPasses()) {
    std::string printed;
    llvm::raw_string_ostream stream(printed);
    pass.printAsTextualPipeline(stream);
    if (std::none_of(without.begin(), without.end(),
                     [&](const std::string &name) { return printed.find(name) != std::string::npos; }))
      pipeline += (pipeline.empty() ? "" : ",") + printed;
  }
  if (mlir::failed(mlir::parsePassPipeline(pipeline, chosen)) || mlir::failed(chosen.run(*module))) {
    ADD_FAILURE() << pipeline;
    return "";
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  mlir::OpPrintingFlags flags;
  module->print(stream, flags.enableDebugInfo(/*enable=*/true, /*prettyForm=*/false));
  return text;
}

/// The compiler without some of its passes.
CompileResult compileWithout(const Source &source, const CompileOptions &options, const Names &without) {
  CompileResult tile = compile(source, options, Stage::Tile);
  if (!tile.kernel)
    return tile;
  CompileResult result = compileFrom(Stage::Cta, Source{source.name, runCta(tile.kernel->code, without)}, options);
  if (result.kernel) {
    KernelInterface interface = tile.kernel->interface;
    interface.sharedBytes = result.kernel->interface.sharedBytes;
    result.kernel->interface = interface;
  }
  return result;
}

/// O of the case, as bits; empty and a failure if the launch fails.
std::vector<uint16_t> run(const Case &each, const Names &without) {
  RuntimeOptions options;
  options.device = "sim:a100";
  auto chosen = [&](const Source &source, const CompileOptions &compileOptions) {
    return compileWithout(source, compileOptions, without);
  };
  options.compiler = CompilerFunctions{chosen, describe, std::string(compilerBuildId())};
  Runtime runtime = Runtime::open(options).value();
  Kernel kernel = runtime.load(IMBREX_SOURCE_DIR "/kernels/attention_forward.tile").value().kernel().value();
  kernel.hook("mask", each.mask);
  for (const auto &[name, value] : each.tuning)
    kernel.set(name, value);
  uint32_t state = 1;
  auto upload = [&](int length) { // about -2 to 2
    std::vector<uint16_t> values(size_t(length) * each.depth);
    for (uint16_t &value : values) {
      state = state * 1664525 + 1013904223;
      uint16_t exponent = each.type == DataType::F16 ? 0x3800 : 0x3f00;
      value = uint16_t(exponent | (state >> 31 << 15) | (state >> 16 & 0x03ff));
    }
    Buffer buffer = runtime.allocate(values.size() * 2).value();
    buffer.copyFrom(values.data(), values.size() * 2).value();
    return buffer;
  };
  Buffer q = upload(each.queries), k = upload(each.keys), v = upload(each.keys), o = upload(each.queries);
  auto view = [&](const Buffer &buffer, int length) { return View(buffer, each.type, {1, length, 1, each.depth}); };
  Result<void> launched = kernel.launch(runtime.stream(), {{"Q", view(q, each.queries)},
                                                           {"K", view(k, each.keys)},
                                                           {"V", view(v, each.keys)},
                                                           {"O", view(o, each.queries)},
                                                           {"scale", 0.1f}});
  if (launched)
    launched = runtime.stream().synchronize();
  EXPECT_TRUE(launched) << launched.error().render();
  std::vector<uint16_t> bits(size_t(each.queries) * each.depth);
  if (!launched)
    return {};
  o.copyTo(bits.data(), bits.size() * 2).value();
  return bits;
}

struct Schedules : testing::Test {
  static void SetUpTestSuite() {
    registerTilePasses();
    registerTileToCtaPasses();
    registerCtaPasses();
    mlir::registerTransformsPasses();
  }
};

const std::vector<Case> kCases = {
    {"full", DataType::F16, 70, 200, 64, {{"BM", 64}, {"warps", 4}}},
    {"causal", DataType::BF16, 150, 150, 64, {{"BM", 64}, {"warps", 4}}},
    {"window(40, 10)", DataType::F16, 150, 170, 64, {{"BM", 32}, {"warps", 2}, {"BN", 32}}},
    {"causal", DataType::F16, 33, 1, 32, {{"BM", 32}, {"warps", 2}}},
    {"causal", DataType::F16, 40, 10, 96, {{"BM", 32}, {"warps", 2}, {"BN", 16}}}, // rows that see nothing
};

/// The cases with the passes left out, and `slots` slots, against the whole pipeline with two.
void expectSameBits(const Names &without, int64_t slots = 2) {
  for (const Case &each : kCases) {
    Case other = each;
    other.tuning.push_back({"stages", slots});
    EXPECT_EQ(run(each, {}), run(other, without)) << each.mask << " " << each.queries << " x " << each.keys;
  }
}

} // namespace

TEST_F(Schedules, WithoutTheSkew) { expectSameBits({"cta-skew-loops"}); }
TEST_F(Schedules, WithoutTheSplit) { expectSameBits({"cta-split-loops"}); }
TEST_F(Schedules, WithNothingMoved) {
  expectSameBits({"cta-pipeline-copies", "cta-issue-dots", "cta-skew-loops", "cta-split-loops"});
}
TEST_F(Schedules, OneSlot) { expectSameBits({}, 1); }
TEST_F(Schedules, OneSlotWithoutTheSkew) { expectSameBits({"cta-skew-loops"}, 1); }
TEST_F(Schedules, ThreeSlots) { expectSameBits({}, 3); }
TEST_F(Schedules, FourSlotsWithoutTheSplit) { expectSameBits({"cta-split-loops"}, 4); }
