//===- DamagesTest.cpp - Every synchronisation damaged in turn ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The PTX of six kernels with one damage each: a synchronisation dropped, moved past a memory access, or made twice,
// a wait or an address shifted by one. On the simulated device a damage ends in a named fault or in a wrong result,
// or it is listed with the reason why nothing can come of it; what only waits for more must be silent.
//
//===----------------------------------------------------------------------===//

#include "runtime/Runtime.h"
#include "tests/support/RunMode.h"
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <sstream>

using namespace imbrex;

namespace {

using Lines = std::vector<std::string>;

struct Tensor {
  std::string name;
  DataType type;
  std::vector<int64_t> shape;
  bool isOutput = false;
};

struct Program {
  std::string name, path; ///< of the kernels' folder; empty: `text`
  std::string text;
  std::vector<std::pair<std::string, int64_t>> tuning;
  std::string mask;
  std::vector<Tensor> tensors;
  std::vector<std::pair<std::string, float>> scalars;
  std::string device = "sim:a100";
};

const char *const kThree = R"(
kernel three(A: view<f16>[M, K], B: view<f16>[K, N], C: view<f16>[N, N], Y: out view<f32>[M, N], Z: out view<f16>[M, N])
tune { warps: {4} = 4; stages: 1..4 = 2; }
grid (cdiv(M, 64)) |i| {
  var y = fill<f32>[64, 64](0);  var z = fill<f32>[64, 64](0);
  for k in tiles(K, 32) {
    let a = load A[i * 64 :+ 64, k * 32 :+ 32];
    let p = dot(a, load B[k * 32 :+ 32, 0 :+ 64]);
    y = y + p;
    z = dot(cast<f16>(p * 0.1), load C[0 :+ 64, 0 :+ 64], z * 0.5);
  }
  store Y[i * 64 :+ 64, 0 :+ 64] = y;
  store Z[i * 64 :+ 64, 0 :+ 64] = cast<f16>(z);
}
)";

const char *const kGated = R"(
kernel gated(Q: view<f16>[N, 64], K: view<f16>[N, 64], V: view<f16>[N, 64], O: out view<f16>[N, 64],
             H: out view<f32>[64, 64])
tune { warps: {4} = 4; stages: 1..4 = 2; }
grid (1) |i| {
  var h = fill<f32>[64, 64](0);
  for c in tiles(N, 32) {
    let q = load Q[c * 32 :+ 32, :];  let k = load K[c * 32 :+ 32, :];  let v = load V[c * 32 :+ 32, :];
    let m = where(iota(32)[_, :] <= iota(32)[:, _], dot(q, k.T), 0);
    store O[c * 32 :+ 32, :] = cast<f16>(dot(cast<f16>(m), v, dot(q, cast<f16>(h))));
    h = dot(k.T, v, h * 0.9);
  }
  store H[:, :] = h;
}
)";

