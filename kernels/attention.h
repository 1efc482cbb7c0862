//===- attention.h - Attention as a library ---------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernels of this folder for programs that want attention, not kernels: forward, backward, decode, append, merge.
//
//   attention::Decode step = {.q = q, .k = paged(keys, table, lengths), .v = paged(values, table, lengths), .o = o};
//   step.options.mask = "causal";
//   attention::DecodePlan plan = attention::plan(runtime, step).value();          // compiles
//   Buffer workspace = runtime.allocate(plan.workspaceBytes()).value();
//   plan.run(runtime.stream(), step, workspace).value();                          // launches, again and again
//
// Shapes. Queries, keys, values and results are [batch, sequence, heads, features] with any strides whose last is 1:
// of [batch, heads, sequence, features] the view is headsFirst(x), the queries of a packed [B, S, 3, H, D] are
// select(x, 2, 0). Any but results may be sequences of different lengths (runtime/Sequences.h): padded, ragged or
// paged, and keys and values of elements of 8 or 16 bits times scales: scaled. Ragged ones have no batch dimension,
// [rows, heads, features]. A result lies as the queries do, and rows of it that are no sequence's are left as they are.
// There are G times as many query heads as key heads, head h reads h / G. Lengths, offsets and tables are i32 in device
// memory.
//
// Meaning. O = softmax(mask(score(Q K^T scale))) V, in f16, bf16, f32 or f64; an lse is the natural logarithm of a
// row's sum of exponentials, [batch, heads, queries] (ragged: [heads, rows]), f32, or f64 of f64. A row that sees
// nothing has O = 0 and lse = -inf. Masks that speak of positions align the last query with the last key. Results share
// memory neither with what a call reads nor with each other, whichever of its launches does: that is refused, with both
// names. Parts of one array that never meet are other memory (packed tensors; pages of keys and of values in one pool).
//
// Ownership: nothing here owns or allocates device memory; what a call names must live until the stream has come past
// its launches. A plan keeps kernels, no memory. Thread-safety: plans are values, const calls may be made from several
// threads at once, with a workspace each. Errors are of kind Argument for what cannot be done, with the reason, else
// those of Kernel::launch; after one nothing, or the first launches only, were put on the stream. Sources: online
// softmax, Milakov and Gimelshein 2018; splitting and merging, Dao et al., Flash-Decoding, 2023; rotary, Su et al.
// 2021.
//
// How the arguments of other libraries are said here stands at the end of this file.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_KERNELS_ATTENTION_H
#define IMBREX_KERNELS_ATTENTION_H

#include "runtime/Runtime.h"

namespace imbrex::attention {

/// A view, or sequences of different lengths; absent if neither.
class Tensor {
public:
  Tensor() = default;
  Tensor(const View &view) : isPresent(true), plain(view) {}
  Tensor(const Sequences &sequences) : isPresent(true), stored(sequences) {}

  /// Whether there is a view or sequences at all; which of them.
  bool isGiven() const { return isPresent; }
  const Sequences *sequences() const { return stored ? &*stored : nullptr; }
  /// Of sequences, what they are stored in.
  const View &view() const { return stored ? stored->storage : plain; }

private:
  bool isPresent = false;
  View plain;
  std::optional<Sequences> stored;
};

/// [B, H, S, D] as [B, S, H, D]: the same memory. Of another rank than 4, the view as it is.
View headsFirst(const View &view);
/// The view at `index` of a dimension, without that dimension: select(qkv, 2, 1) are the keys of [B, S, 3, H, D].
/// Precondition: the dimension and the index exist.
View select(const View &view, unsigned dimension, int64_t index);

/// What attention is asked for beyond its tensors.
struct Options {
  /// What a query sees, and what becomes of a logit: bindings of the hooks (Kernel::hook), such as "causal",
  /// "window(4096, 0)", "softcap(15.0)", "alibi(slopes)" (masks.tile has them all). "": all keys; the logit.
  std::string mask = {}, score = {};
  /// What a weight is multiplied by after the sum, such as "dropout(p16, seed, offset, Hk * G)". "": 1.
  std::string weight = {};
  /// Views and scalars that those name, at most kMostCaptured.
  std::vector<Argument> captured = {};
  std::optional<double> scale = {}; ///< above 0; absent: 1 / sqrt(features of a query)
  /// In place of what the kernels choose; see their `tune`.
  std::vector<std::pair<std::string, int64_t>> tuning = {};

