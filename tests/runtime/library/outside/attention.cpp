//===- attention.cpp - Attention for a program outside the tree -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// kernels/attention.h as a stranger finds it installed: dense, ragged and paged sequences, elements of 8 bits, a bias,
// slopes, sinks, gradients, and a step of a cache, each beside plain loops in f64. Four query heads share two key
// heads; everything is of f32.
//
//===----------------------------------------------------------------------===//

#include <cmath>
#include <cstdio>
#include <deque>
#include <functional>
#include <imbrex/imbrex.h>
#include <random>

using namespace imbrex;

namespace {

constexpr int64_t H = 4, Hk = 2, D = 32;
using Floats = std::vector<float>;
using Score = std::function<double(double s, int64_t h, int64_t i, int64_t j)>;

/// One sequence: queries [Sq, H, D], keys and values [Sk, Hk, D]; causal from the last query on.
struct Problem {
  int64_t queries, keys;
  const float *q, *k, *v;
  Score score = [](double s, int64_t, int64_t, int64_t) { return s; };
  Floats sinks = {}; ///< [H] or none
};

struct Gradients {
  std::vector<double> q, k, v;
};

/// The results [Sq, H, D]; with dO also their gradients.
std::vector<double> attend(const Problem &p, const float *dO = nullptr, Gradients *to = nullptr) {
  std::vector<double> o(size_t(p.queries * H * D), 0);
  if (to)
    *to = {o, std::vector<double>(size_t(p.keys * Hk * D), 0), std::vector<double>(size_t(p.keys * Hk * D), 0)};
  for (int64_t i = 0; i < p.queries; ++i)
    for (int64_t h = 0; h < H; ++h) {
      const int64_t row = (i * H + h) * D, end = std::max<int64_t>(0, i + p.keys - p.queries + 1);
      auto key = [&](int64_t j) { return (j * Hk + h / (H / Hk)) * D; };
      std::vector<double> w;
      double sum = p.sinks.empty() ? 0 : std::exp(double(p.sinks[size_t(h)])), mean = 0;
      for (int64_t j = 0; j < end; ++j) {
        double s = 0;
        for (int64_t d = 0; d < D; ++d)
          s += double(p.q[row + d]) * p.k[key(j) + d];
        w.push_back(std::exp(p.score(s / std::sqrt(double(D)), h, i, j)));
        sum += w.back();
      }
      std::vector<double> dp(w.size(), 0);
      for (int64_t j = 0; j < end; ++j) {
        w[size_t(j)] /= sum;
        for (int64_t d = 0; d < D; ++d) {
          o[size_t(row + d)] += w[size_t(j)] * p.v[key(j) + d];
          dp[size_t(j)] += to ? double(dO[row + d]) * p.v[key(j) + d] : 0;
        }
        mean += w[size_t(j)] * dp[size_t(j)];
      }
      for (int64_t j = 0; to && j < end; ++j)
        for (int64_t d = 0; d < D; ++d) {
          const double ds = w[size_t(j)] * (dp[size_t(j)] - mean) / std::sqrt(double(D));
          to->q[size_t(row + d)] += ds * p.k[key(j) + d];
          to->k[size_t(key(j) + d)] += ds * p.q[row + d];
          to->v[size_t(key(j) + d)] += w[size_t(j)] * dO[row + d];
        }
    }
  return o;
}

/// Device memory with its view, and what is in it.
class Array {
public:
  Array(const Runtime &runtime, DataType type, Dims extents, const void *values, size_t bytes)
      : buffer(runtime.allocate(bytes).value()), view(buffer, type, extents) {
    if (values)
      buffer.copyFrom(values, bytes).value();
    else
      buffer.fill(runtime.stream(), 0xff).value(); // NaN
  }
  Floats read() const {
    Floats values(buffer.bytes() / 4);
    buffer.copyTo(values.data(), buffer.bytes()).value();
    return values;
  }
  Buffer buffer;
  View view;
};

class Program {
public:
  explicit Program(const Runtime &runtime) : runtime(runtime) {}

