// The network over packed sequences, forwards.
#include <cmath>

#include "exported.h"
#include "network.h"

namespace {

struct Weights {  // in panels of 16 columns; the head with the norm's factor in it
  float *embed, *in, *own, *head, *embed_bias, *reset_bias, *update_bias, *fresh_bias, *own_bias, *head_bias;
  static Index size(const Network &net, const Widths &w) {
    return w.H * net.inputs + 6 * w.H * w.H + w.O * w.H + 5 * w.H + w.O;
  }
  Weights(float *at, const Network &net, const Widths &w) {
    Index H = net.hidden, F = net.inputs, O = net.outputs;
    embed = at, at = pack(at, net.embed, F, 1, H, F, w.H, F);
    in = at;
    for (Index q = 0; q < 3; q++) at = pack(at, net.gru_in + q * H * H, H, 1, H, H, w.H, w.H);
    own = at;
    for (Index q = 0; q < 3; q++) at = pack(at, net.gru_own + q * H * H, H, 1, H, H, w.H, w.H);
    head = at, at = pack(at, net.head, H, 1, O, H, w.O, w.H, net.norm);
    for (float **part : {&embed_bias, &reset_bias, &update_bias, &fresh_bias, &own_bias}) *part = at, at += w.H;
    head_bias = at;
    std::fill(embed_bias, head_bias + w.O, 0.f);
    for (Index j = 0; j < H; j++) {
      embed_bias[j] = net.embed_bias[j];
      reset_bias[j] = net.gru_in_bias[j] + net.gru_own_bias[j];
      update_bias[j] = net.gru_in_bias[H + j] + net.gru_own_bias[H + j];
      fresh_bias[j] = net.gru_in_bias[2 * H + j];
      own_bias[j] = net.gru_own_bias[2 * H + j];
    }
    for (Index o = 0; o < O; o++) {
      head_bias[o] = net.head_bias[o];
      for (Index j = 0; net.norm && j < H; j++) head_bias[o] += net.head[o * H + j] * net.norm_bias[j];
    }
  }
};

void embed(const Network &net, const Widths &w, const Weights &weights, const float *inputs, float *to, Index n) {
  for (Index p = 0; p < w.H; p += COLUMNS)
    by_rows(n, [&](Index i, auto rows) {
      constexpr int M = decltype(rows)::value;
      Tile<M> tile;
      fill<M>(tile, weights.embed_bias + p);
      multiply<M>(tile, inputs + i * net.inputs, net.inputs, 1, weights.embed + p * net.inputs, COLUMNS, net.inputs);
      for (int m = 0; m < M; m++)
        for (int s = 0; s < 2; s++) store(to + (i + m) * w.H + p + 8 * s, tile[m][s] < 0 ? all(0) : tile[m][s]);
    });
}

// One step of n streams, a panel of a gate's columns after the other: its weights stay in the nearest cache for all
// rows. `alive` may be null.
void step(const Widths &w, const Weights &weights, const Saved &s, Index first, Index n, const float *alive) {
  const Index H = w.H, gate = H * H;
  for (Index p = 0; p < H; p += COLUMNS) {
    const float *in = weights.in + p * H, *own = weights.own + p * H;
    by_rows(n, [&](Index i, auto rows) {
      constexpr int M = decltype(rows)::value;
      const Index at = (first + i) * H;
      Tile<M> tile;
      fill<M>(tile, weights.reset_bias + p);
      multiply<M>(tile, s.embedded + at, H, 1, in, COLUMNS, H);
      multiply<M>(tile, s.before + at, H, 1, own, COLUMNS, H);
      for (int m = 0; m < M; m++)
        for (int h = 0; h < 2; h++) store(s.reset + at + m * H + p + 8 * h, sigmoid(tile[m][h]));
    });
    by_rows(n, [&](Index i, auto rows) {
      constexpr int M = decltype(rows)::value;
      const Index at = (first + i) * H;
      Tile<M> tile;
      fill<M>(tile, weights.update_bias + p);
      multiply<M>(tile, s.embedded + at, H, 1, in + gate, COLUMNS, H);
      multiply<M>(tile, s.before + at, H, 1, own + gate, COLUMNS, H);
      for (int m = 0; m < M; m++) {
        const bool still = alive && alive[i + m] == 0;
        for (int h = 0; h < 2; h++) store(s.update + at + m * H + p + 8 * h, still ? all(1) : sigmoid(tile[m][h]));
      }
    });
    by_rows(n, [&](Index i, auto rows) {
      constexpr int M = decltype(rows)::value;
      const Index at = (first + i) * H;
      Tile<M> tile;
      fill<M>(tile, weights.own_bias + p);
      multiply<M>(tile, s.before + at, H, 1, own + 2 * gate, COLUMNS, H);
      for (int m = 0; m < M; m++)
        for (int h = 0; h < 2; h++) store(s.own + at + m * H + p + 8 * h, tile[m][h]);
      fill<M>(tile, weights.fresh_bias + p);
      multiply<M>(tile, s.embedded + at, H, 1, in + 2 * gate, COLUMNS, H);
      for (int m = 0; m < M; m++)
        for (int h = 0; h < 2; h++) {
          const Index j = at + m * H + p + 8 * h;
          Floats fresh = tangent(tile[m][h] + load(s.reset + j) * load(s.own + j));
          store(s.fresh + j, fresh);
          store(s.after + j, fresh + load(s.update + j) * (load(s.before + j) - fresh));
        }
    });
  }
}

// Mean and 1 / deviation of a row; `to` [H whole] is the row normalised.
void normalise(const float *row, Index hidden, Index H, float *to, float &mean, float &scale) {
  Floats total = all(0), squares = all(0);
  for (Index j = 0; j < H; j += 8) total += load(row + j);
  mean = sum(total) / hidden;
  Index j = 0;
  for (; j + 8 <= hidden; j += 8) {
    Floats d = load(row + j) - mean;
    squares += d * d;
  }
  float deviation = sum(squares);
  for (; j < hidden; j++) deviation += (row[j] - mean) * (row[j] - mean);  // what pads a row is not of it
  scale = 1.f / std::sqrt(deviation / hidden + 1e-5f);
  for (Index j = 0; j < H; j += 8) store(to + j, (load(row + j) - mean) * scale);
}

void decode(const Network &net, const Widths &w, const Weights &weights, const Saved &s, Index first, Index n, float *to,
            float *normal) {
  const float *rows = s.after + first * w.H;
  for (Index i = 0; net.norm && i < n; i++)
    normalise(rows + i * w.H, net.hidden, w.H, normal + i * w.H, s.mean[first + i], s.scale[first + i]);
  if (net.norm) rows = normal;
  for (Index p = 0; p < w.O; p += COLUMNS)
    by_rows(n, [&](Index i, auto some) {
      constexpr int M = decltype(some)::value;
      Tile<M> tile;
      fill<M>(tile, weights.head_bias + p);
      multiply<M>(tile, rows + i * w.H, w.H, 1, weights.head + p * w.H, COLUMNS, w.H);
      for (int m = 0; m < M; m++)
        for (Index j = 0; j < COLUMNS && p + j < net.outputs; j++) to[(i + m) * net.outputs + p + j] = tile[m][j / 8][j % 8];
    });
}

}  // namespace

