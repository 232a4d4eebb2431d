// Eight floats at a time in GCC's and Clang's vector extensions: AVX2, NEON or whatever the target has.
#pragma once

#include <cstdint>
#include <type_traits>

typedef float Floats __attribute__((vector_size(32)));
typedef float FloatsAnywhere __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t Ints __attribute__((vector_size(32)));
typedef int64_t Index;

#define INLINE static inline __attribute__((always_inline))

INLINE Floats load(const float *from) { return *(const FloatsAnywhere *)from; }
INLINE void store(float *to, Floats x) { *(FloatsAnywhere *)to = x; }
INLINE Floats all(float x) { return Floats{x, x, x, x, x, x, x, x}; }

INLINE float sum(Floats x) {
  float total = 0;
  for (int j = 0; j < 8; j++) total += x[j];
  return total;
}

// exp(x) = 2^n exp(r) with |r| <= ln 2 / 2, a polynomial (its coefficients: Cephes, expf), within 1e-7 of itself.
INLINE Floats exponential(Floats x) {
  x = x < all(-87.f) ? all(-87.f) : x;
  x = x > all(88.f) ? all(88.f) : x;
  Floats shifted = x * 1.44269504f + 12582912.f;  // 1.5 * 2^23: its last bits are the nearest integer
  Floats n = shifted - 12582912.f;
  Floats r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  Floats p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  return p * (Floats)(((Ints)shifted - 0x4B400000 + 127) << 23);
}
INLINE Floats sigmoid(Floats x) { return 1.f / (1.f + exponential(-x)); }
INLINE Floats tangent(Floats x) { return 1.f - 2.f / (1.f + exponential(x + x)); }

// A tile of a matrix product: up to 6 rows by 16 columns, which fill the registers of AVX2 and of NEON.
constexpr int ROWS = 6, COLUMNS = 16;
template <int M> using Tile = Floats[M][2];

template <int M> INLINE void fill(Tile<M> &tile, const float *columns) {
  Floats left = load(columns), right = load(columns + 8);
#pragma GCC unroll 6
  for (int i = 0; i < M; i++) tile[i][0] = left, tile[i][1] = right;
}

// tile[i] += sum_k a[i * row + k * step] * b[k * width + 0..15]
template <int M>
INLINE void multiply(Tile<M> &tile, const float *a, Index row, Index step, const float *b, Index width, Index K) {
  for (Index k = 0; k < K; k++) {
    Floats left = load(b), right = load(b + 8);
#pragma GCC unroll 6
    for (int i = 0; i < M; i++) {
      Floats x = all(a[i * row]);
      tile[i][0] += x * left;
      tile[i][1] += x * right;
    }
    a += step;
    b += width;
  }
}

// Calls `each(first, number)` for blocks of rows; the number is a constant of the type.
template <class Each> INLINE void by_rows(Index n, Each each) {
  Index i = 0;
  for (; i + ROWS <= n; i += ROWS) each(i, std::integral_constant<int, 6>{});
  switch (n - i) {
    case 1: each(i, std::integral_constant<int, 1>{}); break;
    case 2: each(i, std::integral_constant<int, 2>{}); break;
    case 3: each(i, std::integral_constant<int, 3>{}); break;
    case 4: each(i, std::integral_constant<int, 4>{}); break;
    case 5: each(i, std::integral_constant<int, 5>{}); break;
  }
}

INLINE Index whole(Index n) { return (n + COLUMNS - 1) / COLUMNS * COLUMNS; }