  void dense() {
    const Floats q = normals(2 * 9 * H * D), k = normals(2 * 20 * Hk * D), v = normals(2 * 20 * Hk * D);
    const Floats table = normals(H * 20), slopes = {0.5, 0.25, 0.125, 0.0625}, sinks = normals(H);
    auto forward = [&](const char *name, attention::Options options, const Score &score, bool hasSinks) {
      View o = floats({2, 9, H, D}), lse = floats({2, H, 9});
      options.mask = "causal";
      attention::Forward call = {floats({2, 9, H, D}, q), floats({2, 20, Hk, D}, k), floats({2, 20, Hk, D}, v), o, lse,
                                 options};
      if (hasSinks)
        call.sinks = floats({H}, sinks);
      attention::forward(runtime, runtime.stream(), call).value();
      const Floats found = last(o);
      for (int64_t b = 0; b < 2; ++b)
        judge(name, attend({9, 20, &q[size_t(b * 9 * H * D)], &k[size_t(b * 20 * Hk * D)], &v[size_t(b * 20 * Hk * D)],
                            score, hasSinks ? sinks : Floats()}),
              &found[size_t(b * 9 * H * D)]);
    };
    const Score plain = [](double s, int64_t, int64_t, int64_t) { return s; };
    forward("dense", {}, plain, false);
    forward("sinks", {}, plain, true);
    forward("slopes", {.score = "alibi(slopes)", .captured = {{"slopes", floats({H}, slopes)}}},
            [&](double s, int64_t h, int64_t i, int64_t j) {
              return s - slopes[size_t(h)] * double(std::abs(i + 20 - 9 - j));
            },
            false);
    // A bias for all sequences and queries: an extent of 1 is said in the hook.
    const char *shared = "fn shared(t: view<wide<T>>[1, Hk * G, 1, Sk])(s, at) = s + load t[0, at.h, 0, at.k]; "
                         "shared(table)";
    forward("bias", {.score = shared, .captured = {{"table", floats({1, H, 1, 20}, table)}}},
            [&](double s, int64_t h, int64_t, int64_t j) { return s + table[size_t(h * 20 + j)]; }, false);
  }

  void ragged() {
    const int32_t starts[] = {0, 5, 5, 12}, ends[] = {0, 30, 33, 40};
    const Floats q = normals(12 * H * D), k = normals(40 * Hk * D), v = normals(40 * Hk * D);
    View o = floats({12, H, D});
    const View from = integers({4}, starts, 4), to = integers({4}, ends, 4);
    attention::forward(runtime, runtime.stream(),
                       {.q = imbrex::ragged(floats({12, H, D}, q), from, 7),
                        .k = imbrex::ragged(floats({40, Hk, D}, k), to, 30),
                        .v = imbrex::ragged(floats({40, Hk, D}, v), to, 30),
                        .o = o,
                        .options = {.mask = "causal"}})
        .value();
    const Floats found = last(o);
    for (int b = 0; b < 3; ++b)
      judge("ragged",
            attend({starts[b + 1] - starts[b], ends[b + 1] - ends[b], q.data() + starts[b] * H * D,
                    k.data() + ends[b] * Hk * D, v.data() + ends[b] * Hk * D}),
            found.data() + starts[b] * H * D);
  }

  /// One query a sequence over pages of 8 rows, also of i8 times a scale a head.
  void paged() {
    const int32_t table[] = {4, 2, 0, 1, 3, 5}, lengths[] = {21, 10};
    const Floats q = normals(2 * H * D), scales = {0.02f, 0.03f};
    std::vector<int8_t> bytes(size_t(6 * 8 * Hk * D));
    for (int8_t &x : bytes)
      x = int8_t(int(random() % 255) - 127);
    Floats pool;
    for (size_t at = 0; at < bytes.size(); ++at)
      pool.push_back(float(bytes[at]) * scales[at / D % Hk]);
    const View tables = integers({2, 3}, table, 6), counts = integers({2}, lengths, 2);
    const View plain = floats({6, 8, Hk, D}, pool);
    const View small = keep(DataType::I8, {6, 8, Hk, D}, bytes.data(), bytes.size());
    for (bool isSmall : {false, true}) {
      Sequences keys = imbrex::paged(isSmall ? small : plain, tables, counts);
      if (isSmall)
        keys = scaled(keys, floats({Hk}, scales));
      View o = floats({2, 1, H, D});
      attention::Decode call = {.q = floats({2, 1, H, D}, q), .k = keys, .v = keys, .o = o, .parts = 2};
      attention::DecodePlan plan = attention::plan(runtime, call).value();
      plan.run(runtime.stream(), call, runtime.allocate(plan.workspaceBytes()).value()).value();
      const Floats found = last(o);
      for (int b = 0; b < 2; ++b) {
        Floats rows;
        for (int j = 0; j < lengths[b]; ++j) {
          const float *row = &pool[size_t((table[b * 3 + j / 8] * 8 + j % 8) * Hk * D)];
          rows.insert(rows.end(), row, row + Hk * D);
        }
        judge(isSmall ? "pages of 8 bits" : "pages",
              attend({1, lengths[b], q.data() + b * H * D, rows.data(), rows.data()}), found.data() + b * H * D);
      }
    }
  }

