//===- StaticModel.cpp - How long a kernel may take, by its code ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Occupancy, then one pass, then the whole launch. The constants are of a model: rough, the same for every candidate.
//
//===----------------------------------------------------------------------===//

#include "compiler/StaticModel.h"
#include "compiler/Target.h"
#include "compiler/score/Pressure.h"
#include "compiler/score/Score.h"
#include "dialects/layout/Warp.h"
#include "llvm/Support/MathExtras.h"

using namespace imbrex;
using layout::kWarpThreads;

/// Of an SM (CUDA C++ Programming Guide, "Compute Capabilities"); warps of sm_86, 89 and 120 are 48.
static constexpr unsigned kQuarters = 4, kMostCtas = 32, kMostWarps = 64, kFewerWarps = 48;
/// Cycles: a copy's way, hidden by the stages of a loop but for a part; the whole of it, where the next tile's copy
/// waits until this one's slot is free; of a CTA's start.
static constexpr double kPassLatency = 150, kCopyLatency = 800, kCtaLatency = 1500;
/// Bytes a cycle that L2 gives one SM.
static constexpr double kL2Rate = 40;
/// Registers that a loop with products needs beside their sums: operands, addresses.
static constexpr unsigned kBesideSums = 64;
/// Cycles of a quarter that a spilled register costs a pass, stored and loaded.
static constexpr double kSpillCycles = 8;

Occupancy imbrex::occupancy(const KernelInterface &interface, const ModelDevice &device, unsigned registers) {
  std::optional<Target> target = Target::parse(interface.target);
  Occupancy result;
  if (!target)
    return result;
  bool isSmall = target->sharedBytes < 128 * 1024; // an SM made for graphics
  unsigned warps = std::max(1u, interface.warps);
  unsigned perCta = unsigned(llvm::alignTo(std::max(registers, 16u), 8)) * warps * kWarpThreads;
  result.most = isSmall ? kFewerWarps : kMostWarps;
  result.byCtas = kMostCtas;
  result.byWarps = result.most / warps;
  result.byRegisters = target->registersPerSm / perCta;
  bool isBounded = interface.sharedBytes > 0 && device.sharedBytesPerMultiprocessor > 0;
  result.byShared =
      isBounded ? device.sharedBytesPerMultiprocessor / (interface.sharedBytes + kReservedSharedBytes) : kMostCtas;
  result.ctas = std::max(1u, std::min({result.byCtas, result.byWarps, result.byRegisters, result.byShared}));
  result.warps = result.ctas * warps;
  return result;
}

/// Warps of a CTA that go round the hottest loop: where roles add some that copy, those that the text speaks of.
static unsigned computeWarps(const KernelInterface &interface) {
  const unsigned all = std::max(1u, interface.warps);
  auto warps = interface.constants.find("warps");
  return warps == interface.constants.end() ? all : unsigned(std::clamp<int64_t>(warps->second, 1, all));
}

/// Whether a loop's tiles have one slot in shared memory.
static bool hasOneSlot(const KernelInterface &interface) {
  auto stages = interface.constants.find("stages");
  return stages != interface.constants.end() && stages->second == 1;
}

/// Cycles of one pass by all warps of `ctas` CTAs on an SM.
static double passCycles(const score::LoopScore &loop, unsigned warps, unsigned ctas, unsigned spilled,
                         double latency) {
  const score::PipeBounds &b = loop.bounds;
  double perQuarter = std::max(1.0, double(warps) * ctas / kQuarters);
  double spills = spilled * kSpillCycles;
  double alone = b.tensor + b.function + b.fma + b.alu + b.shared + b.issue + spills + latency;
  double bytes = double(loop.copiedBytes) * warps * ctas / kL2Rate;
  return std::max({perQuarter * (b.largest() + spills), alone, bytes});
}

StaticEstimate imbrex::estimate(const CompiledKernel &kernel, const ModelDevice &device, const ModelLaunch &launch) {
  StaticEstimate result;
  std::optional<Target> target = Target::parse(kernel.interface.target);
  std::vector<score::MachineKernel> kernels = score::readPtx(kernel.code);
  if (kernels.empty() || !target)
    return result;
  score::KernelScore figures = score::scoreOf(kernels.front());
  unsigned warps = std::max(1u, kernel.interface.warps);
  unsigned limit = target->registersFor(warps * kWarpThreads);
  unsigned live = score::registerPressure(kernels.front());
  result.registers = std::min(live, limit);
  result.instructions = figures.instructions;
  result.residentCtas = occupancy(kernel.interface, device, result.registers).ctas;
  double sms = std::max(1u, device.multiprocessors);
  double ctas = std::max<double>(1, double(launch.ctas));
  // Of the CTAs that an SM takes at once, those there are; a last round that is not full takes less.
  double perSm = std::ceil(ctas / sms);
  double resident = std::min<double>(result.residentCtas, perSm), rounds = std::ceil(perSm / resident);
  double straight = figures.instructions;
  double pass = 0;
  if (!figures.loops.empty()) {
    const score::LoopScore &loop = figures.loops.front();
    unsigned sums = score::accumulatorRegisters(kernels.front(), score::hotLoops(kernels.front()).front());
    unsigned needed = sums > 0 ? sums + kBesideSums : 0;
    result.spills = needed > limit;
    result.loopInstructions = loop.hot;
    straight -= std::min<double>(straight, loop.whole);
    pass = passCycles(loop, computeWarps(kernel.interface), unsigned(resident), result.spills ? needed - limit : 0,
                      hasOneSlot(kernel.interface) ? kCopyLatency : kPassLatency);
  }
  double once = kCtaLatency + straight * std::max(1.0, warps * resident / kQuarters);
  result.cycles = rounds * (once + double(launch.passes) * pass);
  return result;
}