EXPORTED Index isa_saved_size(const Network *net, const Sequence *s) { return Saved::size(whole(net->hidden), s->rows); }

EXPORTED Index isa_forward_size(const Network *net, const Sequence *s) {
  const Widths w(*net);
  return Weights::size(*net, w) + STREAMS * w.H + Saved::size(w.H, most_rows(*s));
}

// `outputs` [rows, outputs], `states` [rows, hidden]; `saved` is what the gradient needs, or null.
EXPORTED void isa_forward(const Network *net, const Sequence *s, float *outputs, float *states, float *saved, float *scratch) {
  const Widths w(*net);
  const Weights weights(scratch, *net, w);
  float *normal = scratch + Weights::size(*net, w), *own = normal + STREAMS * w.H;
  const Index hidden = net->hidden;
  by_chunks(*s, [&](const Chunk &chunk) {
    Saved now(saved ? saved + Saved::size(w.H, chunk.begin) : own, w.H, chunk.rows);
    const float *last = nullptr;
    by_steps(*s, chunk, [&](Index packed, Index first, Index n) {
      for (Index i = 0; i < n; i++) {
        float *to = now.before + (first + i) * w.H, keep = s->keep[packed + i];
        const float *from = last ? last + i * w.H : s->state + (chunk.first + i) * hidden;
        for (Index j = 0; j < hidden; j++) to[j] = from[j] * keep;
        for (Index j = hidden; j < w.H; j++) to[j] = 0;
      }
      embed(*net, w, weights, s->inputs + packed * net->inputs, now.embedded + first * w.H, n);
      step(w, weights, now, first, n, s->alive ? s->alive + packed : nullptr);
      decode(*net, w, weights, now, first, n, outputs + packed * net->outputs, normal);
      last = now.after + first * w.H;
      for (Index i = 0; i < n; i++) memcpy(states + (packed + i) * hidden, last + i * w.H, hidden * sizeof(float));
    });
  });
}
