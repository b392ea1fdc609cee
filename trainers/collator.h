#ifndef OPENP5_TRAINERS_COLLATOR_H_
#define OPENP5_TRAINERS_COLLATOR_H_

#include <c10/core/Device.h>

#include <vector>

#include "datasets/samples.h"
#include "platform/models/common/packed_batch.h"
#include "platform/prompting/prompt_encoder.h"

namespace openp5::trainers {

// Samples as a packed batch on `device`, those with the longest inputs first (attention is computed
// on groups of near-equal length). At least one sample. Thread-safe. For an encoder-decoder:
models::TrainingBatch CollateSeq2Seq(const prompting::PromptEncoder& encoder,
                                     const std::vector<datasets::Sample>& samples,
                                     c10::Device device = c10::Device(c10::kCPU));
// The same for a causal model: prompt and response in one, labels in the response only.
models::TrainingBatch CollateCausal(const prompting::PromptEncoder& encoder,
                                    const std::vector<datasets::Sample>& samples,
                                    c10::Device device = c10::Device(c10::kCPU));
// For a causal model, too: the samples of each run, at least one, are one sequence. The longest is
// its trunk, the others leave it as branches where their tokens differ, so the losses are those of
// CollateCausal for any samples, and the more of their beginnings they share the less is computed.
models::TrainingBatch CollateCausalRuns(const prompting::PromptEncoder& encoder,
                                        const std::vector<std::vector<datasets::Sample>>& runs,
                                        c10::Device device = c10::Device(c10::kCPU));

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_COLLATOR_H_
