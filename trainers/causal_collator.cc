#include <ATen/ops/empty.h>

#include <algorithm>
#include <numeric>

#include "evaluators/causal_encoding.h"
#include "evaluators/encoding.h"
#include "trainers/collator.h"

namespace openp5::trainers {
namespace {

// The labels of every example, and where in the packed tokens each is to be said: one before it.
void AddLabels(const std::vector<evaluators::CausalExample>& examples, c10::Device device,
               models::TrainingBatch* batch) {
  std::vector<int64_t> labels, positions;
  int64_t start = 0;
  for (const evaluators::CausalExample& example : examples) {
    const size_t count = example.tokens.size() - example.first_label;
    batch->labels.lengths.push_back(static_cast<int64_t>(count));
    for (size_t i = example.first_label; i < example.tokens.size(); ++i) {
      labels.push_back(example.tokens[i]);
      positions.push_back(start + static_cast<int64_t>(i) - 1);
    }
    start += static_cast<int64_t>(example.tokens.size());
  }
  const auto tensor = [&](const std::vector<int64_t>& values) {
    at::Tensor made = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
    std::copy(values.begin(), values.end(), made.mutable_data_ptr<int64_t>());
    return made.to(device);
  };
  batch->labels.tokens = tensor(labels);
  batch->label_positions = tensor(positions);
}

}  // namespace

absl::StatusOr<models::TrainingBatch> CollateCausal(const text::Tokenizer& tokenizer,
                                                    const std::vector<datasets::Sample>& samples,
                                                    const CollatorOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(
      const auto encoder,
      evaluators::CausalEncoder::Create(
          tokenizer, {.max_tokens = options.max_tokens, .openp5_compat = options.openp5_compat}));
  std::vector<evaluators::CausalExample> examples;
  for (const datasets::Sample& sample : samples)
    examples.push_back(encoder.Example(sample.input, sample.output));
  std::stable_sort(examples.begin(), examples.end(),
                   [](const auto& a, const auto& b) { return a.tokens.size() > b.tokens.size(); });
  std::vector<evaluators::EncodedText> texts;
  for (const evaluators::CausalExample& example : examples) texts.push_back({example.tokens, {}});
  std::vector<const evaluators::EncodedText*> pointers;
  for (const evaluators::EncodedText& text : texts) pointers.push_back(&text);
  models::TrainingBatch batch;
  batch.input = evaluators::Pack(pointers, options.device);
  AddLabels(examples, options.device, &batch);
  return batch;
}

}  // namespace openp5::trainers
