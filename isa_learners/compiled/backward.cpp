// The gradient of the network over packed sequences, by its weights.
#include "exported.h"
#include "network.h"

namespace {

// to[n][k] += sum over rows of c[row][n] a[row][k], for n < N and k < K, a whole number of tiles.
void add_products(float *to, Index K, const float *c, Index N, Index c_width, const float *a, Index rows) {
  const Index block = std::max<Index>(ROWS, 6144 / K);  // rows at a time, of which `a` stays in the nearest cache
  for (Index r = 0; r < rows; r += block)
    by_rows(N, [&](Index n, auto some) {
      constexpr int M = decltype(some)::value;
      for (Index k = 0; k < K; k += COLUMNS) {
        Tile<M> tile;
        for (int m = 0; m < M; m++) tile[m][0] = load(to + (n + m) * K + k), tile[m][1] = load(to + (n + m) * K + k + 8);
        multiply<M>(tile, c + r * c_width + n, 1, c_width, a + r * K + k, K, std::min(block, rows - r));
        for (int m = 0; m < M; m++) store(to + (n + m) * K + k, tile[m][0]), store(to + (n + m) * K + k + 8, tile[m][1]);
      }
    });
}

void add_sums(float *to, const float *c, Index N, Index rows) {
  for (Index r = 0; r < rows; r++)
    for (Index n = 0; n < N; n++) to[n] += c[r * N + n];
}

struct Gradient {  // of all weights, in whole tiles
  float *embed, *in, *own, *head, *embed_bias, *in_bias, *fresh_bias, *head_bias, *end;
  static Index size(const Widths &w) { return w.H * w.F + 6 * w.H * w.H + w.O * w.H + 5 * w.H + w.O; }
  Gradient(float *at, const Widths &w) {
    embed = at, in = embed + w.H * w.F, own = in + 3 * w.H * w.H, head = own + 3 * w.H * w.H;
    embed_bias = head + w.O * w.H, in_bias = embed_bias + w.H, fresh_bias = in_bias + 3 * w.H;
    head_bias = fresh_bias + w.H, end = head_bias + w.O;
    std::fill(embed, end, 0.f);
  }
  // To where the optimiser finds them; what the norm's factor and bias do is told apart from the head here.
  void write(const Network &net, const Widths &w, float *const *to) const {
    const Index H = net.hidden, O = net.outputs;
    for (Index j = 0; j < H; j++) memcpy(to[0] + j * net.inputs, embed + j * w.F, net.inputs * sizeof(float));
    memcpy(to[1], embed_bias, H * sizeof(float));
    for (Index q = 0; q < 3; q++)
      for (Index j = 0; j < H; j++) {
        memcpy(to[2] + (q * H + j) * H, in + (q * w.H + j) * w.H, H * sizeof(float));
        memcpy(to[3] + (q * H + j) * H, own + (q * w.H + j) * w.H, H * sizeof(float));
        to[4][q * H + j] = in_bias[q * w.H + j];
        to[5][q * H + j] = q < 2 ? in_bias[q * w.H + j] : fresh_bias[j];
      }
    memcpy(to[9], head_bias, O * sizeof(float));
    if (!net.norm) {
      for (Index o = 0; o < O; o++) memcpy(to[8] + o * H, head + o * w.H, H * sizeof(float));
      return;
    }
    for (Index j = 0; j < H; j++) {
      to[6][j] = to[7][j] = 0;
      for (Index o = 0; o < O; o++) {
        to[6][j] += net.head[o * H + j] * head[o * w.H + j];
        to[7][j] += net.head[o * H + j] * head_bias[o];
        to[8][o * H + j] = net.norm[j] * head[o * w.H + j] + net.norm_bias[j] * head_bias[o];
      }
    }
  }
};

struct Scratch {
  float *in, *own, *head;                               // weights in panels
  float *gates, *fresh, *after, *normal, *inputs, *carry;  // of a chunk; `gates` r, z and n of W x + b, `fresh` n of U h + c
  Scratch(float *at, const Network &net, const Widths &w, Index rows) {
    const Index H = net.hidden;
    in = at, own = in + 3 * w.H * w.H, head = own + 3 * w.H * w.H;
    for (Index p = 0; p < w.H; p += COLUMNS)
      for (Index q = 0; q < 3; q++) {
        Index columns = std::max<Index>(0, std::min<Index>(COLUMNS, H - p)), at_q = (p * 3 + q * COLUMNS) * w.H;
        pack(in + at_q, net.gru_in + q * H * H + p, 1, H, columns, H, COLUMNS, w.H);
        pack(own + at_q, net.gru_own + q * H * H + p, 1, H, columns, H, COLUMNS, w.H);
      }
    for (Index o = 0; o < net.outputs; o++)
      for (Index j = 0; j < w.H; j++) head[o * w.H + j] = j < H ? net.head[o * H + j] * (net.norm ? net.norm[j] : 1.f) : 0.f;
    gates = head + w.O * w.H, fresh = gates + rows * 3 * w.H, after = fresh + rows * w.H;
    normal = after + rows * w.H, inputs = normal + rows * w.H, carry = inputs + rows * w.F;
  }
  static Index size(const Widths &w, Index rows) {
    return 6 * w.H * w.H + w.O * w.H + rows * (6 * w.H + w.F) + STREAMS * w.H;
  }
};

// From the outputs' gradient to the states': head, and LayerNorm where there is one.
void through_head(const Network &net, const Widths &w, const Saved &s, const Scratch &x, const float *d_outputs, Index row) {
  const float *after = s.after + row * w.H;
  float *normal = x.normal + row * w.H, *to = x.after + row * w.H;
  Floats total = all(0), along = all(0);
  for (Index j = 0; j < w.H; j += 8) {
    Floats d = all(0), value = load(after + j);
    if (net.norm) value = (value - s.mean[row]) * s.scale[row];
    for (Index o = 0; o < net.outputs; o++) d += d_outputs[o] * load(x.head + o * w.H + j);
    store(normal + j, value), store(to + j, d);
    total += d, along += d * value;
  }
  if (!net.norm) return;
  const float mean = sum(total) / net.hidden, share = sum(along) / net.hidden;
  for (Index j = 0; j < w.H; j += 8) store(to + j, (load(to + j) - mean - load(normal + j) * share) * s.scale[row]);
}

// From the states' gradient of one step to the gates', and to the state before.
void through_step(const Widths &w, const Saved &s, const Scratch &x, Index first, Index n, Index later, const float *keep) {
  const Index H = w.H;
  for (Index i = 0; i < n; i++)
    for (Index j = 0; j < H; j += 8) {
      const Index at = (first + i) * H + j;
      Floats d = load(x.after + at), reset = load(s.reset + at), update = load(s.update + at), fresh = load(s.fresh + at);
      if (i < later) d += load(x.carry + i * H + j);
      Floats in = d * (1.f - update) * (1.f - fresh * fresh), own = in * reset;
      float *gates = x.gates + (first + i) * 3 * H + j;
      store(gates, own * load(s.own + at) * (1.f - reset));
      store(gates + H, d * (load(s.before + at) - fresh) * update * (1.f - update));
      store(gates + 2 * H, in);
      store(x.fresh + at, own);
      store(x.carry + i * H + j, d * update);
    }
  if (!first) return;  // nothing flows on to the first steps' states
  for (Index p = 0; p < H; p += COLUMNS)
    by_rows(n, [&](Index i, auto rows) {
      constexpr int M = decltype(rows)::value;
      float *carry = x.carry + i * H + p;
      Tile<M> tile;
      for (int m = 0; m < M; m++) tile[m][0] = load(carry + m * H), tile[m][1] = load(carry + m * H + 8);
      multiply<M>(tile, x.gates + (first + i) * 3 * H, 3 * H, 1, x.own + p * 3 * H, COLUMNS, 2 * H);
      multiply<M>(tile, x.fresh + (first + i) * H, H, 1, x.own + (p * 3 + 2 * COLUMNS) * H, COLUMNS, H);
      for (int m = 0; m < M; m++) store(carry + m * H, tile[m][0] * keep[i + m]), store(carry + m * H + 8, tile[m][1] * keep[i + m]);
    });
}

// The gradient of what the first layer made, in the place of `after`.
void through_embedding(const Widths &w, const Saved &s, const Scratch &x, Index rows) {
  for (Index first = 0; first < rows; first += 8 * ROWS)
    for (Index p = 0; p < w.H; p += COLUMNS)
      by_rows(std::min<Index>(8 * ROWS, rows - first), [&](Index i, auto some) {
        constexpr int M = decltype(some)::value;
        Tile<M> tile = {};
        multiply<M>(tile, x.gates + (first + i) * 3 * w.H, 3 * w.H, 1, x.in + p * 3 * w.H, COLUMNS, 3 * w.H);
        for (int m = 0; m < M; m++)
          for (int h = 0; h < 2; h++) {
            const Index at = (first + i + m) * w.H + p + 8 * h;
            store(x.after + at, load(s.embedded + at) > 0 ? tile[m][h] : all(0));
          }
      });
}

}  // namespace

