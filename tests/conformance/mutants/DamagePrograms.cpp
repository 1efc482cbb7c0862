//===- DamagePrograms.cpp - Kernels whose PTX is damaged -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention under several schedules, its backward, products, and loops with more than two of them.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/mutants/DamagePrograms.h"
#include "compiler/Compiler.h"
#include "runtime/Runtime.h"
#include "runtime/Sequences.h"
#include <cstring>
#include <random>
#include <sstream>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

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

Program three(std::string name, std::string device) {
  constexpr DataType F16 = DataType::F16, F32 = DataType::F32;
  return Program{std::move(name),
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
                 std::move(device)};
}

/// Two tiles of keys, the second not whole: both loops go round their rings, and a sum in dQ is of two terms, whose
/// order changes nothing. Warps that copy fill rings with barriers in common, and prepare the lines of L and Delta.
Program backward(std::string name, std::string kernel, int64_t bm, int64_t queries, int64_t depth) {
  constexpr DataType BF16 = DataType::BF16, F32 = DataType::F32;
  const std::vector<int64_t> ofQueries = {1, queries, 1, depth}, ofKeys = {1, 228, 1, depth}, lines = {1, 1, queries};
  Program program{std::move(name),
                  "attention_backward.tile",
                  "",
                  {{"BM", bm}, {"BN", 128}, {"warps", 8}, {"stages", 2}},
                  "",
                  {{"Q", BF16, ofQueries},
                   {"K", BF16, ofKeys},
                   {"V", BF16, ofKeys},
                   {"dO", BF16, ofQueries},
                   {"L", F32, lines},
                   {"Delta", F32, lines},
                   {"dK", BF16, ofKeys, true},
                   {"dV", BF16, ofKeys, true}},
                  {{"scale", 0.125f}},
                  "sim:h200",
                  std::move(kernel)};
  if (program.kernel == "attention_backward")
    program.tensors.push_back({"dQ", F32, ofQueries, true});
  return program;
}

} // namespace

std::vector<Program> imbrex::testing::programs() {
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
  Program pages = onHopper("wgmma attention, pages", 64, 4, 2, 64);
  for (Tensor &tensor : pages.tensors)
    if (tensor.name == "K" || tensor.name == "V") {
      tensor.shape = {7, 16, 1, 64};
      tensor.isPool = true;
    }
  // Values are turned in shared memory by the warps that copy.
  Program bytes = onHopper("wgmma attention of bytes", 64, 4, 2, 64);
  bytes.path = "attention_bytes.tile";
  for (Tensor &tensor : bytes.tensors)
    tensor.type = tensor.isOutput ? F16 : DataType::F8E4M3;
  // Keys and values are rounded in shared memory by the warps that copy, queries by those that compute.
  Program words = onHopper("wgmma attention of words", 64, 4, 2, 64);
  words.tuning.emplace_back("tf32", 1);
  for (Tensor &tensor : words.tensors)
    tensor.type = F32;
  return {
      pages,
      bytes,
      words,
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
      three("wgmma, three products", "sim:h200"),
      backward("wgmma backward, 128 features", "attention_backward", 64, 310, 128),
      backward("wgmma backward, products by columns", "attention_backward", 128, 620, 64),
      backward("wgmma gradients of keys", "attention_dkdv", 64, 310, 128),
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
      three("three products", "sim:a100"),
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

/// Fills `bytes` with elements of +-1 .. 2.
static void fill(std::vector<uint8_t> &bytes, DataType type, std::mt19937 &random) {
  for (size_t at = 0; at < bytes.size(); at += byteSize(type))
    if (type == DataType::F8E4M3) {
      bytes[at] = uint8_t(0x38 | (random() & 0x87));
    } else if (type == DataType::F16) {
      uint16_t bits = uint16_t(0x3c00 | (random() & 0x83ff));
      memcpy(&bytes[at], &bits, 2);
    } else if (type == DataType::BF16) {
      uint16_t bits = uint16_t(0x3f80 | (random() & 0x807f));
      memcpy(&bytes[at], &bits, 2);
    } else {
      uint32_t bits = 0x3f800000 | (random() & 0x807fffff);
      memcpy(&bytes[at], &bits, 4);
    }
}

namespace {

/// What a launch of a program takes, with the memory that it refers to.
class Bench {
public:
  Bench(Runtime &runtime, const Program &program) : runtime(runtime) {
    stored.reserve(program.tensors.size());
    std::mt19937 random(1);
    for (const Tensor &tensor : program.tensors) {
      size_t count = 1;
      for (int64_t extent : tensor.shape)
        count *= extent;
      std::vector<uint8_t> bytes(count * byteSize(tensor.type), 0);
      if (!tensor.isOutput)
        fill(bytes, tensor.type, random);
      const View view(upload(bytes.data(), bytes.size()), tensor.type, Dims(std::span<const int64_t>(tensor.shape)));
      if (tensor.isOutput)
        outputs.push_back(buffers.size() - 1);
      if (tensor.isPool)
        arguments.emplace_back(tensor.name, stored.emplace_back(sequenceOf(view)));
      else
        arguments.emplace_back(tensor.name, view);
    }
    for (const auto &[name, value] : program.scalars)
      arguments.emplace_back(name, value);
  }

  std::vector<Argument> arguments;

  std::vector<std::vector<uint8_t>> results() {
    std::vector<std::vector<uint8_t>> all;
    for (size_t output : outputs) {
      all.emplace_back(buffers[output].bytes());
      buffers[output].copyTo(all.back().data(), all.back().size()).value();
    }
    return all;
  }

private:
  const Buffer &upload(const void *data, size_t bytes) {
    buffers.push_back(runtime.allocate(bytes).value());
    buffers.back().copyFrom(data, bytes).value();
    return buffers.back();
  }
  Sequences sequenceOf(const View &pool) {
    const int32_t pages = int32_t(pool.extents[0]), length = int32_t(pages * pool.extents[1] - 5);
    std::vector<int32_t> table;
    for (int32_t page = pages; page-- > 0;)
      table.push_back(page);
    const View entries(upload(table.data(), table.size() * 4), DataType::I32, {1, pages});
    return paged(pool, entries, View(upload(&length, 4), DataType::I32, {1}));
  }

  Runtime &runtime;
  std::vector<Buffer> buffers;
  std::vector<Sequences> stored;
  std::vector<size_t> outputs;
};

} // namespace

Outcome imbrex::testing::run(const Program &program, const std::function<void(Lines &)> &damage, unsigned seed) {
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
  Kernel kernel = module.kernel(program.kernel).value();
  for (const auto &[name, value] : program.tuning)
    kernel.set(name, value);
  if (!program.mask.empty())
    kernel.hook("mask", program.mask);
  Bench bench(runtime, program);
  Outcome outcome;
  Result<void> launched = kernel.launch(runtime.stream(), bench.arguments);
  if (launched)
    launched = runtime.stream().synchronize();
  if (!launched)
    outcome.fault = launched.error().render();
  else
    outcome.outputs = bench.results();
  return outcome;
}
