#ifndef OPENP5_TRAINERS_OBJECTIVE_H_
#define OPENP5_TRAINERS_OBJECTIVE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/models/common/packed_batch.h"
#include "platform/registry/registry.h"
#include "trainers/collator.h"

namespace openp5::trainers {

// What a kind of training makes of samples and of a model's losses.
struct Objective {
  // Samples as a batch of the model's. Thread-safe.
  models::TrainingBatch (*collate)(const CollatorParts& parts,
                                   const std::vector<datasets::Sample>& samples);
  // The same for runs of samples with common beginnings; null where nothing can be shared.
  models::TrainingBatch (*collate_runs)(
      const CollatorParts& parts, const std::vector<std::vector<datasets::Sample>>& runs) = nullptr;
  // One loss of the losses of all labels that count, `lengths` of them an example. Differentiable.
  at::Tensor (*reduce)(const at::Tensor& token_losses, const std::vector<int64_t>& lengths);
  // How much a batch counts in a mean over batches.
  double (*weight)(const std::vector<int64_t>& lengths);
  // Parameters whose names hold one of these are not decayed.
  std::vector<std::string> undecayed;
  // The optimizer in torch's form (see AdamWOptions).
  bool torch_optimizer = false;
};

// "seq2seq": OpenP5's training of T5; "causal": of Llama.
absl::Status RegisterBuiltinObjectives(Registry<Objective>* objectives);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_OBJECTIVE_H_