std::vector<Program> programs() {
  constexpr DataType F16 = DataType::F16, F32 = DataType::F32;
  auto attention = [&](std::string name, int64_t stages) {
    return Program{std::move(name),
                   "attention_forward.tile",
                   "",
                   {{"BM", 64}, {"BN", 32}, {"warps", 4}, {"stages", stages}},
                   "causal",
                   {{"Q", F16, {1, 70, 1, 64}},
                    {"K", F16, {1, 100, 1, 64}},
                    {"V", F16, {1, 100, 1, 64}},
                    {"O", F16, {1, 70, 1, 64}, true}},
                   {{"scale", 0.125f}}};
  };
  // Kernels whose loops multiply by wgmma: warps that copy, queues by mbarrier, the copy engine.
  auto onHopper = [&](std::string name, int64_t bm, int64_t warps, int64_t stages, int64_t depth) {
    Program program = attention(std::move(name), stages);
    program.tuning = {{"BM", bm}, {"BN", 32}, {"warps", warps}, {"stages", stages}};
    for (Tensor &tensor : program.tensors)
      tensor.shape[3] = depth;
    program.device = "sim:h200";
    return program;
  };
  return {
      onHopper("wgmma attention, two slots", 64, 4, 2, 64),
      onHopper("wgmma attention, one slot", 64, 4, 1, 64),
      onHopper("wgmma attention, two warpgroups", 128, 8, 3, 32),
      onHopper("wgmma attention, copied by threads", 64, 4, 2, 60),
      {"wgmma matmul, three slots",
       "lessons/matmul.tile",
       "",
       {{"BM", 64}, {"BN", 32}, {"BK", 32}, {"warps", 4}, {"stages", 3}},
       "",
       {{"A", F16, {72, 152}}, {"B", F16, {152, 40}}, {"bias", F32, {40}}, {"C", F16, {72, 40}, true}},
       {},
       "sim:h200"},
      {"wgmma, three products",
       "",
       kThree,
       {},
       "",
       {{"A", F16, {70, 152}},
        {"B", F16, {152, 64}},
        {"C", F16, {64, 64}},
        {"Y", F32, {70, 64}, true},
        {"Z", F16, {70, 64}, true}},
       {},
       "sim:h200"},
      attention("attention, two slots", 2),
      attention("attention, one slot", 1),
      {"matmul, three slots",
       "lessons/matmul.tile",
       "",
       {{"BM", 32}, {"BN", 32}, {"BK", 16}, {"warps", 4}, {"stages", 3}},
       "",
       {{"A", F16, {40, 88}}, {"B", F16, {88, 40}}, {"bias", F32, {40}}, {"C", F16, {40, 40}, true}},
       {}},
      {"softmax over warps",
       "lessons/softmax.tile",
       "",
       {{"ROWS", 1}, {"warps", 4}},
       "",
       {{"X", F16, {2, 520}}, {"Y", F16, {2, 520}, true}},
       {}},
      {"three products",
       "",
       kThree,
       {},
       "",
       {{"A", F16, {70, 152}},
        {"B", F16, {152, 64}},
        {"C", F16, {64, 64}},
        {"Y", F32, {70, 64}, true},
        {"Z", F16, {70, 64}, true}},
       {}},
      {"gated, two outputs",
       "",
       kGated,
       {},
       "",
       {{"Q", F16, {80, 64}},
        {"K", F16, {80, 64}},
        {"V", F16, {80, 64}},
        {"O", F16, {80, 64}, true},
        {"H", F32, {64, 64}, true}},
       {}},
  };
}

struct Outcome {
  std::string fault; ///< empty: the launch went well
  std::vector<std::vector<uint8_t>> outputs;
};

/// Runs a program with its PTX changed by `damage`; seeds order the warps.
Outcome run(const Program &program, const std::function<void(Lines &)> &damage, unsigned seed) {
  RuntimeOptions options;
  options.device = program.device;
  options.simulatorSeed = seed;
  options.simulatorThreads = 1;
  options.simulatorInstructions = 3'000'000;
  auto compiler = [&](const Source &source, const CompileOptions &compileOptions) {
    CompileResult result = compile(source, compileOptions);
    if (!result.kernel)
      return result;
    Lines lines;
    std::istringstream stream(result.kernel->code);
    for (std::string line; std::getline(stream, line);)
      lines.push_back(line);
    damage(lines);
    result.kernel->code.clear();
    for (const std::string &line : lines)
      result.kernel->code += line + "\n";
    return result;
  };
  options.compiler = CompilerFunctions{compiler, describe, std::string(compilerBuildId())};
  Runtime runtime = Runtime::open(options).value();
  Module module = program.path.empty() ? runtime.loadSource({program.name, program.text}).value()
                                       : runtime.load(IMBREX_SOURCE_DIR "/kernels/" + program.path).value();
  Kernel kernel = module.kernel().value();
  for (const auto &[name, value] : program.tuning)
    kernel.set(name, value);
  if (!program.mask.empty())
    kernel.hook("mask", program.mask);
  std::mt19937 random(1);
  std::vector<Buffer> buffers;
  std::vector<Argument> arguments;
  for (const Tensor &tensor : program.tensors) {
    size_t count = 1;
    for (int64_t extent : tensor.shape)
      count *= extent;
    std::vector<uint8_t> bytes(count * (tensor.type == DataType::F16 ? 2 : 4), 0);
    for (size_t i = 0; !tensor.isOutput && i < count; ++i) { // +-1 .. 2
      if (tensor.type == DataType::F16) {
        uint16_t bits = uint16_t(0x3c00 | (random() & 0x83ff));
        memcpy(&bytes[2 * i], &bits, 2);
      } else {
        uint32_t bits = 0x3f800000 | (random() & 0x807fffff);
        memcpy(&bytes[4 * i], &bits, 4);
      }
    }
    buffers.push_back(runtime.allocate(bytes.size()).value());
    buffers.back().copyFrom(bytes.data(), bytes.size()).value();
    arguments.emplace_back(tensor.name,
                           View(buffers.back(), tensor.type, Dims(std::span<const int64_t>(tensor.shape))));
  }
  for (const auto &[name, value] : program.scalars)
    arguments.emplace_back(name, value);
  Outcome outcome;
  Result<void> launched = kernel.launch(runtime.stream(), Arguments(arguments));
  if (launched)
    launched = runtime.stream().synchronize();
  if (!launched) {
    outcome.fault = launched.error().render();
    return outcome;
  }
  for (size_t i = 0; i < buffers.size(); ++i)
    if (program.tensors[i].isOutput) {
      outcome.outputs.emplace_back(buffers[i].bytes());
      buffers[i].copyTo(outcome.outputs.back().data(), outcome.outputs.back().size()).value();
    }
  return outcome;
}

