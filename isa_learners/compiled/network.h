// Linear -> ReLU -> GRU -> LayerNorm (or none) -> Linear: its weights, and how its arrays lie.
//
// Widths are rounded up to whole tiles; what is added has weights of 0 and stays 0. Streams go in chunks, a chunk's
// steps one after the other, so that what a chunk needs stays in the cache.
#pragma once

#include <algorithm>
#include <cstring>

#include "vectors.h"

struct Network {  // as isa_learners/compiled/network.py hands it over; without a LayerNorm `norm` is null
  Index hidden, inputs, outputs;
  const float *embed, *embed_bias, *gru_in, *gru_own, *gru_in_bias, *gru_own_bias, *norm, *norm_bias, *head, *head_bias;
};

struct Sequence {  // steps of packed streams; see isa_learners/recurrent/gru.py
  const float *inputs, *state, *keep, *alive;
  const Index *sizes;
  Index steps, rows;
};

struct Widths {
  Index H, F, O;
  explicit Widths(const Network &net) : H(whole(net.hidden)), F(whole(net.inputs)), O(whole(net.outputs)) {}
};

// Enough that weights are not read again and again, few enough that what is between two steps stays in the cache.
constexpr Index STREAMS = 24;

struct Chunk {
  Index first, rows, begin;  // its first stream; its rows, and those of the chunks before
  Index size(const Sequence &s, Index t) const { return std::min(s.sizes[t] - first, STREAMS); }
};

template <class Each> static void by_chunks(const Sequence &s, Each each) {
  Index begin = 0;
  for (Index first = 0; s.steps && first < s.sizes[0]; first += STREAMS) {
    Chunk chunk{first, 0, begin};
    for (Index t = 0; t < s.steps && s.sizes[t] > first; t++) chunk.rows += chunk.size(s, t);
    each(chunk);
    begin += chunk.rows;
  }
}

static Index most_rows(const Sequence &s) {
  Index most = 0;
  by_chunks(s, [&](const Chunk &chunk) { most = std::max(most, chunk.rows); });
  return most;
}

// Calls `each(packed, own, n)` for a chunk's steps: where its n rows stand among all rows, and among its own.
template <class Each> static void by_steps(const Sequence &s, const Chunk &chunk, Each each) {
  Index start = 0, own = 0;
  for (Index t = 0; t < s.steps && s.sizes[t] > chunk.first; t++) {
    Index n = chunk.size(s, t);
    each(start + chunk.first, own, n);
    start += s.sizes[t];
    own += n;
  }
}

struct Saved {  // of a chunk's rows, each [rows, H] but the last two
  float *embedded, *before, *reset, *update, *own, *fresh, *after, *mean, *scale;
  static Index size(Index H, Index rows) { return rows * (7 * H + 2); }
  Saved(float *at, Index H, Index rows) {
    for (float **part : {&embedded, &before, &reset, &update, &own, &fresh, &after}) *part = at, at += rows * H;
    mean = at, scale = at + rows;
  }
};

// Columns of B[k][n] = w[n * along_n + k * along_k] in panels of 16; zeros beyond N and K.
static float *pack(float *to, const float *w, Index along_n, Index along_k, Index N, Index K, Index N_whole, Index K_whole,
                   const float *factor = nullptr) {
  for (Index p = 0; p < N_whole; p += COLUMNS)
    for (Index k = 0; k < K_whole; k++)
      for (Index j = 0; j < COLUMNS; j++)
        *to++ = p + j < N && k < K ? w[(p + j) * along_n + k * along_k] * (factor ? factor[k] : 1.f) : 0.f;
  return to;
}
