#include "platform/base/random.h"

#include <cmath>
#include <numbers>

namespace openp5 {

uint64_t Random::Below(uint64_t bound) {
  // Values under 2^64 mod bound are drawn again: every remainder is then equally likely.
  const uint64_t threshold = (0 - bound) % bound;
  while (true) {
    const uint64_t value = engine_();
    if (value >= threshold) return value % bound;
  }
}

double Random::Uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }

double Random::Normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * Uniform());
}

}  // namespace openp5
