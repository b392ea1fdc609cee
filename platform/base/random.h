#ifndef OPENP5_PLATFORM_BASE_RANDOM_H_
#define OPENP5_PLATFORM_BASE_RANDOM_H_

#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace openp5 {

// What the generator SplitMix64 (Steele, Lea and Flood 2014) draws in state `state`: near states,
// unrelated values. Number i of the generator that starts at `seed` is
// SplitMix64(seed + i * kSplitMix64Step).
inline constexpr uint64_t kSplitMix64Step = 0x9e3779b97f4a7c15u;
inline uint64_t SplitMix64(uint64_t state) {
  state += kSplitMix64Step;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
  state = (state ^ (state >> 27)) * 0x94d049bb133111ebu;
  return state ^ (state >> 31);
}

// A seeded source of randomness whose values are the same on every machine and standard library
// (std::shuffle and the std distributions are not). Not thread-safe.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // Uniform in [0, bound); bound > 0.
  uint64_t Below(uint64_t bound);
  // Uniform in [0, 1), 53 bits.
  double Uniform();
  // Standard normal (Box and Muller, 1958).
  double Normal();

  // `count` distinct numbers below `bound`, all of them if there are no more, in the order they are
  // drawn (Floyd's algorithm: Bentley and Floyd, 1987). Memory: a bit for each number below
  // `bound`.
  std::vector<int64_t> Draw(int64_t count, int64_t bound);

  // Fisher-Yates.
  template <class T>
  void Shuffle(std::span<T> values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[Below(i)]);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_RANDOM_H_
