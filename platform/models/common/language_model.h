#ifndef OPENP5_PLATFORM_MODELS_COMMON_LANGUAGE_MODEL_H_
#define OPENP5_PLATFORM_MODELS_COMMON_LANGUAGE_MODEL_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "platform/base/random.h"
#include "platform/base/status.h"
#include "platform/models/common/generation.h"
#include "platform/models/common/lora.h"
#include "platform/models/common/packed_batch.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::models {

// A backbone: what trainers, evaluators and checkpoints need of T5, Llama and whatever comes next.
// Computed in float32 unless SetComputeType says otherwise. One thread at a time.
class LanguageModel : public GenerativeModel {
 public:
  // Causal: prompt and response are one text. Else the prompt is encoded and the response decoded.
  virtual bool is_causal() const = 0;
  // Hugging Face's config.json of the present shape; `model_type` names the family.
  virtual nlohmann::json ToHuggingFace() const = 0;
  // Every parameter once, in a fixed order, under Hugging Face's names (adapters under PEFT's). The
  // tensors share memory with the model; those that are trained require a gradient.
  virtual const NamedTensors& parameters() const = 0;
  // The table of the tokens' embeddings, [rows, columns], and the standard deviation new rows of it
  // are drawn with.
  virtual at::Tensor embeddings() const = 0;
  virtual double embedding_deviation() const = 0;

  // Adds an adapter, A and B drawn as PEFT does (Hu et al., 2021, section 4.1), and freezes every
  // other weight but the rows from `first_trained_row` on of the embedding and an untied head:
  // those of tokens that the published model never saw are trained in full. Unimplemented for a
  // family without adapters; InvalidArgument if a target module is none of the model's. Not twice.
  virtual absl::Status AddLora(const LoraConfig& lora, int64_t first_trained_row, Random& random);

  // The parameters as the plain model of Hugging Face has them: adapters merged, one table of
  // tokens. Without an adapter they share memory with the model's.
  virtual NamedTensors MergedWeights() const { return parameters(); }

  // Cross entropy at every label token that counts, smoothed as the batch says, [labels that count]
  // float32, with gradients.
  virtual at::Tensor TokenLosses(const TrainingBatch& batch) = 0;
  // Dropout is active only in training mode (off after creation). `dropout` < 0: the family's own
  // rate, T5's of its config, a Llama's none. `attention_dropout`, of the attention's weights: < 0:
  // the family's own, T5's as everywhere, a Llama's none.
  virtual void SetTraining(bool training, double dropout = -1, double attention_dropout = -1) = 0;
  // In training mode every layer's activations are computed again in backward instead of kept; the
  // gradients are the same.
  virtual void SetGradientCheckpointing(bool enabled) = 0;
  // Grows or cuts the embedding (and an untied head) to `rows`; new rows are drawn from `random`.
  virtual void ResizeVocabulary(int64_t rows, Random& random) = 0;
  virtual void To(c10::Device device) = 0;
  // Type matrix products are computed in, Float (default) or BFloat16; everything else is float32.
  virtual void SetComputeType(c10::ScalarType type) = 0;
  // Keeps the matrices of linear layers and of the vocabulary in int8 from now on (see Int8Linear):
  // faster and smaller, scores are close to float32's. On the CPU and for generation only:
  // parameters() is empty afterwards.
  virtual void QuantizeWeights() = 0;
};

// Those of `parameters` that a training changes.
NamedTensors TrainedParameters(const NamedTensors& parameters);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_LANGUAGE_MODEL_H_
