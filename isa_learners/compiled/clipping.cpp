// Clipping a gradient by its norm.
#include <cmath>

#include "exported.h"
#include "vectors.h"

// Scales n arrays of `sizes` numbers so that their common norm is at most `most`; returns the norm before.
EXPORTED float isa_clip(float *const *arrays, const Index *sizes, Index n, float most) {
  double squares = 0;
  for (Index a = 0; a < n; a++) {
    Floats part = all(0);
    Index i = 0;
    for (; i + 8 <= sizes[a]; i += 8) {
      Floats x = load(arrays[a] + i);
      part += x * x;
    }
    squares += sum(part);
    for (; i < sizes[a]; i++) squares += double(arrays[a][i]) * arrays[a][i];
  }
  const float norm = float(std::sqrt(squares)), share = most / (norm + 1e-6f);
  if (share < 1 || norm != norm)
    for (Index a = 0; a < n; a++)
      for (Index i = 0; i < sizes[a]; i++) arrays[a][i] *= share;
  return norm;
}
