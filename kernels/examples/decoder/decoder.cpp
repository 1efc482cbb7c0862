//===- decoder.cpp - Text from a tiny model, a step at a time -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an inference engine does at each step: look the tokens up and project them (a kernel of its own), append keys
// and values to a paged cache, attend, and make logits (another of its own). Three prompts at once; the texts must be
// those of plain C++, byte for byte.
//
//===----------------------------------------------------------------------===//

#include "model.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <imbrex/imbrex.h>

using namespace imbrex;

static constexpr int64_t kLength = 40, kPage = 4, kPages = (kLength + kPage - 1) / kPage;
static const std::vector<std::string> kPrompts = {"Once upon a time", "Call me ", "It"};

namespace {

class Decoder {
public:
  Decoder(const Runtime &runtime, const Model &model);
  /// Feeds one character of each sequence; the logits of the next, [sequence, characters].
  std::vector<float> step(const std::vector<int32_t> &tokens);

private:
  static constexpr int64_t kBatch = 3;
  Buffer room(int64_t count) const { return runtime.allocate(size_t(count) * 4).value(); }
  template <typename T> Buffer filled(const std::vector<T> &values) const {
    Buffer buffer = room(int64_t(values.size()));
    buffer.copyFrom(values.data(), values.size() * sizeof(T)).value();
    return buffer;
  }
  View matrix(const Buffer &buffer, int64_t columns) const {
    return View(buffer, DataType::F32, {int64_t(buffer.bytes()) / 4 / columns, columns});
  }
  /// Heads of the projected rows, from a column on: [sequence, 1, heads, depth].
  View heads(int64_t column, int64_t count) const {
    View view(projected, DataType::F32, {kBatch, 1, count, kDepth}, {kProjected, kProjected, kDepth, 1});
    view.byteOffset = uint64_t(column) * 4;
    return view;
  }
  Sequences cache(const Buffer &pool) const {
    return paged(View(pool, DataType::F32, {kBatch * kPages, kPage, kKeyHeads, kDepth}),
                 View(pages, DataType::I32, {kBatch, kPages}), View(lengths, DataType::I32, {kBatch}));
  }
  attention::Append appended() const;
  attention::Decode attended() const;

  const Runtime &runtime;
  Kernel project, logits;
  Buffer table, projection, output, tokens, projected, keys, values, pages, lengths, turned, result, found;
  attention::AppendPlan append;
  attention::DecodePlan attend;
  Buffer workspace;
};

} // namespace

/// The pages of a pool, dealt out to the sequences in turn.
static std::vector<int32_t> dealtPages(int64_t batch) {
  std::vector<int32_t> table;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t i = 0; i < kPages; ++i)
      table.push_back(int32_t(i * batch + b));
  return table;
}

Decoder::Decoder(const Runtime &runtime, const Model &model)
    : runtime(runtime), project(runtime.load(PRODUCTS).value().kernel("project").value()),
      logits(runtime.load(PRODUCTS).value().kernel("logits").value()), table(filled(model.table)),
      projection(filled(model.project)), output(filled(model.output)), tokens(room(kBatch)),
      projected(room(kBatch * kProjected)), keys(room(kBatch * kPages * kPage * kKeyFeatures)),
      values(room(kBatch * kPages * kPage * kKeyFeatures)), pages(filled(dealtPages(kBatch))),
      lengths(filled(std::vector<int32_t>(kBatch, 0))), turned(room(kBatch * kFeatures)),
      result(room(kBatch * kFeatures)), found(room(kBatch * kCharacters)),
      append(attention::plan(runtime, appended()).value()), attend(attention::plan(runtime, attended()).value()),
      workspace(runtime.allocate(attend.workspaceBytes()).value()) {}

/// The lengths grow by one, keys and queries turn at the new positions.
attention::Append Decoder::appended() const {
  attention::Append call = {.newK = heads(kFeatures, kKeyHeads),
                            .newV = heads(kFeatures + kKeyFeatures, kKeyHeads),
                            .k = cache(keys),
                            .v = cache(values)};
  call.rotary = {.features = kDepth, .base = kBase};
  call.q = heads(0, kHeads);
  call.turnedQ = View(turned, DataType::F32, {kBatch, 1, kHeads, kDepth});
  call.advances = true;
  return call;
}

attention::Decode Decoder::attended() const {
  return {.q = View(turned, DataType::F32, {kBatch, 1, kHeads, kDepth}),
          .k = cache(keys),
          .v = cache(values),
          .o = View(result, DataType::F32, {kBatch, 1, kHeads, kDepth}),
          .longest = kLength,
          .parts = 2};
}

std::vector<float> Decoder::step(const std::vector<int32_t> &fed) {
  const Stream &stream = runtime.stream();
  const View token(tokens, DataType::I32, {kBatch});
  tokens.copyFromAsync(stream, fed.data(), fed.size() * 4).value();
  project
      .launch(stream, {{"Token", token},
                       {"E", matrix(table, kFeatures)},
                       {"W", matrix(projection, kProjected)},
                       {"Y", matrix(projected, kProjected)}})
      .value();
  append.run(stream, appended()).value();
  attend.run(stream, attended(), workspace).value();
  logits
      .launch(stream, {{"Token", token},
                       {"E", matrix(table, kFeatures)},
                       {"O", matrix(result, kFeatures)},
                       {"W", matrix(output, kCharacters)},
                       {"Y", matrix(found, kCharacters)}})
      .value();
  std::vector<float> next(size_t(kBatch) * kCharacters);
  found.copyToAsync(stream, next.data(), next.size() * 4).value();
  stream.synchronize().value();
  return next;
}

int main(int count, char **words) {
  RuntimeOptions options;
  options.device = count > 1 ? words[1] : ""; // the first GPU, else the simulated device
  Runtime runtime = Runtime::open(options).value();
  const Model model(42);
  Decoder decoder(runtime, model);
  std::vector<std::string> texts = kPrompts;
  std::vector<Generated> plain;
  for (const std::string &prompt : kPrompts)
    plain.push_back(generatePlainly(model, prompt, int(kLength)));
  double worst = 0; // difference of a logit
  for (size_t position = 0; position + 1 < size_t(kLength); ++position) {
    std::vector<int32_t> tokens;
    for (const std::string &text : texts)
      tokens.push_back(int32_t(kAlphabet.find(text[position])));
    const std::vector<float> next = decoder.step(tokens);
    for (size_t i = 0; i < next.size(); ++i)
      worst =
          std::max(worst, std::abs(next[i] - plain[i / kCharacters].logits[position * kCharacters + i % kCharacters]));
    for (size_t b = 0; b < texts.size(); ++b)
      if (texts[b].size() == position + 1)
        texts[b] += kAlphabet[size_t(likeliest(&next[b * kCharacters]))];
  }
  bool isSame = worst < 1e-4;
  for (size_t b = 0; b < texts.size(); ++b) {
    isSame &= texts[b] == plain[b].text;
    std::printf("%s\n--\n", texts[b].c_str());
  }
  std::printf("%s: %sas plain C++ has it, logits within %.1e\n", runtime.device().name.c_str(), isSame ? "" : "NOT ",
              worst);
  return isSame ? 0 : 1;
}
