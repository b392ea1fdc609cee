#ifndef OPENP5_TRAINERS_COLLATOR_H_
#define OPENP5_TRAINERS_COLLATOR_H_

#include <c10/core/Device.h>

#include <vector>

#include "datasets/samples.h"
#include "indexing/token_trie.h"
#include "platform/models/common/packed_batch.h"
#include "platform/prompting/prompt_encoder.h"

namespace openp5::trainers {

// What batches are made with.
struct CollatorParts {
  const prompting::PromptEncoder& encoder;
  // The tree of the items that answers name: only labels where it leaves a choice count, and of an
  // answer without any its last. nullptr: all labels count.
  const indexing::TokenTrie* choices = nullptr;
  c10::Device device = c10::Device(c10::kCPU);
};

// For each of an answer's `labels` whether it counts: at least one does.
std::vector<bool> CountedLabels(const std::vector<int32_t>& labels,
                                const indexing::TokenTrie* choices);

// Samples as a packed batch, those with the longest inputs first (attention is computed on groups
// of near-equal length). At least one sample. Thread-safe. For an encoder-decoder:
models::TrainingBatch CollateSeq2Seq(const CollatorParts& parts,
                                     const std::vector<datasets::Sample>& samples);
// The same for a causal model: prompt and response in one, labels in the response only.
models::TrainingBatch CollateCausal(const CollatorParts& parts,
                                    const std::vector<datasets::Sample>& samples);
// For a causal model, too: the samples of each run, at least one, are one sequence. The longest is
// its trunk, the others leave it as branches where their tokens differ, so the losses are those of
// CollateCausal for any samples, and the more of their beginnings they share the less is computed.
models::TrainingBatch CollateCausalRuns(const CollatorParts& parts,
                                        const std::vector<std::vector<datasets::Sample>>& runs);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_COLLATOR_H_