  void gradients() {
    const Floats q = normals(9 * H * D), k = normals(20 * Hk * D), v = normals(20 * Hk * D), dO = normals(9 * H * D);
    View o = floats({1, 9, H, D}), lse = floats({1, H, 9}), dq = floats({1, 9, H, D}), dk = floats({1, 20, Hk, D}),
         dv = floats({1, 20, Hk, D});
    const View qs = floats({1, 9, H, D}, q), ks = floats({1, 20, Hk, D}, k), vs = floats({1, 20, Hk, D}, v);
    attention::forward(runtime, runtime.stream(), {qs, ks, vs, o, lse, {.mask = "causal"}}).value();
    attention::Backward call = {qs, ks, vs, o, lse, floats({1, 9, H, D}, dO), dq, dk, dv, {.mask = "causal"}};
    attention::BackwardPlan plan = attention::plan(runtime, call).value();
    plan.run(runtime.stream(), call, runtime.allocate(plan.workspaceBytes()).value()).value();
    Gradients want;
    attend({9, 20, q.data(), k.data(), v.data()}, dO.data(), &want);
    judge("gradient of queries", want.q, last(dq).data());
    judge("gradient of keys", want.k, last(dk).data());
    judge("gradient of values", want.v, last(dv).data());
  }

  /// New rows behind those of a cache, then attention to all of them.
  void step() {
    const int32_t before[] = {11};
    const Floats q = normals(2 * H * D), fresh = normals(2 * Hk * D), old = normals(16 * Hk * D);
    const View cache = floats({1, 16, Hk, D}, old), counts = integers({1}, before, 1);
    const Sequences keys = padded(cache, counts);
    const View rows = floats({1, 2, Hk, D}, fresh);
    // A cache of keys and one of values, of which an append advances the lengths once.
    const View values = floats({1, 16, Hk, D}, old);
    attention::append(runtime, runtime.stream(),
                      {.newK = rows, .newV = rows, .k = keys, .v = padded(values, counts), .advances = true})
        .value();
    View o = floats({1, 2, H, D});
    attention::Decode call = {
        .q = floats({1, 2, H, D}, q), .k = keys, .v = padded(values, counts), .o = o, .options = {.mask = "causal"}};
    attention::DecodePlan plan = attention::plan(runtime, call).value();
    plan.run(runtime.stream(), call, runtime.allocate(plan.workspaceBytes()).value()).value();
    Floats all(old.begin(), old.begin() + 11 * Hk * D);
    all.insert(all.end(), fresh.begin(), fresh.end());
    judge("append and attend", attend({2, 13, q.data(), all.data(), all.data()}), last(o).data());
  }

  bool isRight = true;

private:
  Floats normals(int64_t n) {
    Floats values(static_cast<size_t>(n));
    for (float &x : values)
      x = normal(random);
    return values;
  }
  View keep(DataType type, Dims extents, const void *values, size_t bytes) {
    return arrays.emplace_back(runtime, type, extents, values, bytes).view;
  }
  View floats(Dims extents, const Floats &values = {}) {
    int64_t n = 1;
    for (size_t i = 0; i < extents.size(); ++i)
      n *= extents[i];
    return keep(DataType::F32, extents, values.empty() ? nullptr : values.data(), size_t(n) * 4);
  }
  View integers(Dims extents, const int32_t *values, size_t n) { return keep(DataType::I32, extents, values, n * 4); }
  /// What is in the memory of a view, when all launches are done.
  Floats last(const View &view) {
    runtime.stream().synchronize().value();
    for (const Array &array : arrays)
      if (array.buffer.address() == view.address)
        return array.read();
    return {};
  }
  void judge(const char *name, const std::vector<double> &want, const float *found) {
    double off = 0;
    for (size_t at = 0; at < want.size(); ++at)
      off = std::isnan(found[at]) ? INFINITY : std::fmax(off, std::fabs(found[at] - want[at]));
    isRight &= off <= 2e-5;
    std::printf("%-20s off by %.1e%s\n", name, off, off <= 2e-5 ? "" : ": wrong");
  }

  const Runtime &runtime;
  std::mt19937 random;
  std::normal_distribution<float> normal;
  std::deque<Array> arrays;
};

} // namespace

int main(int count, char **words) {
  RuntimeOptions options;
  options.device = count > 1 ? words[1] : "sim:h200";
  Runtime runtime = Runtime::open(options).value();
  Program program(runtime);
  program.dense();
  program.ragged();
  program.paged();
  program.gradients();
  program.step();
  return program.isRight ? 0 : 1;
}
