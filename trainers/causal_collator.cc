#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>

#include "platform/prompting/encoded_text.h"
#include "trainers/collator.h"

namespace openp5::trainers {
namespace {

// A prompt and its response as one text.
struct Text {
  Text(const prompting::EncodedExample& example, const indexing::TokenTrie* choices)
      : tokens(example.input.tokens) {
    const std::vector<bool> counted = CountedLabels(example.labels, choices);
    for (size_t i = 0; i < counted.size(); ++i) {
      if (counted[i]) labels.push_back(tokens.size() + i);
    }
    tokens.insert(tokens.end(), example.labels.begin(), example.labels.end());
    if (!labels.empty()) tokens.resize(labels.back() + 1);  // what follows teaches nothing
  }

  std::vector<int32_t> tokens;
  std::vector<size_t> labels;  // places of the tokens to be said, ascending
};

// Examples as one sequence, with their labels one example after another.
struct Sequence {
  std::vector<int32_t> tokens;
  std::vector<models::Branch> branches;
  std::vector<int64_t> label_lengths;            // [examples]
  std::vector<int64_t> labels, label_positions;  // [total labels]; positions in the sequence
};

// What of an example is read: nothing is to be said after its last token.
size_t InputLength(const Text& example) { return std::max<size_t>(1, example.tokens.size() - 1); }

// Puts what the trunk, the first `trunk` tokens, lacks of the example behind the sequence.
void Append(const Text& example, size_t trunk, Sequence* sequence) {
  const auto read = example.tokens.begin() + static_cast<int64_t>(InputLength(example));
  const auto rest = std::mismatch(example.tokens.begin(), read, sequence->tokens.begin(),
                                  sequence->tokens.begin() + static_cast<int64_t>(trunk))
                        .first;
  const int64_t shared = rest - example.tokens.begin();
  const auto begin = static_cast<int64_t>(sequence->tokens.size());
  if (rest != read && trunk > 0) sequence->branches.push_back({.begin = begin, .after = shared});
  sequence->tokens.insert(sequence->tokens.end(), rest, read);
  sequence->label_lengths.push_back(static_cast<int64_t>(example.labels.size()));
  for (const size_t i : example.labels) {
    const auto before = static_cast<int64_t>(i) - 1;
    sequence->labels.push_back(example.tokens[i]);
    sequence->label_positions.push_back(before < shared ? before : begin + before - shared);
  }
}

Sequence Join(const std::vector<Text>& examples) {
  Sequence sequence;
  const auto longest = std::max_element(
      examples.begin(), examples.end(),
      [](const auto& a, const auto& b) { return a.tokens.size() < b.tokens.size(); });
  Append(*longest, 0, &sequence);
  const size_t trunk = sequence.tokens.size();
  for (auto example = examples.begin(); example != examples.end(); ++example) {
    if (example != longest) Append(*example, trunk, &sequence);
  }
  return sequence;
}

at::Tensor ToTensor(const std::vector<int64_t>& values, c10::Device device) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<int64_t>());
  return tensor.to(device);
}

models::TrainingBatch PackSequences(const std::vector<Sequence>& sequences, c10::Device device) {
  models::TrainingBatch batch;
  std::vector<prompting::EncodedText> texts;
  std::vector<std::vector<models::Branch>> branches;
  std::vector<int64_t> labels, positions;
  int64_t start = 0;
  for (const Sequence& sequence : sequences) {
    texts.push_back({sequence.tokens, {}});
    branches.push_back(sequence.branches);
    labels.insert(labels.end(), sequence.labels.begin(), sequence.labels.end());
    for (const int64_t position : sequence.label_positions) positions.push_back(start + position);
    start += static_cast<int64_t>(sequence.tokens.size());
    batch.labels.lengths.insert(batch.labels.lengths.end(), sequence.label_lengths.begin(),
                                sequence.label_lengths.end());
  }
  std::vector<const prompting::EncodedText*> pointers;
  for (const prompting::EncodedText& text : texts) pointers.push_back(&text);
  batch.input = prompting::Pack(pointers, device);
  const bool branched = std::any_of(branches.begin(), branches.end(),
                                    [](const auto& of_one) { return !of_one.empty(); });
  if (branched) batch.input.branches = std::move(branches);
  batch.labels.tokens = ToTensor(labels, device);
  batch.label_positions = ToTensor(positions, device);
  return batch;
}

}  // namespace

models::TrainingBatch CollateCausalRuns(const CollatorParts& parts,
                                        const std::vector<std::vector<datasets::Sample>>& runs) {
  std::vector<Sequence> sequences;
  for (const std::vector<datasets::Sample>& run : runs) {
    std::vector<Text> texts;
    for (const auto& example : parts.encoder.Examples(run)) {
      texts.emplace_back(example, parts.choices);
    }
    sequences.push_back(Join(texts));
  }
  std::stable_sort(sequences.begin(), sequences.end(),
                   [](const auto& a, const auto& b) { return a.tokens.size() > b.tokens.size(); });
  return PackSequences(sequences, parts.device);
}

models::TrainingBatch CollateCausal(const CollatorParts& parts,
                                    const std::vector<datasets::Sample>& samples) {
  std::vector<std::vector<datasets::Sample>> runs;
  for (const datasets::Sample& sample : samples) runs.push_back({sample});
  return CollateCausalRuns(parts, runs);
}

}  // namespace openp5::trainers
