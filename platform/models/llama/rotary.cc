#include "platform/models/llama/rotary.h"

#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace openp5::models {
namespace {

at::Tensor InverseFrequencies(double theta, int64_t head_dim) {
  const at::Tensor exponents = at::arange(0, head_dim, 2, at::kFloat) / head_dim;
  return at::reciprocal(at::pow(at::Scalar(static_cast<float>(theta)), exponents));
}

// Low frequencies are divided by the factor, high ones kept, those between blended (Llama 3.1).
at::Tensor ScaleLlama3(const at::Tensor& inverse, const RotaryConfig& config) {
  const auto context = static_cast<double>(config.original_max_position_embeddings);
  const at::Tensor wavelength = at::reciprocal(inverse) * (2 * std::numbers::pi);
  const at::Tensor smooth = (at::reciprocal(wavelength) * context - config.low_freq_factor) /
                            (config.high_freq_factor - config.low_freq_factor);
  const at::Tensor blended = (1 - smooth) * inverse / config.factor + smooth * inverse;
  const at::Tensor scaled =
      at::where(wavelength > context / config.low_freq_factor, inverse / config.factor, blended);
  return at::where(wavelength < context / config.high_freq_factor, inverse, scaled);
}

// [n or 1, head_dim / 2].
at::Tensor FrequenciesOf(const RotaryConfig& config, int64_t head_dim,
                         const std::vector<int64_t>& lengths) {
  const at::Tensor inverse = InverseFrequencies(config.theta, head_dim);
  if (config.type == "linear") return (inverse / config.factor).unsqueeze(0);
  if (config.type == "llama3") return ScaleLlama3(inverse, config).unsqueeze(0);
  if (config.type != "dynamic") return inverse.unsqueeze(0);
  std::vector<at::Tensor> rows;
  const auto limit = static_cast<double>(config.max_position_embeddings);
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (i > 0 && lengths[i] == lengths[i - 1]) {
      rows.push_back(rows.back());
      continue;
    }
    const auto length = static_cast<double>(lengths[i]);
    const double stretch =
        length <= limit ? 1 : config.factor * length / limit - (config.factor - 1);
    const auto dim = static_cast<double>(head_dim);
    rows.push_back(InverseFrequencies(config.theta * std::pow(stretch, dim / (dim - 2)), head_dim));
  }
  return at::stack(rows);
}

}  // namespace

Rotation MakeRotation(const RotaryConfig& config, int64_t head_dim, const at::Tensor& positions,
                      const std::vector<int64_t>& lengths) {
  const at::Tensor frequencies =
      FrequenciesOf(config, head_dim, lengths).to(positions.device(), at::kFloat);
  const at::Tensor angles = positions.to(at::kFloat).unsqueeze(1) * frequencies;
  return {angles.cos().unsqueeze(1), angles.sin().unsqueeze(1)};
}

at::Tensor Rotate(const at::Tensor& x, const Rotation& rotation) {
  const int64_t half = x.size(-1) / 2;
  const at::Tensor first = x.narrow(-1, 0, half), second = x.narrow(-1, half, half);
  return at::cat({first * rotation.cosine - second * rotation.sine,
                  second * rotation.cosine + first * rotation.sine},
                 -1);
}

}  // namespace openp5::models
