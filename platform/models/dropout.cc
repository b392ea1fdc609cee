#include "platform/models/dropout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <mutex>

namespace openp5::models {
namespace {

constexpr int64_t kElementsOfThread = 32768;  // LibTorch's own grain of elementwise work

uint64_t DrawSeed() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  return at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
}

// Number `i` of the SplitMix64 generator (Steele, Lea and Flood 2014) that starts at `seed`: any of
// its numbers can be had without those before.
uint64_t SplitMix64(uint64_t seed, uint64_t i) {
  uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

at::Tensor DropoutMask(const at::Tensor& x, double probability) {
  at::Tensor mask = at::empty(x.sizes(), x.options().dtype(at::kBool).requires_grad(false));
  if (!x.is_cpu()) return mask.bernoulli_(1 - probability);
  const uint64_t seed = DrawSeed();
  const auto first_kept = static_cast<uint64_t>(std::lround(probability * 65536));
  const int64_t count = mask.numel();
  bool* keep = mask.data_ptr<bool>();
  // Four elements have 16 bits each of one number.
  at::parallel_for(0, (count + 3) / 4, kElementsOfThread / 4, [&](int64_t begin, int64_t end) {
    for (int64_t four = begin; four < end; ++four) {
      uint64_t bits = SplitMix64(seed, static_cast<uint64_t>(four));
      const int64_t last = std::min(four * 4 + 4, count);
      for (int64_t i = four * 4; i < last; ++i, bits >>= 16)
        keep[i] = (bits & 0xffff) >= first_kept;
    }
  });
  return mask;
}

at::Tensor ApplyDropout(const at::Tensor& x, const at::Tensor& mask, double probability) {
  const double scale = probability < 1 ? 1 / (1 - probability) : 0;
  if (!x.is_cpu() || x.scalar_type() != at::kFloat) return (x * mask).mul_(scale);
  const at::Tensor from = x.contiguous();
  at::Tensor result = at::empty_like(from, from.options().requires_grad(false));
  const float* in = from.data_ptr<float>();
  const auto* keep = reinterpret_cast<const uint8_t*>(mask.data_ptr<bool>());
  float* out = result.data_ptr<float>();
  const auto factor = static_cast<float>(scale);
  at::parallel_for(0, from.numel(), kElementsOfThread, [&](int64_t begin, int64_t end) {
    // A product instead of a choice: it becomes vector instructions.
    for (int64_t i = begin; i < end; ++i) out[i] = in[i] * (static_cast<float>(keep[i]) * factor);
  });
  return result;
}

}  // namespace openp5::models
