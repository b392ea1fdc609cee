#ifndef OPENP5_TRAINERS_COLLATOR_H_
#define OPENP5_TRAINERS_COLLATOR_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <vector>

#include "datasets/samples.h"
#include "platform/base/status.h"
#include "platform/models/packed_batch.h"
#include "platform/text/tokenizer.h"

namespace openp5::trainers {

struct CollatorOptions {
  int64_t max_tokens = 512;  // inputs and outputs are cut to this, the end token kept last
  // OpenP5: the end token's whole-word id is 0 only in the longest rows of a batch; for causal
  // models see CausalOptions.
  bool openp5_compat = false;
  c10::Device device = c10::Device(c10::kCPU);
};

// Samples as a packed batch, those with the longest inputs first (attention is computed on groups
// of near-equal length). At least one sample. Thread-safe. For an encoder-decoder:
absl::StatusOr<models::TrainingBatch> CollateSeq2Seq(const text::Tokenizer& tokenizer,
                                                     const std::vector<datasets::Sample>& samples,
                                                     const CollatorOptions& options);
// The same for a causal model: prompt and response in one, labels in the response only. Fails as
// CausalEncoder::Create.
absl::StatusOr<models::TrainingBatch> CollateCausal(const text::Tokenizer& tokenizer,
                                                    const std::vector<datasets::Sample>& samples,
                                                    const CollatorOptions& options);
// For a causal model, too: the samples of each run, at least one, are one sequence. The longest is
// its trunk, the others leave it as branches where their tokens differ, so the losses are those of
// CollateCausal for any samples, and the more of their beginnings they share the less is computed.
absl::StatusOr<models::TrainingBatch> CollateCausalRuns(
    const text::Tokenizer& tokenizer, const std::vector<std::vector<datasets::Sample>>& runs,
    const CollatorOptions& options);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_COLLATOR_H_
