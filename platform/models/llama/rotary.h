#ifndef OPENP5_PLATFORM_MODELS_LLAMA_ROTARY_H_
#define OPENP5_PLATFORM_MODELS_LLAMA_ROTARY_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace openp5::models {

// How positions become angles. Names are those of `rope_scaling` in Hugging Face's config.json.
struct RotaryConfig {
  double theta = 10000;
  std::string type = "default";  // "default", "linear", "dynamic", "llama3"
  double factor = 1;
  double low_freq_factor = 1, high_freq_factor = 4;  // llama3
  int64_t original_max_position_embeddings = 8192;   // llama3
  int64_t max_position_embeddings = 2048;            // dynamic: longer sequences change the base
};

// Cosine and sine of a rotation, [n, 1, head_dim / 2] float32.
struct Rotation {
  at::Tensor cosine, sine;
};

// Rotary position embedding (Su et al., 2021), angles computed in float32 as transformers does.
// `positions` [n] int64. `lengths` [n]: the length of the sequence each position is in; only
// "dynamic" reads it, and each sequence's own length counts, so that batch mates do not matter.
Rotation MakeRotation(const RotaryConfig& config, int64_t head_dim, const at::Tensor& positions,
                      const std::vector<int64_t>& lengths);

// Turns every head of `x` [n, heads, head_dim]: dimension i and i + head_dim / 2 are a pair.
// Differentiable.
at::Tensor Rotate(const at::Tensor& x, const Rotation& rotation);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_LLAMA_ROTARY_H_
