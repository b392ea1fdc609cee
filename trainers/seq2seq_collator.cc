#include <algorithm>
#include <utility>

#include "platform/prompting/encoded_text.h"
#include "trainers/collator.h"

namespace openp5::trainers {

models::TrainingBatch CollateSeq2Seq(const prompting::PromptEncoder& encoder,
                                     const std::vector<datasets::Sample>& samples,
                                     c10::Device device) {
  std::vector<prompting::EncodedExample> examples = encoder.Examples(samples);
  std::stable_sort(examples.begin(), examples.end(), [](const auto& a, const auto& b) {
    return a.input.tokens.size() > b.input.tokens.size();
  });
  std::vector<prompting::EncodedText> labels;  // the decoder has no embedding of whole words
  std::vector<const prompting::EncodedText*> inputs, outputs;
  labels.reserve(examples.size());
  for (prompting::EncodedExample& example : examples) {
    labels.push_back({.tokens = std::move(example.labels), .whole_words = {}});
    inputs.push_back(&example.input);
    outputs.push_back(&labels.back());
  }
  return {.input = prompting::Pack(inputs, device),
          .labels = prompting::Pack(outputs, device),
          .label_positions = {}};
}

}  // namespace openp5::trainers
