//===- MmaOrder.h - Which k a fragment's element stands for ----- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mma.sync multiplies 16 rows with 8 columns over 32 bytes of K, whatever the type: 32 elements of 8 bits, 16 of 16
// bits, 8 of tf32. A lane (g = lane / 4, t = lane % 4) holds four words of A and two of B (PTX ISA, "Matrix Fragments
// for mma.m16n8k8"):
//
//     A's word w: row g + 8 (w % 2), half w / 2 of K           B's word w: column g, half w of K
//
// The instruction adds over K, so any order of K will do that A and B share:
//
//     Chunks   as the instruction counts: what ldmatrix gives of an operand whose K lies along rows
//     Pairs    as an accumulator holds its columns, so that the result of one product is A of the next as it stands.
//              The same as Chunks for 16 bits
//     Crossed  tf32 only, both operands from shared memory by words: no bank twice, whichever way they lie
//
//     k of lane t        Chunks                    Pairs                     Crossed
//                        half 0  | half 1          half 0  | half 1          half 0  | half 1
//     tf32, t = 0 1 2 3  0 1 2 3 | 4 5 6 7         0 2 4 6 | 1 3 5 7         0 5 2 7 | 4 1 6 3
//     8 bits, t = 1      4 5 6 7 | 20 21 22 23     2 3 10 11 | 18 19 26 27
//
// Why: a warp that reads a word a lane of a tf32 operand whose columns lie along rows of 128 bytes reads 8 columns, two
// chunks of 16 bytes, of 4 rows k. The swizzle (SharedLayout.h) XORs the chunk with k % 8, so two rows meet where k / 2
// is the same: 0 and 1 in Chunks, none in the others. Where K lies along rows, it reads 4 words of 8 rows, which meet
// where both take the same words: 0 2 4 6 are all in the even words, 0 5 2 7 fill the chunks. Operands of 8 bits have
// no such choice in shared memory: one whose columns lie along rows is read byte by byte.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_LAYOUT_MMAORDER_H
#define IMBREX_DIALECTS_LAYOUT_MMAORDER_H

#include <cstdint>

namespace imbrex::layout {

enum class KOrder : uint8_t { Chunks, Pairs, Crossed };

/// Elements of `elementBytes` (1, 2 or 4) along K that one instruction multiplies.
constexpr unsigned mmaDepth(unsigned elementBytes) { return 32 / elementBytes; }
/// Elements of a word.
constexpr unsigned mmaPacked(unsigned elementBytes) { return 4 / elementBytes; }

/// The k, below mmaDepth, of element `element` of a word of `half` (0 or 1) in lanes with lane % 4 == `t`.
unsigned mmaK(KOrder order, unsigned elementBytes, unsigned half, unsigned t, unsigned element);

/// True if ldmatrix gives the words of an operand in this order; `kIsRow`: K counts the rows of what is stored.
constexpr bool isByLdmatrix(KOrder order, unsigned elementBytes, bool kIsRow) {
  return elementBytes == 2 || (!kIsRow && order == KOrder::Chunks);
}

} // namespace imbrex::layout

#endif // IMBREX_DIALECTS_LAYOUT_MMAORDER_H