struct Damage {
  std::string kind;
  size_t line;
  std::function<void(Lines &)> apply;
  bool isSilent = false; ///< it waits for more than it must: nothing may come of it
  bool isOfData = false; ///< other bytes are moved in right order: only the result can show it
};

bool holds(const std::string &line, std::initializer_list<const char *> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char *word) { return line.find(word) != std::string::npos; });
}
bool isSync(const std::string &line) {
  return holds(line, {"bar.sync", "cp.async.wait_group", "cp.async.commit_group"});
}
bool isAccess(const std::string &line) {
  return holds(line, {"ldmatrix", "ld.shared", "st.shared", "cp.async.c"}) && !isSync(line);
}

/// The address `[%r1+8]` of a line, `by` bytes on.
void shiftAddress(std::string &line, int by) {
  size_t close = line.find(']'), plus = line.find('+');
  int offset = plus < close ? std::stoi(line.substr(plus + 1)) : 0;
  size_t from = std::min(plus, close);
  line.replace(from, close - from, "+" + std::to_string(offset + by));
}

/// Moves a line past the next access behind it, or before the last one ahead of it.
void moveLine(Lines &lines, size_t line, int step) {
  size_t to = line;
  do
    to += step;
  while (to > 0 && to + 1 < lines.size() && !isAccess(lines[to]) && !holds(lines[to], {"bra", "$L", "ret;"}));
  if (!isAccess(lines[to]))
    return;
  std::string moved = lines[line];
  lines.erase(lines.begin() + line);
  lines.insert(lines.begin() + to, moved);
}

