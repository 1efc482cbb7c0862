//===- Score.cpp - imbrex score -------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Static figures of the hot loops of any PTX or machine code, ours or another compiler's, so that the two can be
// put beside each other.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/Score.h"
#include "compiler/score/LoopModel.h"
#include "tools/imbrex/CommandLine.h"
#include "tools/imbrex/Disassemble.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;

std::optional<std::string> tool::nvdisasmOf(const Request &request) {
  return request.nvdisasm.empty() ? score::findNvdisasm(pathDirectories()) : request.nvdisasm;
}

/// The kernels in `text`, PTX, a cubin or its disassembly; nullopt after printing why not.
static std::optional<std::vector<score::MachineKernel>> readKernels(const Request &request, const std::string &text) {
  constexpr StringRef kElf = "\x7f"
                             "ELF";
  if (!StringRef(text).starts_with(kElf))
    return StringRef(text).contains(".entry") ? score::readPtx(text) : score::readSass(text);
  std::optional<std::string> program = nvdisasmOf(request);
  if (!program) {
    llvm::errs() << "error: no nvdisasm on PATH to read machine code with; name one with --nvdisasm, or give PTX\n";
    return std::nullopt;
  }
  std::string error;
  std::optional<std::string> listing = score::disassemble(*program, text, error);
  if (!listing) {
    llvm::errs() << "error: " << error << "\n";
    return std::nullopt;
  }
  return score::readSass(*listing);
}

int tool::score(const Request &request) {
  std::optional<Source> source = readSource(request.file);
  if (!source)
    return kUserError;
  std::optional<std::vector<score::MachineKernel>> kernels = readKernels(request, source->text);
  if (!kernels)
    return kUserError;
  if (kernels->empty()) {
    llvm::errs() << "error: " << request.file << " holds no kernel: expected PTX with an .entry, a cubin, or what "
                 << "nvdisasm -c prints\n";
    return kUserError;
  }
  llvm::json::Array array;
  for (const score::MachineKernel &kernel : *kernels) {
    score::KernelScore figures = score::scoreOf(kernel);
    if (request.json)
      array.push_back(score::toJson(figures));
    else
      score::print(llvm::outs(), figures);
  }
  if (request.json)
    llvm::outs() << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(array)));
  return kSuccess;
}
