//===- OverlapTest.cpp - What a call stores is not what it reads ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Results of kernels/attention.h that lie on an operand or on each other are refused with both names and before any
// launch, whichever launch of a call stores them; parts of one array that never meet are taken.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include "tests/support/Tensor.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

constexpr int64_t kBatch = 2, kKeys = 300, kHeads = 2, kDepth = 32;

const Runtime &runtime() { return runtimeOf(oneOfEachKind()[0]); }
const Stream &stream() { return runtime().stream(); }

Tensor dense(DataType type, std::vector<int64_t> extents, const std::vector<double> *values = nullptr) {
  return Tensor(runtime(), type, denseLayout(std::move(extents)), values);
}
Tensor filled(DataType type, std::vector<int64_t> extents, double value) {
  int64_t count = 1;
  for (int64_t extent : extents)
    count *= extent;
  const std::vector<double> values(size_t(count), value);
  return dense(type, std::move(extents), &values);
}

std::string told(const Result<void> &done) { return done ? "" : done.error().message; }
std::string overlaps(const char *stored, const char *other) {
  return std::string("argument '") + stored + "' is stored to, but overlaps argument '" + other +
         "' in memory: give it memory of its own";
}

/// `view` from the element `first` on, with its own extents.
View shifted(View view, int64_t first) {
  view.byteOffset += uint64_t(first) * byteSize(view.type);
  return view;
}

} // namespace

TEST(AttentionOverlap, Forward) {
  Tensor all = filled(DataType::F16, {kBatch, 40, 4, kHeads, kDepth}, 1),
         lse = dense(DataType::F32, {kBatch, kHeads, 40});
  auto part = [&](int64_t i) { return attention::select(all.view(), 2, i); };
  auto forward = [&](const View &o) {
    return told(attention::forward(runtime(), stream(), {part(0), part(1), part(2), o, lse.view()}));
  };
  EXPECT_EQ(forward(part(0)), overlaps("O", "Q"));
  EXPECT_EQ(forward(part(1)), overlaps("O", "K"));
  EXPECT_EQ(forward(part(2)), overlaps("O", "V"));
  EXPECT_EQ(forward(part(3)), "") << "beside its operands in one array";
}

/// In one launch and in two: whether keys are split must not decide what may overlap.
TEST(AttentionOverlap, Decode) {
  for (int64_t parts : {1, 3}) {
    Tensor q = filled(DataType::F16, {kBatch, 1, 3, kHeads, kDepth}, 1),
           k = filled(DataType::F16, {kBatch, kKeys, kHeads, kDepth}, 1),
           v = filled(DataType::F16, {kBatch, kKeys, kHeads, kDepth}, 1);
    const View queries = attention::select(q.view(), 2, 0);
    attention::Decode call = {.q = queries, .k = k.view(), .v = v.view(), .o = attention::select(q.view(), 2, 2)};
    call.parts = parts;
    const attention::DecodePlan plan = attention::plan(runtime(), call).value();
    ASSERT_EQ(plan.support().steps.size(), parts == 1 ? 1u : 2u);
    const Buffer workspace = runtime().allocate(plan.workspaceBytes()).value();
    auto decode = [&](const View &o) {
      call.o = o;
      return told(plan.run(stream(), call, workspace));
    };
    EXPECT_EQ(decode(attention::select(q.view(), 2, 2)), "");
    EXPECT_EQ(decode(queries), overlaps("O", "Q")) << parts;
    View inKeys = k.view();
    inKeys.extents = {kBatch, 1, kHeads, kDepth},
    inKeys.strides = {kKeys * kHeads * kDepth, kHeads * kDepth, kDepth, 1};
    EXPECT_EQ(decode(inKeys), overlaps("O", "K")) << parts;
    if (parts == 1)
      continue;
    call.o = attention::select(q.view(), 2, 1);
    View there = v.view();
    there = View(there.address + there.byteOffset, DataType::U8, {int64_t(plan.workspaceBytes())});
    EXPECT_EQ(told(plan.run(stream(), call, there)), overlaps("workspace", "V"));
  }
}