/// What sm_90a adds: products, copies and barriers that run on by themselves.
void addHopperDamages(const Lines &lines, size_t i, std::vector<Damage> &all) {
  const std::string &line = lines[i];
  auto drop = [&](const char *kind, bool isOfData = false) {
    all.push_back({kind, i, [i](Lines &l) { l[i].clear(); }, false, isOfData});
  };
  auto replace = [&](const char *kind, std::string from, std::string to, bool isOfData = false) {
    if (line.find(from) != std::string::npos)
      all.push_back({kind, i, [=](Lines &l) { l[i].replace(l[i].find(from), from.size(), to); }, false, isOfData});
  };
  if (holds(line, {"wgmma.fence", "wgmma.commit_group", "wgmma.wait_group"}))
    drop("dropped");
  replace("waits for one fewer", "wgmma.wait_group.sync.aligned 0", "wgmma.wait_group.sync.aligned 1");
  replace("waits for one fewer", "wgmma.wait_group.sync.aligned 1", "wgmma.wait_group.sync.aligned 2");
  if (holds(line, {"fence.proxy.async", "fence.mbarrier_init"}))
    drop("fence dropped");
  if (holds(line, {"mbarrier.init"})) {
    drop("barrier not made");
    all.push_back({"one more expected", i, [i](Lines &l) {
                     size_t comma = l[i].rfind(", ");
                     std::string count = l[i].substr(comma + 2, l[i].size() - comma - 3);
                     l[i] = "{ .reg .b32 more; add.u32 more, " + count + ", 1; " + l[i].substr(0, comma) + ", more; }";
                   }});
  }
  if (holds(line, {"mbarrier.arrive"})) {
    drop("arrival dropped");
    if (!holds(line, {"expect_tx"}))
      all.push_back({"arrives twice", i, [i](Lines &l) { l[i] = l[i] + " " + l[i]; }});
    else
      all.push_back({"expects 16 bytes more", i, [i](Lines &l) {
                       size_t comma = l[i].rfind(", ");
                       std::string bytes = l[i].substr(comma + 2, l[i].size() - comma - 3);
                       l[i] =
                           "{ .reg .b32 more; add.u32 more, " + bytes + ", 16; " + l[i].substr(0, comma) + ", more; }";
                     }});
  }
  if (size_t try_wait = line.find("mbarrier.try_wait"); try_wait != std::string::npos) {
    size_t predicate = line.find('%'), comma = line.rfind(", ");
    std::string result = line.substr(predicate, line.find(',') - predicate);
    all.push_back({"wait left out", i, [=](Lines &l) { l[i] = "setp.eq.u32 " + result + ", 0, 0;"; }});
    std::string parity = line.substr(comma + 2, line.size() - comma - 3);
    all.push_back({"waits for the other phase", i, [=](Lines &l) {
                     l[i] =
                         "{ .reg .b32 other; xor.b32 other, " + parity + ", 1; " + l[i].substr(0, comma) + ", other; }";
                   }});
  }
  if (holds(line, {"cp.async.bulk.tensor"})) {
    drop("copy dropped", true);
    all.push_back({"copied 16 bytes on", i,
                   [i](Lines &l) {
                     size_t open = l[i].find('['), close = l[i].find(']');
                     std::string to = l[i].substr(open + 1, close - open - 1);
                     l[i] = "{ .reg .b32 on; add.u32 on, " + to + ", 16; " + l[i].substr(0, open) + "[on" +
                            l[i].substr(close) + " }";
                   },
                   false, true});
  }
  if (holds(line, {"setmaxnreg.inc"}))
    replace("registers that there are not", "240", "256");
  if (holds(line, {"or.b64"}) && holds(line, {"46116"})) { // the high half of a descriptor: 128-byte swizzle
    replace("other swizzle", "4611686", "9223372", true);
  }
  if (holds(line, {"wgmma.mma_async"})) {
    replace("sums not added", "setp.ne.b32 p, 1, 0", "setp.ne.b32 p, 0, 0", true);
    replace("sums added to nothing", "setp.ne.b32 p, 0, 0", "setp.ne.b32 p, 1, 0", true);
  }
}

std::vector<Damage> damagesOf(const Lines &lines) {
  std::vector<Damage> all;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string &line = lines[i];
    addHopperDamages(lines, i, all);
    if (isSync(line)) {
      all.push_back({"dropped", i, [i](Lines &l) { l[i].clear(); }});
      all.push_back({"made twice", i, [i](Lines &l) { l[i] += l[i]; }, true});
      if (line.find("bar.sync") != std::string::npos) {
        all.push_back({"moved on", i, [i](Lines &l) { moveLine(l, i, 1); }});
        all.push_back({"moved back", i, [i](Lines &l) { moveLine(l, i, -1); }});
      }
    }
    if (line.find("cp.async.wait_group") != std::string::npos) {
      size_t at = line.find_first_of("0123456789", line.find("wait_group"));
      int pending = std::stoi(line.substr(at));
      auto shifted = [i, at](int to) {
        return [=](Lines &l) { l[i] = l[i].substr(0, at) + std::to_string(to) + ";"; };
      };
      all.push_back({"waits for one fewer", i, shifted(pending + 1)});
      if (pending > 0)
        all.push_back({"waits for one more", i, shifted(pending - 1), true});
    }
    if (line.find("cp.async.c") != std::string::npos && !isSync(line)) {
      all.push_back({"copy dropped", i, [i](Lines &l) { l[i].clear(); }, false, true});
      all.push_back({"copied 16 bytes on", i, [i](Lines &l) { shiftAddress(l[i], 16); }, false, true});
    }
    if (line.find("ldmatrix") != std::string::npos)
      all.push_back({"read 32 bytes on", i, [i](Lines &l) { shiftAddress(l[i], 32); }, false, true});
  }
  return all;
}

/// Whether any thread comes to a line: a trap in its place would end the launch.
bool isReached(const Program &program, size_t line) {
  return !run(program, [line](Lines &lines) { lines[line] = "trap;"; }, 1).fault.empty();
}

