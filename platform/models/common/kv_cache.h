#ifndef OPENP5_PLATFORM_MODELS_COMMON_KV_CACHE_H_
#define OPENP5_PLATFORM_MODELS_COMMON_KV_CACHE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace openp5::models {

// Cached keys and values of one layer, [rows, heads, length, head dimension]; undefined: none yet.
struct KeyValue {
  at::Tensor keys, values;

  // Keeps `rows` [n] int64, repeats allowed.
  void Select(const at::Tensor& rows);
};

// How packed prompts become rows of equal length.
struct PromptPadding {
  at::Tensor place;  // [users * longest] int64, where in the packed prompts each token is
  at::Tensor mask;   // [users, longest] float32, 0 or lowest; undefined if nothing is masked
};

// `lengths`: tokens of every packed prompt; the first `real[u]` <= lengths[u] of them count.
PromptPadding PadPrompts(const std::vector<int64_t>& lengths, const std::vector<int64_t>& real,
                         c10::Device device);

// True if `users` [n] int64, of which some may have left, are all of 0 … count - 1.
bool AllStay(const at::Tensor& users, int64_t count);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_KV_CACHE_H_
