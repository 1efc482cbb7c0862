//===- StoredRows.h - Sequences of rows, stored in every way --- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sequences of different lengths as tensors of attention on a device. Every element that belongs to no sequence is NaN:
// before and behind ragged rows, past the length of padded ones, pages that no table names, and what is left of a page.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_KERNELS_ATTENTION_STOREDROWS_H
#define IMBREX_TESTS_KERNELS_ATTENTION_STOREDROWS_H

#include "kernels/attention.h"
#include "tests/support/Tensor.h"
#include <optional>
#include <string>
#include <vector>

namespace imbrex::testing {

/// How; `page` is above 0 of pages alone. Dense: all sequences must be equally long.
struct How {
  enum class Kind { Dense, Padded, Ragged, Paged } kind = Kind::Dense;
  int64_t page = 0;
  std::string describe() const;
};

class StoredRows {
public:
  /// Sequence b has lengths[b] rows of heads * depth numbers, one after another in values[b].
  StoredRows(const Runtime &runtime, DataType type, How how, const std::vector<int64_t> &lengths, int64_t heads,
             int64_t depth, const std::vector<std::vector<double>> &values);
  /// The same with NaN in every element.
  StoredRows(const Runtime &runtime, DataType type, How how, const std::vector<int64_t> &lengths, int64_t heads,
             int64_t depth);

  attention::Tensor tensor() const;
  View view() const { return data->view(); }
  /// Rows in all, with those of no sequence.
  int64_t rows() const { return rowCount; }
  /// The row in which row s of sequence b lies.
  int64_t rowOf(int64_t b, int64_t s) const;
  /// Sequence b as it is on the device now; `isElsewhereNan`: whether all that is no sequence's is.
  std::vector<double> read(int64_t b) const;
  bool isElsewhereNan() const;
  std::vector<uint8_t> readBytes() const { return data->readBytes(); }
  /// Lengths in place of those that it was made with; only of padded and paged ones.
  void setLengths(const std::vector<int64_t> &lengths);
  std::vector<int32_t> readLengths() const;

private:
  std::vector<int64_t> shape() const;
  /// What is at the row's bytes.
  double element(const uint8_t *row, int64_t i) const;

  DataType type;
  How how;
  std::vector<int64_t> lengths;
  int64_t heads, depth, columns = 0, rowCount = 0, longest = 0;
  std::vector<int32_t> order; ///< the page table
  std::optional<Tensor> data;
  std::optional<Buffer> table, bounds;
};

} // namespace imbrex::testing

#endif // IMBREX_TESTS_KERNELS_ATTENTION_STOREDROWS_H