/// Damages that are run, change nothing, and are no faults, with the reason.
///   A barrier that has moved past one access still stands between the others: only a pair of threads' accesses to the
///   same bytes needs it, and the access that it has passed is in none with those on its other side.
///   Where a part has four warps, a wait of one for a product is a wait for all that the product reads. A slot that no
///   copy fills again may be released or not, and Q's, which is filled once, may expect what it likes. The first copy
///   into a slot waits for nothing. Threads that copy arrive when all that they have asked for is there, so that a wait
///   for what they copied last stands for those before it. A product whose sums were last touched by another one, or
///   that reads none, needs no fence of its own; what starts at zero may be added to what is zero. The device notes,
///   and goes on, where barriers are made known to it without a fence. 256 registers there are where one warpgroup
///   computes. What is put behind the last tile of a loop is read by nobody (the device names a read of bytes never
///   written), and what is waited for last may then stay under way.
unsigned harmless(const std::string &program, const std::string &kind) {
  struct Row {
    const char *program, *kind;
    unsigned count;
  };
  static const Row kRows[] = {
      {"attention, two slots", "moved back", 6},
      {"attention, two slots", "moved on", 1},
      {"attention, two slots", "copy dropped", 3},
      {"attention, one slot", "moved back", 6},
      {"attention, one slot", "moved on", 2},
      {"attention, one slot", "copy dropped", 1},
      {"attention, one slot", "dropped", 1},
      {"attention, one slot", "waits for one fewer", 1},
      {"matmul, three slots", "moved back", 3},
      {"matmul, three slots", "moved on", 3},
      {"softmax over warps", "moved back", 2},
      {"softmax over warps", "moved on", 2},
      {"three products", "moved back", 5},
      {"three products", "moved on", 2},
      {"three products", "copy dropped", 8},
      {"three products", "copied 16 bytes on", 1},
      {"wgmma attention, two slots", "arrival dropped", 3},
      {"wgmma attention, two slots", "arrives twice", 3},
      {"wgmma attention, two slots", "dropped", 4},
      {"wgmma attention, two slots", "fence dropped", 1},
      {"wgmma attention, two slots", "moved back", 4},
      {"wgmma attention, two slots", "moved on", 5},
      {"wgmma attention, two slots", "one more expected", 1},
      {"wgmma attention, two slots", "registers that there are not", 1},
      {"wgmma attention, two slots", "sums added to nothing", 2},
      {"wgmma attention, two slots", "sums not added", 1},
      {"wgmma attention, two slots", "wait left out", 1},
      {"wgmma attention, one slot", "arrival dropped", 2},
      {"wgmma attention, one slot", "arrives twice", 2},
      {"wgmma attention, one slot", "dropped", 4},
      {"wgmma attention, one slot", "fence dropped", 1},
      {"wgmma attention, one slot", "moved back", 4},
      {"wgmma attention, one slot", "moved on", 5},
      {"wgmma attention, one slot", "one more expected", 1},
      {"wgmma attention, one slot", "registers that there are not", 1},
      {"wgmma attention, one slot", "sums added to nothing", 2},
      {"wgmma attention, one slot", "sums not added", 1},
      {"wgmma attention, one slot", "wait left out", 1},
      {"wgmma attention, two warpgroups", "arrival dropped", 3},
      {"wgmma attention, two warpgroups", "arrives twice", 3},
      {"wgmma attention, two warpgroups", "dropped", 2},
      {"wgmma attention, two warpgroups", "fence dropped", 1},
      {"wgmma attention, two warpgroups", "moved back", 4},
      {"wgmma attention, two warpgroups", "moved on", 5},
      {"wgmma attention, two warpgroups", "one more expected", 5},
      {"wgmma attention, two warpgroups", "sums added to nothing", 1},
      {"wgmma attention, two warpgroups", "wait left out", 1},
      {"wgmma attention, copied by threads", "arrival dropped", 3},
      {"wgmma attention, copied by threads", "arrives twice", 5},
      {"wgmma attention, copied by threads", "dropped", 3},
      {"wgmma attention, copied by threads", "fence dropped", 4},
      {"wgmma attention, copied by threads", "moved back", 1},
      {"wgmma attention, copied by threads", "moved on", 1},
      {"wgmma attention, copied by threads", "one more expected", 1},
      {"wgmma attention, copied by threads", "registers that there are not", 1},
      {"wgmma attention, copied by threads", "sums added to nothing", 2},
      {"wgmma attention, copied by threads", "sums not added", 1},
      {"wgmma attention, copied by threads", "wait left out", 4},
      {"wgmma matmul, three slots", "dropped", 1},
      {"wgmma matmul, three slots", "fence dropped", 1},
      {"wgmma matmul, three slots", "moved back", 2},
      {"wgmma matmul, three slots", "moved on", 3},
      {"wgmma matmul, three slots", "one more expected", 2},
      {"wgmma matmul, three slots", "registers that there are not", 1},
      {"wgmma matmul, three slots", "wait left out", 1},
      {"wgmma, three products", "arrival dropped", 1},
      {"wgmma, three products", "arrives twice", 1},
      {"wgmma, three products", "dropped", 2},
      {"wgmma, three products", "fence dropped", 1},
      {"wgmma, three products", "moved back", 3},
      {"wgmma, three products", "moved on", 4},
      {"wgmma, three products", "registers that there are not", 1},
      {"wgmma, three products", "sums added to nothing", 1},
      {"wgmma, three products", "wait left out", 1},
      {"gated, two outputs", "moved back", 4},
      {"gated, two outputs", "moved on", 2},
  };
  for (const Row &row : kRows)
    if (program == row.program && kind == row.kind)
      return row.count;
  return 0;
}

