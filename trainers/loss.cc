#include "trainers/loss.h"

#include <ATen/ops/dot.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>

#include "platform/base/status.h"

namespace openp5::trainers {

at::Tensor MeanOfExampleMeans(const at::Tensor& token_losses, const std::vector<int64_t>& lengths) {
  at::Tensor weights = at::empty({token_losses.size(0)}, at::kFloat);
  float* weight = weights.mutable_data_ptr<float>();
  int64_t total = 0;
  for (const int64_t length : lengths) {
    const double each = 1.0 / (static_cast<double>(length) * static_cast<double>(lengths.size()));
    for (int64_t i = 0; i < length; ++i, ++total) {
      OPENP5_CHECK(total < token_losses.size(0));
      weight[total] = static_cast<float>(each);
    }
  }
  OPENP5_CHECK(total == token_losses.size(0));
  return at::dot(token_losses, weights.to(token_losses.device()));
}

at::Tensor MeanOfTokens(const at::Tensor& token_losses, const std::vector<int64_t>&) {
  return token_losses.mean();
}

}  // namespace openp5::trainers
