#include <algorithm>
#include <numeric>
#include <string>

#include "evaluators/encoding.h"
#include "trainers/collator.h"

namespace openp5::trainers {

absl::StatusOr<models::TrainingBatch> CollateSeq2Seq(const text::Tokenizer& tokenizer,
                                                     const std::vector<datasets::Sample>& samples,
                                                     const CollatorOptions& options) {
  std::vector<std::string> inputs, outputs;
  for (const datasets::Sample& sample : samples) {
    inputs.push_back(sample.input);
    outputs.push_back(sample.output);
  }
  const auto rule =
      options.openp5_compat ? text::EndTokenRule::kLastColumn : text::EndTokenRule::kEveryRow;
  const auto input = evaluators::EncodeBatch(tokenizer, inputs, options.max_tokens, rule);
  auto output = evaluators::EncodeBatch(tokenizer, outputs, options.max_tokens, rule);
  std::vector<size_t> order(samples.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return input[a].tokens.size() > input[b].tokens.size();
  });
  std::vector<const evaluators::EncodedText*> inputs_sorted, outputs_sorted;
  for (const size_t row : order) {
    inputs_sorted.push_back(&input[row]);
    output[row].whole_words.clear();  // the decoder has no such embedding
    outputs_sorted.push_back(&output[row]);
  }
  return models::TrainingBatch{.input = evaluators::Pack(inputs_sorted, options.device),
                               .labels = evaluators::Pack(outputs_sorted, options.device),
                               .label_positions = {}};
}

}  // namespace openp5::trainers