class Damages : public ::testing::TestWithParam<Program> {};

TEST_P(Damages, AreFound) {
  const Program &program = GetParam();
  Lines lines;
  Outcome clean = run(program, [&](Lines &l) { lines = l; }, 0);
  ASSERT_EQ(clean.fault, "") << "the kernel as it is";
  const unsigned schedules = imbrex::testing::isLongRun() ? 8 : 2;
  for (unsigned seed = 1; seed <= schedules; ++seed) {
    Outcome again = run(program, [](Lines &) {}, seed);
    EXPECT_EQ(again.fault, "") << "the kernel as it is, schedule " << seed;
    EXPECT_EQ(again.outputs, clean.outputs) << "schedule " << seed;
  }
  std::vector<Damage> damages = damagesOf(lines);
  const size_t stride = imbrex::testing::isLongRun() ? 1 : 9;
  unsigned named = 0, wrong = 0, silent = 0, unreached = 0;
  std::map<std::string, unsigned> survivors;
  for (size_t i = 0; i < damages.size(); i += stride) {
    const Damage &damage = damages[i];
    Outcome outcome = run(program, damage.apply, 1);
    std::string what = damage.kind + ", line " + std::to_string(damage.line + 1) + ":" + lines[damage.line];
    if (damage.isSilent) {
      EXPECT_EQ(outcome.fault, "") << what;
      EXPECT_EQ(outcome.outputs, clean.outputs) << what;
      ++silent;
    } else if (!outcome.fault.empty()) {
      ++named;
    } else if (outcome.outputs != clean.outputs) {
      EXPECT_TRUE(damage.isOfData) << "seen in the result only: " << what;
      ++wrong;
    } else if (isReached(program, damage.line)) {
      ++survivors[damage.kind];
      printf("nothing came of it: %s\n", what.c_str());
      for (unsigned seed = 2; seed <= schedules; ++seed) {
        Outcome again = run(program, damage.apply, seed);
        EXPECT_EQ(again.fault, "") << "only under schedule " << seed << ": " << what;
        EXPECT_EQ(again.outputs, clean.outputs) << "only under schedule " << seed << ": " << what;
      }
    } else {
      ++unreached;
    }
  }
  for (const Damage &damage : damages) {
    unsigned count = survivors[damage.kind], listed = harmless(program.name, damage.kind);
    if (stride == 1) // a listed one that is found now has no place in the list
      EXPECT_EQ(count, listed) << damage.kind;
    else
      EXPECT_LE(count, listed) << damage.kind;
  }
  printf("%s: %u named, %u seen in the result, %u harmless, %u never run, of %zu\n", program.name.c_str(), named, wrong,
         silent, unreached, damages.size());
}

INSTANTIATE_TEST_SUITE_P(Kernels, Damages, ::testing::ValuesIn(programs()), [](const auto &info) {
  std::string name = info.param.name;
  std::erase_if(name, [](char c) { return !isalnum(c); });
  return name;
});

} // namespace
