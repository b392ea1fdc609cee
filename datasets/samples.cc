#include "datasets/samples.h"

#include <algorithm>

namespace openp5::datasets {

void HistoryOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "max-history", .help = "latest items a prompt shows; 0 or less: all"},
                &max_history);
  visitor.Visit({.name = "history-separator", .help = "text between the items of a history"},
                &history_separator);
  visitor.Visit({.name = "history-prefix",
                 .help = "1: items are written item_<id>; 0: bare ids",
                 .minimum = 0,
                 .maximum = 1},
                &history_prefix);
  visitor.Visit({.name = "skip-empty-history",
                 .help = "training starts at a user's second item, not the first"},
                &skip_empty_history);
}

SampleWriter::SampleWriter(const SequenceDataset& dataset, std::span<const std::string> identifiers,
                           std::span<const std::string> user_numbers, HistoryOptions options)
    : dataset_(dataset),
      identifiers_(identifiers),
      user_numbers_(user_numbers),
      options_(std::move(options)) {
  OPENP5_CHECK(identifiers.size() == static_cast<size_t>(dataset.item_count()));
  OPENP5_CHECK(user_numbers.size() == static_cast<size_t>(dataset.user_count()));
}

std::string SampleWriter::ItemText(int32_t item) const {
  const std::string& identifier = identifiers_[static_cast<size_t>(item)];
  return options_.history_prefix != 0 ? "item_" + identifier : identifier;
}

size_t SampleWriter::HistoryBegin(size_t place) const {
  const auto shown = static_cast<size_t>(std::max<int64_t>(options_.max_history, 0));
  return shown == 0 || place <= shown ? 0 : place - shown;
}

std::string SampleWriter::HistoryText(std::span<const int32_t> history) const {
  std::string text;
  for (size_t i = 0; i < history.size(); ++i) {
    if (i > 0) text += options_.history_separator;
    text += ItemText(history[i]);
  }
  return text;
}

Sample SampleWriter::Write(const PromptTemplate& prompt, const Position& position) const {
  return WriteFrom(prompt, position, HistoryBegin(static_cast<size_t>(position.target)));
}

std::vector<Sample> SampleWriter::WriteRun(const PromptTemplate& prompt, const Position& first,
                                           int64_t count) const {
  const auto end = first.target + static_cast<int32_t>(count);
  const size_t begin = HistoryBegin(static_cast<size_t>(end - 1));
  std::vector<Sample> samples;
  for (int32_t target = first.target; target < end; ++target) {
    samples.push_back(WriteFrom(prompt, {first.user, target}, begin));
  }
  return samples;
}

Sample SampleWriter::WriteFrom(const PromptTemplate& prompt, const Position& position,
                               size_t begin) const {
  const std::span<const int32_t> sequence = dataset_.Sequence(position.user);
  const auto place = static_cast<size_t>(position.target);
  OPENP5_CHECK(begin <= place && place < sequence.size());
  const std::string history = HistoryText(sequence.subspan(begin, place - begin));
  const std::string target = ItemText(sequence[place]);
  const PromptFields fields{.dataset = dataset_.name(),
                            .user = user_numbers_[static_cast<size_t>(position.user)],
                            .history = history,
                            .target = target};
  return {FillPrompt(prompt.input, fields), FillPrompt(prompt.output, fields)};
}

std::string SampleWriter::WriteInput(const PromptTemplate& prompt, std::string_view user_number,
                                     std::span<const int32_t> history) const {
  const std::string text = HistoryText(history.subspan(HistoryBegin(history.size())));
  return FillPrompt(
      prompt.input,
      {.dataset = dataset_.name(), .user = user_number, .history = text, .target = {}});
}

std::string SampleWriter::Candidate(int32_t item, CandidateForm form) const {
  const std::string text = StrCat("item_", identifiers_[static_cast<size_t>(item)]);
  return form == CandidateForm::kItem ? text : StrCat(dataset_.name(), " ", text);
}

std::vector<Position> SplitPositions(const SequenceDataset& dataset, Split split,
                                     bool skip_empty_history) {
  std::vector<Position> positions;
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    const auto length = static_cast<int32_t>(dataset.Sequence(user).size());
    switch (split) {
      case Split::kTrain:
        for (int32_t place = skip_empty_history ? 1 : 0; place < length - 2; ++place) {
          positions.push_back({user, place});
        }
        break;
      case Split::kValidation:
        positions.push_back({user, length - 2});
        break;
      case Split::kTest:
        positions.push_back({user, length - 1});
        break;
    }
  }
  return positions;
}

}  // namespace openp5::datasets
