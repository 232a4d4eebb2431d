// Which sources this library was built from, and whether this processor can run it. Nothing here needs AVX2.
#include <cstdint>

#include "exported.h"

EXPORTED uint32_t isa_stamp() { return ISA_STAMP; }

EXPORTED int isa_supported() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return 1;
#endif
}
