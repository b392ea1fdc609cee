#include "platform/models/common/dropout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>

#include "platform/base/random.h"
#include "platform/base/status.h"

namespace openp5::models {
namespace {

constexpr int64_t kElementsOfThread = 32768;  // LibTorch's own grain of elementwise work

// The state of the generator that OwnDropoutMasks gives this thread.
thread_local std::optional<uint64_t> own_state;

uint64_t DrawSeed() {
  if (own_state.has_value()) return SplitMix64(*own_state += kSplitMix64Step);
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  return at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
}

double Scale(double probability) { return probability < 1 ? 1 / (1 - probability) : 0; }

bool HasKernel(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

template <class Function>  // float -> float
at::Tensor Apply(const at::Tensor& x, const at::Tensor& mask, double scale,
                 const Function& function) {
  const at::Tensor from = x.contiguous();
  at::Tensor result = at::empty_like(from, from.options().requires_grad(false));
  const float* in = from.data_ptr<float>();
  const auto* keep = reinterpret_cast<const uint8_t*>(mask.data_ptr<bool>());
  float* out = result.data_ptr<float>();
  const auto factor = static_cast<float>(scale);
  at::parallel_for(0, from.numel(), kElementsOfThread, [&](int64_t begin, int64_t end) {
    // A product instead of a choice: it becomes vector instructions.
    for (int64_t i = begin; i < end; ++i) {
      out[i] = function(in[i]) * (static_cast<float>(keep[i]) * factor);
    }
  });
  return result;
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
      uint64_t bits = SplitMix64(seed + static_cast<uint64_t>(four) * kSplitMix64Step);
      const int64_t last = std::min(four * 4 + 4, count);
      for (int64_t i = four * 4; i < last; ++i, bits >>= 16)
        keep[i] = (bits & 0xffff) >= first_kept;
    }
  });
  return mask;
}

OwnDropoutMasks::OwnDropoutMasks(uint64_t seed) {
  OPENP5_CHECK(!own_state.has_value());
  own_state = seed;
}

OwnDropoutMasks::~OwnDropoutMasks() { own_state.reset(); }

at::Tensor ApplyDropout(const at::Tensor& x, const at::Tensor& mask, double probability) {
  const double scale = Scale(probability);
  if (!HasKernel(x)) return (x * mask).mul_(scale);
  return Apply(x, mask, scale, [](float value) { return value; });
}

at::Tensor ApplyReluDropout(const at::Tensor& x, const at::Tensor& mask, double probability) {
  const double scale = Scale(probability);
  if (!HasKernel(x)) return x.relu().mul_(mask).mul_(scale);
  return Apply(x, mask, scale, [](float value) { return value < 0 ? 0 : value; });
}

}  // namespace openp5::models
