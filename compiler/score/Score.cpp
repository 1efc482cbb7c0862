//===- Score.cpp - Static figures of a kernel's hot loops -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counting, the bounds of the pipes, and how both are printed.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/Score.h"
#include "compiler/score/Kinds.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex::score;
using llvm::StringRef;

std::optional<double> LoopScore::perMegaflop() const {
  return flops == 0 ? std::nullopt : std::optional(hot * 1e6 / double(flops));
}

/// Floating-point operations of 16 bits a cycle of a quarter's tensor pipe, and bytes a cycle of its share of shared
/// memory.
static constexpr double kTensorRate = 512, kSharedRate = kSharedBytes / 4;

static void addBounds(PipeBounds &bounds, Language language, const Instruction &i) {
  bounds.issue += 1;
  switch (kindOf(language, i)) {
  case Kind::Tensor:
    bounds.tensor += isWarpgroupProduct(i) ? warpgroupCycles(language, i) : tensorWork(language, i) / kTensorRate;
    bounds.shared += isWarpgroupProduct(i) ? warpgroupSharedCycles(language, i) : 0;
    break;
  case Kind::Function:
    bounds.function += 8;
    break;
  case Kind::Mul:
  case Kind::Fma:
  case Kind::Add:
    bounds.fma += 1;
    break;
  case Kind::Integer:
  case Kind::Integer64:
  case Kind::MaxMin:
  case Kind::Select:
  case Kind::Convert:
  case Kind::Move:
    // IMAD runs where floats are multiplied.
    (i.base() == "IMAD" ? bounds.fma : bounds.alu) += i.base() == "IMAD" ? 1 : 2;
    break;
  case Kind::Ldmatrix:
  case Kind::Shared:
    bounds.shared += bytesMoved(language, i) / kSharedRate;
    break;
  case Kind::Copy:
    bounds.shared += bytesMoved(language, i) / kSharedRate;
    break;
  case Kind::Shuffle:
    bounds.shared += 4;
    break;
  default:
    break;
  }
}

/// Number of the groups of products that a wait lets be in flight: "WARPGROUP.DEPBAR.LE gsb0, 0x1", "wgmma.wait_group".
static std::optional<unsigned> waitedFor(const Instruction &i) {
  bool machine = i.base() == "WARPGROUP" && i.hasModifier("DEPBAR");
  if (!machine && !StringRef(i.opcode).starts_with("wgmma.wait_group"))
    return std::nullopt;
  StringRef last = StringRef(i.operands).rsplit(',').second.trim();
  if (last.empty())
    last = StringRef(i.operands).trim();
  unsigned pending = 0;
  last.consumeInteger(0, pending);
  return pending;
}

/// Two passes round, so that what the first leaves in flight counts in the second.
static unsigned overlappedFunctions(const MachineKernel &kernel, const std::vector<size_t> &hot) {
  unsigned inFlight = 0, overlapped = 0;
  bool issued = false;
  for (unsigned pass = 0; pass < 2; ++pass) {
    overlapped = 0;
    for (size_t number : hot) {
      const Instruction &i = kernel.instructions[number];
      if (std::optional<unsigned> pending = waitedFor(i)) {
        inFlight = std::min(inFlight, *pending);
        issued = inFlight > 0;
      } else if (isWarpgroupProduct(i) && kindOf(kernel.language, i) == Kind::Tensor) {
        issued = true;
        inFlight += StringRef(i.operands).contains("gsb");
      } else if (StringRef(i.opcode).starts_with("wgmma.commit_group")) {
        ++inFlight;
      } else if (kindOf(kernel.language, i) == Kind::Function) {
        overlapped += issued || inFlight > 0;
      }
    }
  }
  return overlapped;
}

LoopScore imbrex::score::scoreOf(const MachineKernel &kernel, const Loop &loop, const Modelled &model) {
  LoopScore score;
  score.hot = loop.hot.size();
  score.whole = loop.whole.size();
  int64_t products = 0, multiplyAdds = 0;
  for (size_t number : loop.hot) {
    const Instruction &i = kernel.instructions[number];
    Kind kind = kindOf(kernel.language, i);
    ++score.counts[unsigned(kind)];
    (kind == Kind::Tensor ? products : multiplyAdds) += flops(kernel.language, i);
    (kind == Kind::Copy ? score.copiedBytes : score.sharedBytes) +=
        kind == Kind::Global ? 0 : bytesMoved(kernel.language, i);
    addBounds(score.bounds, kernel.language, i);
  }
  score.flops = products ? products : multiplyAdds;
  score.overlappedFunctions = overlappedFunctions(kernel, loop.hot);
  if (model)
    score.model = modelLoop(kernel, loop, *model, score.whyNoModel);
  return score;
}