  static constexpr size_t kMostCaptured = 16;
};

/// Any number of queries: attention_forward.tile.
struct Forward {
  Tensor q, k, v;
  View o;
  std::optional<View> lse = {};
  Options options = {};
  /// A logit a head, [heads] in wide<T>, that takes part in the sum and has no value.
  std::optional<View> sinks = {};
  /// Results: the softmax's weights before options.weight, [B, H, Sq, Sk] of T, and the largest logits, like lse.
  std::optional<View> weights = {}, maxima = {};
};

/// Philox's 16 bits of a weight, as the hook `dropout` has them: it is kept where they are not below
/// p16 = round(65536 p), and then is multiplied by 65536 / (65536 - p16). `row` = b * heads + h.
uint32_t dropoutBits(int64_t seed, uint32_t offset, uint32_t query, uint32_t key, uint32_t row);

/// The gradient of Forward: attention_backward.tile. o, lse and the options are what the forward pass had and gave; dO
/// is the gradient of o, dLse that of lse (absent: 0). dq, dk and dv lie as q, k and v do, dO, dLse as o and lse; pages
/// of a gradient without gaps between them.
struct Backward {
  Tensor q, k, v;
  View o, lse, dO;
  View dq, dk, dv;
  Options options = {};
  std::optional<View> dLse = {};
  /// Of what options.score adds last: [B or 1, H or 1, Sq or 1, Sk or 1] in wide<T>, sums where it is 1.
  std::optional<View> dBias = {};
  std::optional<View> sinks = {}, dSinks = {}; ///< [heads] in wide<T>
  /// In one pass: dq is in wide<T>, and what it holds is added to, in an order that is not defined. Else each run gives
  /// the same bits.
  bool adds = false;
};

/// Rotary embedding of the first `features` of a head, an even number; 0: none. By base^(-2 p / features) a position
/// for the pair p, in f32, or by tables [positions, features / 2] of f32 that hold cosines and sines.
struct Rotary {
  int64_t features = 0;
  bool isInterleaved = false; ///< pairs are features 2 p and 2 p + 1, else p and p + features / 2
  double base = 10000;
  std::optional<View> cosines = {}, sines = {};
};

/// Few queries over many keys: attention_decode.tile. All heads of a group lie in one tile, and where there are too few
/// tiles for the device the keys are split, which takes a workspace and a second launch.
struct Decode {
  Tensor q, k, v;
  View o; ///< of T, or in wide<T> where it is to be merged with others
  std::optional<View> lse = {};
  Options options = {};
  /// What the number of parts is planned from: the lengths of the keys' sequences now, or the longest that will come
  /// (for plans that are kept, and graphs). Neither: as long as the storage allows. Wrong ones cost time, no
  /// correctness. With newK, lengths that the cache has no room for are refused.
  std::span<const int32_t> lengths = {};
  int64_t longest = 0;
  /// Above 0: in place of a plan, at most one a key that the storage has room for, or 256 if that is more.
  int64_t parts = 0;
  /// A logit a head, [heads] in wide<T>, that takes part in the sum and has no value.
  std::optional<View> sinks = {};
  /// New rows of the cache k and v, views, padded or ragged: in the same launch they become the last of their
  /// sequences, whose lengths count them already, and are attended to, as by Append and then Decode
  /// (attention_append.tile). Keys and queries turn as `rotary` says. k and v are views, padded or paged, of T: not
  /// scaled.
  Tensor newK = {}, newV = {};
  Rotary rotary = {};
};

/// New rows behind those of a cache: cache_append.tile. newK and newV become the last rows of the sequences of k and v,
/// whose lengths count them already, unless `advances`: then the lengths, an array of k and v both, are first increased
/// by each sequence's new rows. Keys turn at their positions, and so do queries, which become turnedQ, other memory.
/// Where k and v are `scaled` (i8, f8e4m3 or f8e5m2), rows are divided by the scales, which are there already, and
/// become the nearest elements; what is too large becomes the largest. More new rows than the cache has room for are
/// refused where the host knows it: by the shapes of newK and the cache, and by `lengths`. Else, as lengths are on the
/// device, a row whose position lies outside the cache is not written.
struct Append {
  Tensor newK, newV; ///< views, padded or ragged
  Tensor k, v;       ///< views, padded or paged
  Rotary rotary = {};
  Tensor q = {}; ///< given: rotary.features is not 0
  View turnedQ = {};
  bool advances = false;
  /// The lengths of k's sequences as the launch will find them, if the host knows them.
  std::span<const int32_t> lengths = {};
};

/// Results of attention over different keys as one, by their lse: of `parts` sets of partial results, [parts, B, S, H,
/// D] and [parts, B, H, S] in wide<T> (f32, or f64 of f64), into o of type T, [B, S, H, D]. Sets merge in any order and
/// in steps, the same to rounding; one whose lse is -inf changes nothing, whatever its results hold.
struct Merge {
  View partialO, partialLse;
  View o;
  std::optional<View> lse = {};
  std::optional<View> sinks = {}; ///< as Decode's: for the last merge of several
};

/// What a call comes to, or why it cannot be done.
struct Support {
  /// A launch that the plan makes.
  struct Step {
    std::string kernel;
    int64_t tileRows = 0, tileKeys = 0; ///< of a tile of logits; 0: there is none
    unsigned warps = 0, sharedBytes = 0, registers = 0;
    int64_t instances = 0;
  };
  bool isSupported = false;
  std::string why;              ///< what decided the plan, or why not
  std::vector<Step> steps = {}; ///< launches, in their order
  int64_t parts = 1;            ///< that share the keys of a sequence
  int64_t packedHeads = 1;      ///< heads of a group in one tile
  size_t workspaceBytes = 0;

