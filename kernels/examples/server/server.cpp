//===- server.cpp - Requests that join and leave a batch ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A server's loop over a batch of three slots and a pool of pages that is too small for all: requests join when there
// is room, each step feeds one character of whoever is there, and slots that are empty are sequences of no rows. Plans
// are made once. The texts must be those of plain C++, byte for byte.
//
//===----------------------------------------------------------------------===//

#include "Slots.h"
#include "model.h"
#include <cstdio>
#include <imbrex/imbrex.h>
#include <map>

using namespace imbrex;

namespace {

class Server {
public:
  Server(const Runtime &runtime, const Model &model);
  /// Feeds a character of each busy slot; the logits of the next, [slots, characters].
  std::vector<float> step(const Slots &slots);

private:
  Buffer room(int64_t count) const { return runtime.allocate(size_t(count) * 4).value(); }
  Buffer filled(const std::vector<float> &values) const {
    Buffer buffer = room(int64_t(values.size()));
    buffer.copyFrom(values.data(), values.size() * 4).value();
    return buffer;
  }
  void put(Buffer &buffer, const std::vector<int32_t> &values) {
    buffer.copyFromAsync(runtime.stream(), values.data(), values.size() * 4).value();
  }
  View matrix(const Buffer &buffer, int64_t columns) const {
    return View(buffer, DataType::F32, {int64_t(buffer.bytes()) / 4 / columns, columns});
  }
  /// Heads of the projected rows, from a column on: a row of each busy slot, [slots, 1, heads, depth].
  Sequences heads(int64_t column, int64_t count) const {
    View view(projected, DataType::F32, {kSlots, 1, count, kDepth}, {kProjected, kProjected, kDepth, 1});
    view.byteOffset = uint64_t(column) * 4;
    return padded(view, View(rows, DataType::I32, {kSlots}));
  }
  Sequences cache(const Buffer &pool) const {
    return paged(View(pool, DataType::F32, {kPool, kPage, kKeyHeads, kDepth}),
                 View(pages, DataType::I32, {kSlots, kMostPages}), View(lengths, DataType::I32, {kSlots}));
  }
  View vectors(const Buffer &buffer) const { return View(buffer, DataType::F32, {kSlots, 1, kHeads, kDepth}); }
  attention::Append appended() const;
  attention::Decode attended() const;

  const Runtime &runtime;
  Kernel project, logits;
  Buffer table, projection, output, tokens, rows, projected, keys, values, pages, lengths, turned, result,
      found; // of an empty slot a result stays as it is: zeros, at first
  attention::AppendPlan append;
  attention::DecodePlan attend;
  Buffer workspace;
};

} // namespace

Server::Server(const Runtime &runtime, const Model &model)
    : runtime(runtime), project(runtime.load(PRODUCTS).value().kernel("project").value()),
      logits(runtime.load(PRODUCTS).value().kernel("logits").value()), table(filled(model.table)),
      projection(filled(model.project)), output(filled(model.output)), tokens(room(kSlots)), rows(room(kSlots)),
      projected(room(kSlots * kProjected)), keys(room(kPool * kPage * kKeyFeatures)),
      values(room(kPool * kPage * kKeyFeatures)), pages(room(kSlots * kMostPages)), lengths(room(kSlots)),
      turned(room(kSlots * kFeatures)), result(filled(std::vector<float>(size_t(kSlots * kFeatures)))),
      found(room(kSlots * kCharacters)), append(attention::plan(runtime, appended()).value()),
      attend(attention::plan(runtime, attended()).value()),
      workspace(runtime.allocate(attend.workspaceBytes()).value()) {}

/// The lengths of busy slots grow by one, keys and queries turn at the new positions.
attention::Append Server::appended() const {
  attention::Append call = {.newK = heads(kFeatures, kKeyHeads),
                            .newV = heads(kFeatures + kKeyFeatures, kKeyHeads),
                            .k = cache(keys),
                            .v = cache(values)};
  call.rotary = {.features = kDepth, .base = kBase};
  call.q = heads(0, kHeads);
  call.turnedQ = vectors(turned);
  call.advances = true;
  return call;
}

attention::Decode Server::attended() const {
  return {.q = padded(vectors(turned), View(rows, DataType::I32, {kSlots})),
          .k = cache(keys),
          .v = cache(values),
          .o = vectors(result),
          .longest = kMostPages * kPage,
          .parts = 2};
}

std::vector<float> Server::step(const Slots &slots) {
  const Stream &stream = runtime.stream();
  std::vector<int32_t> token(kSlots, -1), row(kSlots, 0);
  for (int64_t slot = 0; slot < kSlots; ++slot)
    if (slots.isBusy(slot))
      token[size_t(slot)] = int32_t(kAlphabet.find(slots.next(slot))), row[size_t(slot)] = 1;
  put(tokens, token), put(rows, row), put(pages, slots.table()), put(lengths, slots.lengths());
  const View of(tokens, DataType::I32, {kSlots});
  const View e = matrix(table, kFeatures);
  project
      .launch(stream,
              {{"Token", of}, {"E", e}, {"W", matrix(projection, kProjected)}, {"Y", matrix(projected, kProjected)}})
      .value();
  append.run(stream, appended()).value();
  attend.run(stream, attended(), workspace).value();
  logits
      .launch(stream, {{"Token", of},
                       {"E", e},
                       {"O", matrix(result, kFeatures)},
                       {"W", matrix(output, kCharacters)},
                       {"Y", matrix(found, kCharacters)}})
      .value();
  std::vector<float> next(size_t(kSlots) * kCharacters);
  found.copyToAsync(stream, next.data(), next.size() * 4).value();
  stream.synchronize().value();
  return next;
}

int main(int count, char **words) {
  RuntimeOptions options;
  options.device = count > 1 ? words[1] : ""; // the first GPU, else the simulated device
  Runtime runtime = Runtime::open(options).value();
  const Model model(42);
  const std::deque<Request> requests = {{"Once upon a time", 40}, {"Call me ", 12}, {"It", 25}, {"Why?", 9}, {"A", 33},
                                        {"The end", 20}};
  std::map<std::string, bool> isRight; // by text
  for (const Request &request : requests)
    isRight[generatePlainly(model, request.text, request.length).text] = false;
  Server server(runtime, model);
  Slots slots(requests);
  int steps = 0;
  for (; slots.admit(); ++steps) {
    const std::vector<float> next = server.step(slots);
    for (int64_t slot = 0; slot < kSlots; ++slot)
      if (slots.isBusy(slot))
        slots.take(slot, kAlphabet[size_t(likeliest(&next[size_t(slot * kCharacters)]))]);
  }
  size_t right = 0;
  for (const Request &request : slots.finished()) {
    auto it = isRight.find(request.text);
    right += it != isRight.end() && !std::exchange(it->second, true);
    std::printf("%s\n--\n", request.text.c_str());
  }
  const bool isSame = right == requests.size() && slots.finished().size() == requests.size();
  std::printf("%s: %lld requests in %d steps of %lld slots, %sas plain C++ has them\n", runtime.device().name.c_str(),
              static_cast<long long>(slots.joins()), steps, static_cast<long long>(kSlots), isSame ? "" : "NOT ");
  return isSame ? 0 : 1;
}