KernelScore imbrex::score::scoreOf(const MachineKernel &kernel, const Modelled &model) {
  KernelScore score{kernel.name, kernel.language, unsigned(kernel.instructions.size()), 0, {}};
  for (const Instruction &i : kernel.instructions)
    score.spills += kindOf(kernel.language, i) == Kind::Local;
  for (const Loop &loop : hotLoops(kernel))
    score.loops.push_back(scoreOf(kernel, loop, model));
  return score;
}

static void print(llvm::raw_ostream &os, const LoopScore &loop) {
  os << llvm::formatv("  loop         {0} instructions a pass", loop.hot);
  if (loop.whole != loop.hot)
    os << llvm::formatv(" of {0}, the rest for partial tiles", loop.whole);
  if (std::optional<double> per = loop.perMegaflop())
    os << llvm::formatv("; {0:F3} MFLOP, {1:F0} instructions a MFLOP", loop.flops / 1e6, *per);
  os << "\n   ";
  for (unsigned kind = 0; kind < kKinds; ++kind)
    if (loop.counts[kind])
      os << " " << name(Kind(kind)) << " " << loop.counts[kind];
  os << llvm::formatv("\n    bytes of a warp: {0} copied in, {1} through registers\n", loop.copiedBytes,
                      loop.sharedBytes);
  os << llvm::formatv("    least cycles of a warp: tensor {0:F0}, functions {1:F0}, fma {2:F0}, alu {3:F0}, shared "
                      "{4:F0}, issue {5:F0}\n",
                      loop.bounds.tensor, loop.bounds.function, loop.bounds.fma, loop.bounds.alu, loop.bounds.shared,
                      loop.bounds.issue);
  if (loop.overlappedFunctions)
    os << llvm::formatv("    {0} of {1} functions run under a product\n", loop.overlappedFunctions,
                        loop.count(Kind::Function));
  if (loop.model) {
    os << llvm::formatv(
        "    model, not measured: {0:F0} cycles a pass of {1} warp(s) a quarter; tensor pipe busy {2:P0}, "
        "issue {3:P0}\n",
        loop.model->cycles, loop.model->warps, loop.model->tensorShare, loop.model->issueShare);
    printTimeline(os, *loop.model);
  } else if (!loop.whyNoModel.empty())
    os << "    no model: it " << loop.whyNoModel << "\n";
}

void imbrex::score::print(llvm::raw_ostream &os, const KernelScore &score) {
  os << (score.language == Language::Ptx ? "PTX" : "machine code") << " of " << score.name << ": " << score.instructions
     << " instructions, " << score.spills << " of them in local memory\n";
  for (const LoopScore &loop : score.loops)
    ::print(os, loop);
}

static llvm::json::Object toJson(const LoopModel &model) {
  llvm::json::Object busy;
  for (const auto &[pipe, share] : model.busy)
    busy[pipe] = share;
  return llvm::json::Object{{"warps", model.warps},
                            {"roles", llvm::json::Array(model.roles)},
                            {"cycles", model.cycles},
                            {"tensor_share", model.tensorShare},
                            {"issue_share", model.issueShare},
                            {"busy", std::move(busy)}};
}

static llvm::json::Object toJson(const LoopScore &loop) {
  llvm::json::Object counts;
  for (unsigned kind = 0; kind < kKinds; ++kind)
    if (loop.counts[kind])
      counts[name(Kind(kind))] = loop.counts[kind];
  const PipeBounds &b = loop.bounds;
  llvm::json::Object bounds{{"tensor", b.tensor}, {"function", b.function}, {"fma", b.fma},
                            {"alu", b.alu},       {"shared", b.shared},     {"issue", b.issue}};
  llvm::json::Object object{{"instructions", loop.hot},
                            {"whole", loop.whole},
                            {"flops", loop.flops},
                            {"copied_bytes", loop.copiedBytes},
                            {"shared_bytes", loop.sharedBytes},
                            {"kinds", std::move(counts)},
                            {"least_cycles", std::move(bounds)},
                            {"overlapped_functions", loop.overlappedFunctions}};
  if (std::optional<double> per = loop.perMegaflop())
    object["per_mflop"] = *per;
  if (loop.model)
    object["model"] = toJson(*loop.model);
  if (!loop.whyNoModel.empty())
    object["why_no_model"] = loop.whyNoModel;
  return object;
}

llvm::json::Object imbrex::score::toJson(const KernelScore &score) {
  llvm::json::Array loops;
  for (const LoopScore &loop : score.loops)
    loops.push_back(::toJson(loop));
  return llvm::json::Object{{"kernel", score.name},
                            {"language", score.language == Language::Ptx ? "ptx" : "sass"},
                            {"instructions", score.instructions},
                            {"local_memory_instructions", score.spills},
                            {"loops", std::move(loops)}};
}
