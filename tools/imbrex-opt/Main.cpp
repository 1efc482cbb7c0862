//===- Main.cpp - Runs passes on MLIR text --------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mlir-opt for the project's dialects: the tile, cta and nvvm stages and every pass between them, for
// tests and for those who write a pass.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Passes.h"
#include "compiler/cta_to_nvvm/Passes.h"
#include "compiler/tile/Passes.h"
#include "compiler/tile_to_cta/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int count, char **words) {
  imbrex::registerTilePasses();
  imbrex::registerTileToCtaPasses();
  imbrex::registerCtaPasses();
  imbrex::registerCtaToNvvmPasses();
  mlir::registerTransformsPasses();
  mlir::PassPipelineRegistration<>("tile-pipeline", "everything done to a tile program", imbrex::buildTilePipeline);
  mlir::PassPipelineRegistration<>("cta-pipeline", "from tiles to a CTA", imbrex::buildCtaPipeline);
  mlir::DialectRegistry registry;
  registry
      .insert<imbrex::tile::TileDialect, imbrex::cta::CtaDialect, mlir::arith::ArithDialect, mlir::math::MathDialect,
              mlir::scf::SCFDialect, mlir::func::FuncDialect, mlir::LLVM::LLVMDialect, mlir::NVVM::NVVMDialect>();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(count, words, "imbrex-opt: passes on tile, cta and nvvm\n", registry));
}
