//===- ErrorSamples.cpp - Errors as runs with random roundings show them --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The factor below, and that a comparison allows twice a bound, cover that a device's error is one more draw:
// the largest of some hundred draws lies near three standard deviations, so the bound at more than six.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/ErrorSamples.h"
#include "compiler/reference/ErrorBounds.h"
#include "dialects/tile/TileDialect.h"
#include <cmath>
#include <map>

namespace imbrex::reference {
namespace {

constexpr double kFactor = 1.2;
/// Rows that are taken together. Neighbours may be of several heads, each with roundings of another size, so that the
/// draws of few rows decide: of three draws the largest is below a device's share of the bound in one case of sixty, of
/// 24 (8 rows of 32, 3 samples) in one of 100,000.
constexpr int64_t kRowsOfGroup = 32;
/// Fewer elements than this tell nothing: the bounds stay.
constexpr unsigned kFewest = 16;

double valueOf(const Stored &stored, ElementType type) { return decodeFloat(stored.bits, type.kind); }

/// By which share of its bound a group of elements differs at most, and how many there are.
struct Group {
  double share = 0;
  unsigned elements = 0;
};
/// An operation that stores, and a group of rows of its output; -1 stands for all rows.
using GroupKey = std::pair<mlir::Operation *, int64_t>;

int64_t rowsOf(const Stored &stored) {
  const std::vector<int64_t> &extents = stored.output->view.extents;
  return extents.empty() ? 0 : stored.element / extents.back() / kRowsOfGroup;
}

/// What the samples differ by from the exact run, at most.
double deviation(void *address, double exact, ElementType type, llvm::ArrayRef<StoredElements> samples) {
  double largest = 0;
  for (const StoredElements &sample : samples) {
    auto found = sample.find(address);
    double other = found == sample.end() ? INFINITY : valueOf(found->second, type);
    double difference = std::fabs(other - exact);
    largest = std::isfinite(difference) ? std::max(largest, difference) : INFINITY;
  }
  return largest;
}

/// `value` moved by that share, -1 to 1, of `rounding`. Of f64 less than half the distance of neighbours would be lost:
/// in half of the cases it is the whole distance.
double movedBy(double value, double share, double rounding) {
  double moved = value + share * rounding;
  bool isLost = moved == value && std::fabs(share) > 0.5 && std::fabs(share) * rounding > 0;
  return isLost ? std::nextafter(value, share > 0 ? INFINITY : -INFINITY) : moved;
}

/// The sums of a tile's lines, each addition rounded: to f32 where the type is narrower.
void addInTurn(OpRun &run, unsigned dim) {
  const TileValue &in = run.in(0);
  bool isF64 = in.element.kind == ElementType::F64;
  reduceAlong(in.floats, run.out().floats, in.shape[dim], strideOf(in.shape, dim),
              [&](double sum, double term) { return isF64 ? sum + term : double(float(sum + term)); });
}

} // namespace

double ErrorRandom::next() {
  uint64_t x = state += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return double(int64_t(x ^ (x >> 31))) * 0x1p-63;
}

void moveByRoundings(OpRun &run, ErrorRandom &random, bool approximates) {
  if (run.results.empty() || !run.out().element.isFloat())
    return;
  auto reduce = mlir::dyn_cast<tile::ReduceOp>(run.op);
  if (random.addsInTurn && reduce && reduce.getKind() == tile::ReduceKind::Sum)
    return addInTurn(run, reduce.getDim());
  std::vector<double> roundings = ownErrors(run, Roundings::Likely, approximates);
  std::vector<double> &values = run.out().floats;
  for (size_t i = 0; i < roundings.size(); ++i)
    if (std::isfinite(values[i]) && values[i] != 0)
      values[i] = movedBy(values[i], random.next(), roundings[i]);
}

void narrowErrors(StoredElements &exact, llvm::ArrayRef<StoredElements> samples) {
  std::map<GroupKey, Group> groups;
  auto forEach = [&](auto visit) {
    for (auto &[address, stored] : exact) {
      ElementType type = ElementType::of(stored.output->view.type);
      double value = type.isFloat() && !isAddition(stored.op) ? valueOf(stored, type) : NAN;
      double ofMemory = std::isfinite(value) ? roundingOf(type, value) : 0;
      if (std::isfinite(value) && std::isfinite(stored.error) && stored.error > ofMemory)
        visit(address, stored, type, value, ofMemory);
    }
  };
  forEach([&](void *address, Stored &stored, ElementType type, double value, double ofMemory) {
    double share = deviation(address, value, type, samples) / (stored.error - ofMemory);
    if (!std::isfinite(share)) // a sample has no number here, as a device may have none
      stored.error = INFINITY;
    for (int64_t row : {rowsOf(stored), int64_t(-1)}) {
      Group &group = groups[{stored.op, row}];
      group.share = std::max(group.share, share);
      ++group.elements;
    }
  });
  forEach([&](void *, Stored &stored, ElementType, double, double ofMemory) {
    Group group = groups[{stored.op, rowsOf(stored)}];
    if (group.elements < kFewest)
      group = groups[{stored.op, -1}];
    if (group.elements >= kFewest)
      stored.error = ofMemory + (stored.error - ofMemory) * std::min(1.0, kFactor * group.share);
  });
}

} // namespace imbrex::reference
