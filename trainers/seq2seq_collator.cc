#include <torch/types.h>

#include <algorithm>
#include <utility>

#include "platform/prompting/encoded_text.h"
#include "trainers/collator.h"

namespace openp5::trainers {

models::TrainingBatch CollateSeq2Seq(const CollatorParts& parts,
                                     const std::vector<datasets::Sample>& samples) {
  std::vector<prompting::EncodedExample> examples = parts.encoder.Examples(samples);
  std::stable_sort(examples.begin(), examples.end(), [](const auto& a, const auto& b) {
    return a.input.tokens.size() > b.input.tokens.size();
  });
  std::vector<prompting::EncodedText> labels;  // the decoder has no embedding of whole words
  std::vector<const prompting::EncodedText*> inputs, outputs;
  labels.reserve(examples.size());
  std::vector<int64_t> counted_places, counted_lengths;
  int64_t place = 0;
  for (prompting::EncodedExample& example : examples) {
    const size_t before = counted_places.size();
    for (const bool counts : CountedLabels(example.labels, parts.choices)) {
      if (counts) counted_places.push_back(place);
      ++place;
    }
    counted_lengths.push_back(static_cast<int64_t>(counted_places.size() - before));
    labels.push_back({.tokens = std::move(example.labels), .whole_words = {}});
    inputs.push_back(&example.input);
    outputs.push_back(&labels.back());
  }
  models::TrainingBatch batch{.input = prompting::Pack(inputs, parts.device),
                              .labels = prompting::Pack(outputs, parts.device),
                              .label_positions = {}};
  if (parts.choices == nullptr) return batch;
  batch.label_positions = torch::tensor(counted_places, at::kLong).to(parts.device);
  batch.counted_lengths = std::move(counted_lengths);
  return batch;
}

}  // namespace openp5::trainers
