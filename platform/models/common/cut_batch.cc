#include "platform/models/common/cut_batch.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>

#include "platform/base/status.h"

namespace openp5::models {
namespace {

// Entries [begin, end) of a list, and the numbers they add up to.
struct Range {
  size_t begin = 0, end = 0;
  int64_t first = 0, size = 0;  // of the numbers: their sum before the range, and inside it
};

// The neighbouring entries behind `before`: at least one, then more until they and all before add
// up to `goal`. `spare` entries are left over.
Range Next(const std::vector<int64_t>& numbers, const Range& before, int64_t goal, size_t spare) {
  Range next{.begin = before.end, .end = before.end, .first = before.first + before.size};
  do {
    OPENP5_CHECK(next.end + spare < numbers.size());
    next.size += numbers[next.end++];
  } while (next.first + next.size < goal && next.end + spare < numbers.size());
  return next;
}

PackedBatch Part(const PackedBatch& whole, const Range& range) {
  const auto cut = [&](const auto& list) {
    return std::decay_t<decltype(list)>(list.begin() + static_cast<int64_t>(range.begin),
                                        list.begin() + static_cast<int64_t>(range.end));
  };
  PackedBatch part{.tokens = whole.tokens.narrow(0, range.first, range.size),
                   .whole_words = {},
                   .lengths = cut(whole.lengths)};
  if (whole.whole_words.defined()) {
    part.whole_words = whole.whole_words.narrow(0, range.first, range.size);
  }
  if (!whole.branches.empty()) part.branches = cut(whole.branches);
  return part;
}

// The number of labels at positions before `token`. They are in the order of the sequences.
int64_t LabelsBefore(const at::Tensor& positions, int64_t token) {
  const std::span all(positions.const_data_ptr<int64_t>(), static_cast<size_t>(positions.numel()));
  return std::count_if(all.begin(), all.end(), [&](int64_t position) { return position < token; });
}

// The labels of `examples` that count, where not all do.
void CutCounted(const TrainingBatch& batch, const Range& examples, TrainingBatch* part) {
  const auto begin = batch.counted_lengths.begin() + static_cast<int64_t>(examples.begin),
             end = batch.counted_lengths.begin() + static_cast<int64_t>(examples.end);
  part->counted_lengths.assign(begin, end);
  const auto sum = [](auto from, auto to) { return std::accumulate(from, to, int64_t{0}); };
  part->label_positions =
      batch.label_positions.narrow(0, sum(batch.counted_lengths.begin(), begin), sum(begin, end)) -
      examples.first;
}

}  // namespace

std::vector<TrainingBatch> CutBatch(const TrainingBatch& batch, size_t parts) {
  const std::vector<int64_t>& lengths = batch.input.lengths;
  OPENP5_CHECK(parts > 0 && parts <= lengths.size());
  const auto total = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  std::vector<TrainingBatch> cut;
  Range sequences, examples;
  for (size_t number = 1; number <= parts; ++number) {
    const auto share = static_cast<int64_t>(number), all = static_cast<int64_t>(parts);
    sequences = Next(lengths, sequences, total * share / all, parts - number);
    TrainingBatch part{.input = Part(batch.input, sequences),
                       .labels = {},
                       .label_positions = {},
                       .label_smoothing = batch.label_smoothing,
                       .negatives = batch.negatives};
    if (batch.label_positions.defined() && batch.counted_lengths.empty()) {  // of a causal model
      const int64_t labels = LabelsBefore(batch.label_positions, sequences.first + sequences.size);
      examples = Next(batch.labels.lengths, examples, labels, 0);
      OPENP5_CHECK(examples.first + examples.size == labels);
      part.label_positions =
          batch.label_positions.narrow(0, examples.first, examples.size) - sequences.first;
    } else {  // one example a sequence
      const auto end = batch.labels.lengths.begin() + static_cast<int64_t>(sequences.end);
      examples = Next(batch.labels.lengths, examples,
                      std::accumulate(batch.labels.lengths.begin(), end, int64_t{0}), 0);
    }
    if (!batch.counted_lengths.empty()) CutCounted(batch, examples, &part);
    part.labels = Part(batch.labels, examples);
    cut.push_back(std::move(part));
  }
  return cut;
}

}  // namespace openp5::models