TEST(AttentionOverlap, Backward) {
  const int64_t rows = 40;
  Tensor all = filled(DataType::F16, {kBatch, rows, 8, kHeads, kDepth}, 0.125),
         lse = filled(DataType::F32, {kBatch, kHeads, rows}, 3),
         sums = filled(DataType::F32, {kBatch, rows, kHeads, kDepth}, 0);
  auto part = [&](int64_t i) { return attention::select(all.view(), 2, i); };
  const attention::Backward right = {part(0), part(1), part(2), part(3), lse.view(),
                                     part(4), part(5), part(6), part(7)};
  auto backward = [&](const attention::Backward &call) {
    attention::Backward planned = right;
    planned.adds = call.adds, planned.dq = call.adds ? sums.view() : right.dq;
    const attention::BackwardPlan plan = attention::plan(runtime(), planned).value();
    return told(plan.run(stream(), call, runtime().allocate(plan.workspaceBytes()).value()));
  };
  EXPECT_EQ(backward(right), "");
  attention::Backward call = right;
  call.dk = right.dq;
  EXPECT_EQ(backward(call), overlaps("dQ", "dK")) << "stored by two launches";
  call = right, call.dv = right.o;
  EXPECT_EQ(backward(call), overlaps("dV", "O")) << "read by the first launch alone";
  call = right, call.dq = part(0);
  EXPECT_EQ(backward(call), overlaps("dQ", "Q"));
  call = right, call.adds = true, call.dq = sums.view();
  EXPECT_EQ(backward(call), "");
  call.dv = right.dk;
  EXPECT_EQ(backward(call), overlaps("dK", "dV"));
}

TEST(AttentionOverlap, Append) {
  const int64_t rows = 3, room = 40;
  const std::vector<double> now = {20, 9};
  Tensor lengths = dense(DataType::I32, {kBatch}, &now), k = filled(DataType::F16, {kBatch, room, kHeads, kDepth}, 1),
         v = filled(DataType::F16, {kBatch, room, kHeads, kDepth}, 1),
         fresh = filled(DataType::F16, {kBatch, rows, 4, kHeads, kDepth}, 1);
  const View newK = attention::select(fresh.view(), 2, 0), newV = attention::select(fresh.view(), 2, 1);
  const Sequences keys = padded(k.view(), lengths.view()), values = padded(v.view(), lengths.view());
  attention::Append call = {newK,
                            newV,
                            keys,
                            values,
                            {.features = 8},
                            attention::select(fresh.view(), 2, 2),
                            attention::select(fresh.view(), 2, 3)};
  auto append = [&] { return told(attention::append(runtime(), stream(), call)); };
  EXPECT_EQ(append(), "");
  View own = k.view(); // the cache's first rows, to be its last
  own.extents = {kBatch, rows, kHeads, kDepth}, own.strides = {room * kHeads * kDepth, kHeads * kDepth, kDepth, 1};
  call.newK = own;
  EXPECT_EQ(append(), overlaps("K", "KN"));
  call.newK = newK, call.v = keys;
  EXPECT_EQ(append(), overlaps("K", "V"));
  call.v = values;
  call.turnedQ = View(v.view().address + v.view().byteOffset, DataType::F16, {kBatch, rows, kHeads, kDepth});
  EXPECT_EQ(append(), overlaps("V", "QT")) << "stored by two launches";
  call.turnedQ = newV;
  EXPECT_EQ(append(), overlaps("QT", "VN")) << "read by the launch before";
  call.turnedQ = attention::select(fresh.view(), 2, 2);
  EXPECT_EQ(append(), overlaps("QT", "Q"));
}

