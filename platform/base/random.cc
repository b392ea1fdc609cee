#include "platform/base/random.h"

#include <algorithm>
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

std::vector<int64_t> Random::Draw(int64_t count, int64_t bound) {
  std::vector<int64_t> drawn;
  std::vector<bool> is_drawn(static_cast<size_t>(bound));
  for (int64_t i = std::max<int64_t>(0, bound - count); i < bound; ++i) {
    auto number = static_cast<int64_t>(Below(static_cast<uint64_t>(i) + 1));
    if (is_drawn[static_cast<size_t>(number)]) number = i;
    is_drawn[static_cast<size_t>(number)] = true;
    drawn.push_back(number);
  }
  return drawn;
}

}  // namespace openp5
