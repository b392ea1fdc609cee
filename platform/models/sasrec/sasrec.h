#ifndef OPENP5_PLATFORM_MODELS_SASREC_SASREC_H_
#define OPENP5_PLATFORM_MODELS_SASREC_SASREC_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "platform/base/status.h"
#include "platform/models/common/packed_batch.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::models {

struct SasrecConfig {
  int64_t item_count = 0;
  int64_t hidden_size = 64;
  int64_t num_layers = 2;
  int64_t num_heads = 1;    // divides hidden_size
  int64_t max_length = 50;  // latest items of a history that are seen

  // {"model_type": "sasrec", …}. Reading: InvalidArgument naming a field that is missing, of
  // another type or out of range.
  nlohmann::json ToJson() const;
  static absl::StatusOr<SasrecConfig> FromJson(const nlohmann::json& json);
  // Numbers in all parameters.
  int64_t CountParameters() const;
};

// Self-attentive sequential recommendation (SASRec: Kang and McAuley, 2018, section III): items and
// positions are embedded, layers of causal self-attention and a feed-forward network, each with
// layer norm before and a residual around it, make a hidden state at every position, and the score
// of an item as the next one is the product of state and item embedding. Positions are counted from
// the end, so that the latest item always has the same, as in the paper's left-padded sequences.
// The original adds the residual to the normed input; here it is the input, as the paper says.
// float32 but for matrix products. One thread at a time.
class SasrecModel {
 public:
  // Random weights: embeddings from N(0, 0.02), matrices as Glorot and Bengio (2010).
  static std::unique_ptr<SasrecModel> Create(const SasrecConfig& config, uint64_t seed);
  // DataLoss naming a tensor that is missing, of another shape, or unknown.
  static absl::StatusOr<std::unique_ptr<SasrecModel>> FromStateDict(const SasrecConfig& config,
                                                                    const NamedTensors& weights);
  ~SasrecModel();

  const SasrecConfig& config() const;
  // Every parameter once, in a fixed order. They share memory with the model and require gradients.
  const NamedTensors& parameters() const;

  // [total, hidden_size] float32: the state after each item of histories (items by row of the
  // embedding, oldest first, none longer than max_length). Differentiable.
  at::Tensor Forward(const PackedBatch& histories) const;
  // [n, item_count] float32: every item's score after states [n, hidden_size].
  at::Tensor Scores(const at::Tensor& states) const;
  // Cross entropy of the label at each of the label positions, [labels] float32, with gradients:
  // over all items, or, if the batch has negatives (distinct rows), over the label and those of
  // them that are not the label, each standing for
  // (item_count - 1) / (negatives that are not the label) items (sampled softmax with uniform
  // draws: Bengio and Senécal, 2008). Both are the same if every item is a negative.
  at::Tensor Losses(const TrainingBatch& batch) const;

  // Dropout is active only in training mode (off after creation). `attention_dropout` < 0: as
  // everywhere.
  void SetTraining(bool training, double dropout, double attention_dropout = -1);
  void To(c10::Device device);
  // Type of matrix products outside of attention, Float (default) or BFloat16.
  void SetComputeType(c10::ScalarType type);

 private:
  struct Impl;
  explicit SasrecModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_SASREC_SASREC_H_
