#ifndef OPENP5_DATASETS_SAMPLES_H_
#define OPENP5_DATASETS_SAMPLES_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "datasets/prompts.h"
#include "datasets/sequences.h"
#include "platform/config/options.h"

namespace openp5::datasets {

enum class Split { kTrain, kValidation, kTest };
constexpr auto EnumNames(Split) {
  return std::to_array<const char*>({"train", "validation", "test"});
}

struct HistoryOptions {
  int64_t max_history = 20;  // latest items shown; 0 or less: all
  std::string history_separator = " , ";
  int64_t history_prefix = 1;      // 1: items are `item_<id>`; 0: bare ids (openp5-semantics 18)
  bool skip_empty_history = true;  // training starts at a user's second item

  void ForEach(OptionVisitor& visitor);
};

// One next-item question before it is text.
struct Position {
  int32_t user = 0;
  int32_t target = 0;  // index into the user's sequence
};

// Text of one sample.
struct Sample {
  std::string input, output;
};

// Turns positions of one dataset into text under templates. Holds references: dataset, identifiers
// and user numbers must outlive it. Thread-safe.
class SampleWriter {
 public:
  // `identifiers` [items]: what stands after `item_`, by item number of `dataset`; `user_numbers`
  // [users]: what stands after `user_`. Sizes that differ from the dataset's are a bug of the
  // caller.
  SampleWriter(const SequenceDataset& dataset, std::span<const std::string> identifiers,
               std::span<const std::string> user_numbers, HistoryOptions options);

  Sample Write(const PromptTemplate& prompt, const Position& position) const;
  // The samples of `count` positions in a row, > 0, from `first` on, with histories that all begin
  // where the last one's begins, so that each is the beginning of the next. Those of the first are
  // up to count - 1 items shorter than Write makes them.
  std::vector<Sample> WriteRun(const PromptTemplate& prompt, const Position& first,
                               int64_t count) const;
  // The same for a history that need not be in the dataset (recommend). `history` are item numbers,
  // oldest first, cut to max_history. Output is empty.
  std::string WriteInput(const PromptTemplate& prompt, std::string_view user_number,
                         std::span<const int32_t> history) const;
  // What the model must generate for `item`, always with the prefix item_.
  std::string Candidate(int32_t item, CandidateForm form = CandidateForm::kDatasetAndItem) const;

 private:
  std::string ItemText(int32_t item) const;
  std::string HistoryText(std::span<const int32_t> history) const;
  // Where the history of the item at `place` of a sequence begins.
  size_t HistoryBegin(size_t place) const;
  // With a history from `begin` on.
  Sample WriteFrom(const PromptTemplate& prompt, const Position& position, size_t begin) const;

  const SequenceDataset& dataset_;
  std::span<const std::string> identifiers_, user_numbers_;
  HistoryOptions options_;
};

// Positions of a split in OpenP5's order: user by user; training positions 1, 2, … of the part
// without the last two items (0 too unless skip_empty_history); validation the last but one item;
// test the last.
std::vector<Position> SplitPositions(const SequenceDataset& dataset, Split split,
                                     bool skip_empty_history);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_SAMPLES_H_
