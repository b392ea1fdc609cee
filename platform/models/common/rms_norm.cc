#include "platform/models/common/rms_norm.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>

namespace openp5::models {
namespace {

constexpr int64_t kBlockRows = 64;  // sums over rows add up blocks, whatever the threads

bool HasKernel(const at::Tensor& x, const at::Tensor& weight) {
  return x.is_cpu() && x.dim() == 2 && x.scalar_type() == at::kFloat &&
         weight.scalar_type() == at::kFloat;
}

// The sum of term(0) … term(count - 1), in an order that can be computed side by side.
template <class Term>
float Sum(int64_t count, const Term& term) {
  constexpr int64_t kLanes = 16;
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  }
  for (int64_t lane = 0; i + lane < count; ++lane) lanes[lane] += term(i + lane);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

template <class Body>  // (block, first row, last row + 1)
void ForBlocks(int64_t rows, const Body& body) {
  constexpr int64_t kBlocksOfThread = 8;
  at::parallel_for(0, (rows + kBlockRows - 1) / kBlockRows, kBlocksOfThread,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t block = begin; block < end; ++block) {
                       const int64_t first = block * kBlockRows;
                       body(block, first, std::min(rows, first + kBlockRows));
                     }
                   });
}

}  // namespace

RmsNormGradient RmsNormGradients(const at::Tensor& gradient, const at::Tensor& x,
                                 const at::Tensor& weight, const at::Tensor& scale) {
  if (!HasKernel(x, weight)) {
    const at::Tensor normed = x * scale;
    at::Tensor d_normed = gradient * weight;
    const at::Tensor along = (d_normed * normed).mean(-1, /*keepdim=*/true);
    return {.x = d_normed.addcmul_(normed, along, -1).mul_(scale),
            .weight = (gradient * normed).sum(0)};
  }
  const at::Tensor from = x.contiguous(), given = gradient.contiguous(),
                   factors = weight.contiguous();
  const int64_t rows = from.size(0), width = from.size(1);
  const auto options = from.options().requires_grad(false);
  RmsNormGradient result{.x = at::empty({rows, width}, options), .weight = {}};
  const at::Tensor parts = at::zeros({(rows + kBlockRows - 1) / kBlockRows, width}, options);
  const float *in = from.const_data_ptr<float>(), *w = factors.const_data_ptr<float>();
  const float *gradients = given.const_data_ptr<float>(), *scales = scale.const_data_ptr<float>();
  float *out = result.x.data_ptr<float>(), *part = parts.data_ptr<float>();
  ForBlocks(rows, [&](int64_t block, int64_t begin, int64_t end) {
    float* d_weight = part + block * width;
    for (int64_t row = begin; row < end; ++row) {
      const float *a = in + row * width, *g = gradients + row * width;
      float* d = out + row * width;
      const float s = scales[row];
      const float along = Sum(width, [=](int64_t i) { return g[i] * w[i] * (a[i] * s); }) /
                          static_cast<float>(width);
      for (int64_t i = 0; i < width; ++i) {
        const float normed = a[i] * s;
        d[i] = (g[i] * w[i] - normed * along) * s;
        d_weight[i] += g[i] * normed;
      }
    }
  });
  result.weight = parts.sum(0);
  return result;
}

}  // namespace openp5::models