  /// For a person; lines end in "\n".
  std::string text() const;
};

struct PlanState;

/// What all plans have.
class Plan {
public:
  /// What was found when it was planned.
  const Support &support() const;
  /// What `run` is to be given, in device memory, 256-byte aligned; 0: nothing.
  size_t workspaceBytes() const { return support().workspaceBytes; }

protected:
  explicit Plan(std::shared_ptr<const PlanState> state) : state(std::move(state)) {}
  std::shared_ptr<const PlanState> state;
};

/// A plan is for the shapes, types, strides' alignment, storage and options of the call that it was made of; the others
/// of a run may have other addresses, lengths, scales and captured values. `run` puts launches on the stream and does
/// nothing else: no device memory is asked for, nothing is waited for, and for the planned shapes nothing is compiled.
class ForwardPlan : public Plan {
public:
  /// Puts the launch on the stream; the memory of the call must live until the stream has come past it. An Error if
  /// more is captured than Options::kMostCaptured.
  Result<void> run(const Stream &stream, const Forward &call) const;

private:
  friend Result<ForwardPlan> plan(const Runtime &, const Forward &);
  using Plan::Plan;
};

/// As ForwardPlan, of a Backward: several launches and a workspace.
class BackwardPlan : public Plan {
public:
  /// As DecodePlan::run.
  Result<void> run(const Stream &stream, const Backward &call, const View &workspace) const;
  Result<void> run(const Stream &stream, const Backward &call, const Buffer &workspace) const;

private:
  friend Result<BackwardPlan> plan(const Runtime &, const Backward &);
  using Plan::Plan;
};

/// As ForwardPlan, of a Decode: one launch, or two and a workspace.
class DecodePlan : public Plan {
public:
  /// A workspace that is too small, or misaligned, is an Error that says what it has to be.
  Result<void> run(const Stream &stream, const Decode &call, const View &workspace) const;
  Result<void> run(const Stream &stream, const Decode &call, const Buffer &workspace) const;

private:
  friend Result<DecodePlan> plan(const Runtime &, const Decode &);
  using Plan::Plan;
};

/// As ForwardPlan, of an Append.
class AppendPlan : public Plan {
public:
  /// In stream order, as all runs.
  Result<void> run(const Stream &stream, const Append &call) const;

private:
  friend Result<AppendPlan> plan(const Runtime &, const Append &);
  using Plan::Plan;
};

/// As ForwardPlan, of a Merge.
class MergePlan : public Plan {
public:
  /// In stream order, as all runs.
  Result<void> run(const Stream &stream, const Merge &call) const;

private:
  friend Result<MergePlan> plan(const Runtime &, const Merge &);
  using Plan::Plan;
};

/// Checks the call and compiles what it takes, or finds it compiled. Launches nothing and reads none of its memory.
Result<ForwardPlan> plan(const Runtime &runtime, const Forward &call);
Result<BackwardPlan> plan(const Runtime &runtime, const Backward &call);
Result<DecodePlan> plan(const Runtime &runtime, const Decode &call);
Result<AppendPlan> plan(const Runtime &runtime, const Append &call);
Result<MergePlan> plan(const Runtime &runtime, const Merge &call);

/// The plan's, or why there is none.
Support support(const Runtime &runtime, const Forward &call);
Support support(const Runtime &runtime, const Backward &call);
Support support(const Runtime &runtime, const Decode &call);
Support support(const Runtime &runtime, const Append &call);
Support support(const Runtime &runtime, const Merge &call);

/// A plan, run once: for programs to which reading the kernels' texts at each call is nothing.
Result<void> forward(const Runtime &runtime, const Stream &stream, const Forward &call);
Result<void> backward(const Runtime &runtime, const Stream &stream, const Backward &call, const Buffer &workspace);
Result<void> decode(const Runtime &runtime, const Stream &stream, const Decode &call, const Buffer &workspace);
Result<void> append(const Runtime &runtime, const Stream &stream, const Append &call);
Result<void> merge(const Runtime &runtime, const Stream &stream, const Merge &call);

} // namespace imbrex::attention

