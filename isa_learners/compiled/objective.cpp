// PPO's clipped objectives with their gradients: of one of n actions by the logits, and of values.
#include <algorithm>
#include <cmath>
#include <vector>

#include "exported.h"
#include "vectors.h"

namespace {

struct Sums {
  double loss = 0, entropy = 0, divergence = 0, clipped = 0;
};

struct Row {  // of what isa_policy_objective takes
  const float *logits;
  const uint8_t *available;
  Index actions, action;
  float old, advantage, chosen, alive;
};

// Adds a row's part to the sums; d [actions] becomes the gradient of chosen / `choosers` and alive / `living` times it.
// `x` and `p` have room for the actions in whole vectors.
void add_row(const Row &row, float clip, float entropy_factor, double choosers, double living, Sums &sums, float *x, float *p,
             float *d) {
  float most = -1e9f;  // the logit of what is not available
  for (Index j = 0; j < row.actions; j++) {
    x[j] = row.available[j] ? row.logits[j] : -1e9f;
    most = std::max(most, x[j]);
  }
  for (Index j = row.actions; j % 8; j++) x[j] = most - 87;
  Floats total = all(0), mean = all(0);
  for (Index j = 0; j < row.actions; j += 8) {
    Floats less = load(x + j) - most, e = exponential(less);
    store(x + j, less), store(p + j, e);
    total += e, mean += e * less;
  }
  const float share = 1 / sum(total), log_total = -std::log(share), entropy = log_total - sum(mean) * share;
  const float log_prob = x[row.action] - log_total;
  // Whoever did not choose has any ratio: 1.
  const float log_ratio = row.chosen > 0 ? log_prob - row.old : 0.f, ratio = std::exp(log_ratio);
  const float within = std::min(std::max(ratio, 1 - clip), 1 + clip);
  const float free = ratio * row.advantage, held = within * row.advantage;
  sums.loss -= row.chosen * std::min(free, held);
  sums.entropy += row.alive * entropy;
  sums.divergence += row.chosen * (ratio - 1 - log_ratio);
  sums.clipped += row.chosen * (std::abs(ratio - 1) > clip);
  const bool moves = free < held || within == ratio;
  const float pull = moves ? float(-row.chosen * free / choosers) : 0.f, spread = float(row.alive * entropy_factor / living);
  for (Index j = 0; j < row.actions; j++) {
    const float q = p[j] * share;
    d[j] = row.available[j] ? pull * ((j == row.action) - q) + spread * q * (x[j] - log_total + entropy) : 0.f;
  }
}

}  // namespace

// `figures`: loss, entropy, divergence, share of clipped ratios. The gradient [rows, actions] is that of loss -
// entropy_factor * entropy.
EXPORTED void isa_policy_objective(const float *logits, const uint8_t *available, const Index *action, const float *old,
                                   const float *advantage, const float *chosen, const float *alive, Index rows, Index actions,
                                   float clip, float entropy_factor, float *figures, float *gradient) {
  double choosers = 0, living = 0;
  for (Index i = 0; i < rows; i++) choosers += chosen[i], living += alive[i];
  choosers = std::max(choosers, 1.0), living = std::max(living, 1.0);
  Sums sums;
  std::vector<float> x(whole(actions)), p(whole(actions));
  for (Index i = 0; i < rows; i++) {
    const Index at = i * actions;
    add_row({logits + at, available + at, actions, action[i], old[i], advantage[i], chosen[i], alive[i]}, clip, entropy_factor,
            choosers, living, sums, x.data(), p.data(), gradient + at);
  }
  figures[0] = float(sums.loss / choosers), figures[1] = float(sums.entropy / living);
  figures[2] = float(sums.divergence / choosers), figures[3] = float(sums.clipped / choosers);
}

// Mean over the mask of max(l(v - y), l(within - y)), with l(e) = e^2, or Huber's where `huber` is above 0.
EXPORTED float isa_value_objective(const float *value, const float *old, const float *target, const float *mask, Index rows,
                                   float clip, float huber, float *gradient) {
  auto loss = [&](float e) { return huber == 0 ? e * e : std::abs(e) <= huber ? e * e / 2 : huber * (std::abs(e) - huber / 2); };
  auto slope = [&](float e) { return huber == 0 ? 2 * e : std::min(std::max(e, -huber), huber); };
  double count = 0, total = 0;
  for (Index i = 0; i < rows; i++) count += mask[i];
  count = std::max(count, 1.0);
  for (Index i = 0; i < rows; i++) {
    const float moved = value[i] - old[i], within = std::min(std::max(moved, -clip), clip);
    const float free = value[i] - target[i], held = old[i] + within - target[i];
    const bool moves = within == moved, freely = loss(free) > loss(held);
    total += mask[i] * (loss(free) < loss(held) ? loss(held) : loss(free));
    gradient[i] = freely || moves ? float(mask[i] * slope(free) / count) : 0.f;
  }
  return float(total / count);
}