/// K and V in one pool, a page of the one behind a page of the other; rows of a head, or heads of a row, together.
TEST(AttentionOverlap, PagesOfOnePoolBesideEachOther) {
  const int64_t pages = 5, page = 4, rows = 2;
  const std::vector<double> table = {3, 0, 1, 4}, now = {6, 3};
  Tensor tables = dense(DataType::I32, {kBatch, 2}, &table), lengths = dense(DataType::I32, {kBatch}, &now);
  Tensor newK = filled(DataType::F16, {kBatch, rows, kHeads, kDepth}, 2),
         newV = filled(DataType::F16, {kBatch, rows, kHeads, kDepth}, 3);
  for (bool isHeadsFirst : {false, true}) {
    Tensor pool = isHeadsFirst ? dense(DataType::F16, {pages, 2, kHeads, page, kDepth})
                               : dense(DataType::F16, {pages, 2, page, kHeads, kDepth});
    auto part = [&](int64_t which) {
      const View all = attention::select(pool.view(), 1, which);
      return paged(isHeadsFirst ? attention::headsFirst(all) : all, tables.view(), lengths.view());
    };
    EXPECT_EQ(told(attention::append(runtime(), stream(), {newK.view(), newV.view(), part(0), part(1)})), "")
        << isHeadsFirst;
    const std::vector<double> found = pool.read();
    auto at = [&](int64_t which, int64_t b, int64_t position, int64_t head) {
      const int64_t p = int64_t(table[size_t(b * 2 + position / page)]) * 2 + which, row = position % page;
      return found[size_t((p * kHeads * page + (isHeadsFirst ? head * page + row : row * kHeads + head)) * kDepth)];
    };
    int64_t written = 0;
    for (double x : found)
      written += !std::isnan(x);
    EXPECT_EQ(written, 2 * kBatch * rows * kHeads * kDepth);
    for (int64_t b = 0; b < kBatch; ++b)
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t head = 0; head < kHeads; ++head)
          for (int64_t which : {0, 1})
            EXPECT_EQ(at(which, b, int64_t(now[size_t(b)]) - rows + i, head), which == 0 ? 2 : 3);
    EXPECT_EQ(told(attention::append(runtime(), stream(), {newK.view(), newV.view(), part(0), part(0)})),
              overlaps("K", "V"));
  }
}