//===- What other libraries' arguments are here ---------------------------===//
//
// "-": nothing is to be said. "not yet": refused by there being no such field.
//
// flash_attn_func, Forward
//   q, k, v                      q, k, v: [B, S, H, D] is their layout too
//   dropout_p                    options.weight "dropout(p16, seed, offset, Hk * G)", a u32 p16 = round(65536 p)
//   softmax_scale                options.scale
//   causal                       options.mask "causal"
//   window_size (l, r)           options.mask "window(l, r)"; with causal "causal_window(l)"
//   softcap                      options.score "softcap(15.0)"
//   alibi_slopes                 options.score "alibi(slopes)", [H]; of [B, H] a function of your own
//   deterministic                -: every forward result is; backward by Backward::adds = false, which is the default
//   return_attn_probs            lse, the log-sum-exp; weights, the probabilities
// flash_attn_varlen_func: the same, and
//   cu_seqlens_q, max_seqlen_q   q = ragged(view, cu_seqlens_q, max_seqlen_q)
//   cu_seqlens_k, max_seqlen_k   k, v = ragged(view, cu_seqlens_k, max_seqlen_k)
//   block_table                  k, v = paged(pool, block_table, lengths)
// flash_attn_with_kvcache, Append and then Decode, or Decode alone with newK, newV and rotary: one launch
//   q                            q; of rotary Append::q first, and turnedQ is q
//   k_cache, v_cache             k, v = padded(view, cache_seqlens), or paged
//   k, v                         newK, newV
//   rotary_cos, rotary_sin       Append::rotary.cosines, sines, in f32; features: twice their columns
//   rotary_interleaved           Append::rotary.isInterleaved
//   cache_seqlens                the lengths before: Append::advances. A number for all: an array of it. On the host,
//                                if they are known there: lengths, to be told what the cache has no room for
//   cache_batch_idx              paged(cache, cache_batch_idx as [B, 1], lengths): a page is a whole sequence
//   cache_leftpad                options.mask, a text of your own: "fn from(first: view<i32>[B])(at) =
//                                at.k >= load first[at.b]; causal(at) && from(first)(at)". Rotary positions not
//   block_table                  paged(pool, block_table, lengths), any page size
//   num_splits                   parts
//   return_softmax_lse           lse
//   Without causal, its queries all turn at one position; here each at its own.
// torch.nn.functional.scaled_dot_product_attention, Forward
//   query, key, value            headsFirst(view): [B, H, S, D]
//   attn_mask                    of floats options.score "bias(table)", [B, H, Sq, Sk] with its strides, 0 where it is
//                                broadcast, in wide<T>; of bools options.mask, a text of your own that loads them
//   dropout_p                    options.weight, as above
//   is_causal                    options.mask "causal_top_left"
//   scale, enable_gqa            options.scale; -: the heads say it
// cudnn.pygraph.sdpa, Forward
//   q, k, v; paged_attention_k_table, v_table, max_seq_len_kv       paged(container, table, seq_len_kv); -
//   attn_scale, bias             options.scale; options.score "bias(table)"
//   use_padding_mask, seq_len_q, seq_len_kv       padded(view, seq_len)
//   ragged offsets of tensors    ragged(view, offsets, longest): offsets of rows, not of elements
//   use_causal_mask, use_causal_mask_bottom_right                  options.mask "causal_top_left", "causal"
//   sliding_window_length n      options.mask "causal_window(n - 1)"; left and right bounds "window(l, r)"
//   use_alibi_mask               options.score "alibi(slopes)": with slopes that you give
//   score_mod                    options.score, a text of your own
//   block_mask                   options.mask, a text of your own: right, no block is left out for it
//   generate_stats               lse
//   dropout, rng_dump            options.weight, dropoutBits
//   score_max, score_sum_exp; sink_token         maxima, lse - maxima; sinks
//   fp8 scales                   q, k, v = scaled(view, descale); of results (scale_o, amax) not: o has 16 bits or more
// FlashInfer
//   BatchDecodeWithPagedKVCacheWrapper, Decode; BatchPrefillWith(Paged|Ragged)KVCacheWrapper, Forward
//     float_workspace_buffer     the workspace of run, of workspaceBytes()
//     kv_layout                  NHD as it is; of HND headsFirst(pool). K and V in one pool: select(pool, 1, 0) and 1
//     use_cuda_graph             -: run launches and nothing else; plan with the longest
//     indptr, indices, last_page_len       a table [B, pages] and lengths [B]; pages of all in one list cannot be said
//     qo_indptr; kv_indptr       ragged(view, indptr, longest)
//     num_qo_heads, num_kv_heads, head_dim, page_size, q_data_type, ..     -: the views say it
//     pos_encoding_mode          "NONE", or "ALIBI" by options.score; rotary when rows are appended, by Append::rotary
//     window_left, logits_soft_cap, sm_scale, causal       options
//     custom_mask, packed_custom_mask      options.mask, a text of your own
//     sinks                      sinks; scaled(view, scale), [1] or one a head
//     rope_scale, rope_theta     Append::rotary.base; tables for others
//     fixed_split_size, disable_split_kv    parts, 1
//     return_lse                 lse, natural; theirs is of base 2
//   merge_state, merge_states    Merge: parts come first here
//   MultiLevelCascadeAttentionWrapper       a Decode with lse and o in wide<T> a level, and Merge
//   tree masks of speculative decoding      options.mask "tree(bits)"
//   append_paged_kv_cache        Append: rows in the order of their sequences, at their ends
//   BatchMLAPagedAttentionWrapper           Decode: v is k's storage with 512 features and k's strides
//
//===----------------------------------------------------------------------===//

#endif // IMBREX_KERNELS_ATTENTION_H