EXPORTED Index isa_backward_size(const Network *net, const Sequence *s) {
  const Widths w(*net);
  return Gradient::size(w) + Scratch::size(w, most_rows(*s));
}

// `gradient` is one array for each weight, in the order of `Network` (null for what is not there); `d_states` may be null.
EXPORTED void isa_backward(const Network *net, const Sequence *s, const float *d_outputs, const float *d_states, float *saved,
                             float *scratch, float *const *gradient) {
  const Widths w(*net);
  const Gradient sums(scratch, w);
  const Scratch x(sums.end, *net, w, most_rows(*s));
  by_chunks(*s, [&](const Chunk &chunk) {
    const Saved now(saved + Saved::size(w.H, chunk.begin), w.H, chunk.rows);
    by_steps(*s, chunk, [&](Index packed, Index first, Index n) {
      for (Index i = 0; i < n; i++) {
        const float *d = d_outputs + (packed + i) * net->outputs, *from = s->inputs + (packed + i) * net->inputs;
        float *to = x.inputs + (first + i) * w.F;
        through_head(*net, w, now, x, d, first + i);
        if (d_states)
          for (Index j = 0; j < net->hidden; j++) x.after[(first + i) * w.H + j] += d_states[(packed + i) * net->hidden + j];
        memcpy(to, from, net->inputs * sizeof(float));
        std::fill(to + net->inputs, to + w.F, 0.f);
      }
      add_products(sums.head, w.H, d_outputs + packed * net->outputs, net->outputs, net->outputs, x.normal + first * w.H, n);
      add_sums(sums.head_bias, d_outputs + packed * net->outputs, net->outputs, n);
    });
    Index start = 0, t = 0, first = chunk.rows, later = 0;
    for (; t < s->steps && s->sizes[t] > chunk.first; t++) start += s->sizes[t];
    while (t-- > 0) {
      Index n = chunk.size(*s, t);
      start -= s->sizes[t], first -= n;
      through_step(w, now, x, first, n, later, s->keep + start + chunk.first);
      later = n;
    }
    through_embedding(w, now, x, chunk.rows);
    add_products(sums.in, w.H, x.gates, 3 * w.H, 3 * w.H, now.embedded, chunk.rows);
    add_products(sums.own, w.H, x.gates, 2 * w.H, 3 * w.H, now.before, chunk.rows);
    add_products(sums.own + 2 * w.H * w.H, w.H, x.fresh, w.H, w.H, now.before, chunk.rows);
    add_products(sums.embed, w.F, x.after, w.H, w.H, x.inputs, chunk.rows);
    add_sums(sums.in_bias, x.gates, 3 * w.H, chunk.rows);
    add_sums(sums.fresh_bias, x.fresh, w.H, chunk.rows);
    add_sums(sums.embed_bias, x.after, w.H, chunk.rows);
  });
  sums.write(*net, w, gradient);
}