/// New rows and attention to all in one launch (attention_append), over a pool of pages that have keys and values, as
/// FlashInfer lays it out: the bits of two pools, and of the pool itself.
TEST(AttentionOverlap, OneLaunchOverOnePool) {
  const int64_t pages = 5, page = 4, rows = 2;
  const std::vector<double> table = {3, 0, 1, 4}, now = {6, 3};
  Tensor tables = dense(DataType::I32, {kBatch, 2}, &table), lengths = dense(DataType::I32, {kBatch}, &now);
  Random random(10);
  auto some = [&](int64_t count) { return roundTo(random.normals(count), DataType::F16); };
  const int64_t part = page * kHeads * kDepth, batch = kBatch * rows * kHeads * kDepth;
  const std::vector<double> old = some(pages * 2 * part), freshK = some(batch), freshV = some(batch),
                            asked = some(batch);
  std::vector<double> alone[2];
  for (int64_t p = 0; p < pages; ++p)
    for (int64_t which : {0, 1})
      alone[which].insert(alone[which].end(), old.begin() + (p * 2 + which) * part,
                          old.begin() + (p * 2 + which + 1) * part);
  const std::vector<int64_t> fresh = {kBatch, rows, kHeads, kDepth};
  Tensor newK = dense(DataType::F16, fresh, &freshK), newV = dense(DataType::F16, fresh, &freshV),
         q = dense(DataType::F16, fresh, &asked), o = dense(DataType::F16, fresh);
  for (bool isHeadsFirst : {false, true})
    for (int64_t parts : {1, 2}) {
      auto stored = [&](const View &view) {
        return paged(isHeadsFirst ? attention::headsFirst(view) : view, tables.view(), lengths.view());
      };
      auto run = [&](const View &k, const View &v) {
        attention::Decode call = {.q = q.view(), .k = stored(k), .v = stored(v), .o = o.view()};
        call.newK = newK.view(), call.newV = newV.view(), call.parts = parts;
        Result<attention::DecodePlan> plan = attention::plan(runtime(), call);
        if (!plan)
          return plan.error().message;
        EXPECT_EQ(plan->support().steps[0].kernel, "attention_append");
        return told(plan->run(stream(), call, runtime().allocate(plan->workspaceBytes()).value()));
      };
      const std::vector<int64_t> shape = isHeadsFirst ? std::vector<int64_t>{pages, 2, kHeads, page, kDepth}
                                                      : std::vector<int64_t>{pages, 2, page, kHeads, kDepth};
      const std::vector<int64_t> half = {shape[0], shape[2], shape[3], shape[4]};
      Tensor pool = dense(DataType::F16, shape, &old), k = dense(DataType::F16, half, &alone[0]),
             v = dense(DataType::F16, half, &alone[1]);
      const View keys = attention::select(pool.view(), 1, 0), values = attention::select(pool.view(), 1, 1);
      ASSERT_EQ(run(k.view(), v.view()), "");
      const std::vector<double> want = o.read();
      ASSERT_EQ(run(keys, values), "") << isHeadsFirst << parts;
      EXPECT_EQ(o.read(), want) << isHeadsFirst << parts;
      std::vector<double> both, after[2] = {k.read(), v.read()};
      for (int64_t p = 0; p < pages; ++p)
        for (const std::vector<double> &each : after)
          both.insert(both.end(), each.begin() + p * part, each.begin() + (p + 1) * part);
      EXPECT_NE(both, old);
      EXPECT_EQ(pool.read(), both) << isHeadsFirst << parts;
      EXPECT_EQ(run(keys, keys), overlaps("K", "V")) << parts;
    }
}

TEST(AttentionOverlap, PagesThatLieInEachOther) {
  const std::vector<double> table = {0, 1}, now = {2, 2};
  Tensor tables = dense(DataType::I32, {kBatch, 1}, &table), lengths = dense(DataType::I32, {kBatch}, &now),
         k = dense(DataType::F16, {2, kHeads, 4, kDepth}), v = dense(DataType::F16, {2, kHeads, 4, kDepth}),
         fresh = filled(DataType::F16, {kBatch, 1, kHeads, kDepth}, 2);
  View near = attention::headsFirst(k.view());
  near.strides[0] = 6 * kDepth; // heads are four rows apart: a page takes eight
  attention::Append call = {fresh.view(), fresh.view(), paged(near, tables.view(), lengths.view()),
                            paged(attention::headsFirst(v.view()), tables.view(), lengths.view())};
  EXPECT_EQ(told(attention::append(runtime(), stream(), call)),
            "argument 'K': stride 192 from a page to the next makes elements of an output overlap");
}

TEST(AttentionOverlap, Merge) {
  Tensor po = filled(DataType::F32, {2, kBatch, 3, kHeads, kDepth}, 1),
         pl = filled(DataType::F32, {2, kBatch, kHeads, 3}, 0), o = dense(DataType::F32, {kBatch, 3, kHeads, kDepth}),
         lse = dense(DataType::F32, {kBatch, kHeads, 3});
  auto merge = [&](const View &to, const View &l) {
    return told(attention::merge(runtime(), stream(), {po.view(), pl.view(), to, l}));
  };
  EXPECT_EQ(merge(o.view(), lse.view()), "");
  EXPECT_EQ(merge(attention::select(po.view(), 0, 1), lse.view()), overlaps("O", "PO"));
  EXPECT_EQ(merge(o.view(), attention::select(pl.view(), 0, 0)), overlaps("L", "PL"));
  EXPECT_EQ(
      merge(o.view(), shifted(View(o.view().address + o.view().byteOffset, DataType::F32, {kBatch, kHeads, 3}), 1)),
      overlaps("O", "L"));
}
