#ifndef OPENP5_PLATFORM_MODELS_COMMON_LORA_H_
#define OPENP5_PLATFORM_MODELS_COMMON_LORA_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "platform/base/random.h"
#include "platform/base/status.h"

namespace openp5::models {

// The field of config.json that holds an adapter's ToPeft in a checkpoint of ours.
inline constexpr char kLoraField[] = "openp5_lora";

// A LoRA adapter (Hu et al., 2021): y = W x + alpha / rank · B A x. Defaults are OpenP5's.
struct LoraConfig {
  int64_t rank = 0;  // 0: no adapter
  double alpha = 16;
  double dropout = 0.05;  // of the adapter's input, in training
  std::vector<std::string> target_modules = {"q_proj", "v_proj", "embed_tokens"};

  double scale() const { return alpha / static_cast<double>(rank); }
  bool Targets(const std::string& module) const;

  // PEFT's adapter_config.json without the base model's name.
  nlohmann::json ToPeft() const;
  // InvalidArgument naming the field for a senseless value.
  static absl::StatusOr<LoraConfig> FromPeft(const nlohmann::json& json);
};

// What an adapter can change: the layers' names in `target_modules`.
const std::vector<std::string>& LoraModules();

// The two factors of one layer's update; undefined where the layer has none. For an embedding A is
// [rank, rows] and B [columns, rank].
struct LoraPair {
  at::Tensor a;  // [rank, in] float32
  at::Tensor b;  // [out, rank] float32

  bool defined() const { return a.defined(); }
};

// A drawn, B zero, as PEFT: a linear layer's A uniform within ±1/sqrt(in) (Kaiming's with a =
// sqrt(5)); an embedding has A zero and B N(0, 1).
LoraPair MakeLoraPair(int64_t in, int64_t out, int64_t rank, bool is_embedding, Random& random);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_LORA_H_
