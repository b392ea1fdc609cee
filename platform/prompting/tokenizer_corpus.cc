#include "platform/prompting/tokenizer_corpus.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "platform/base/random.h"
#include "platform/prompting/causal_encoder.h"
#include "platform/text/token_cutter.h"

namespace openp5::prompting {
namespace {

using datasets::Position;
using datasets::PromptTemplate;
using datasets::SampleWriter;

// `count` of the numbers below `bound`, all if there are no more, ascending.
std::vector<int64_t> DrawAscending(int64_t count, int64_t bound, Random* random) {
  std::vector<int64_t> drawn = random->Draw(count, bound);
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

// Everything one dataset can say: its training prompts and its items' texts, by number.
class DatasetTexts {
 public:
  DatasetTexts(const datasets::SequenceDataset& dataset, std::vector<std::string> identifiers,
               std::vector<std::string> user_numbers, const datasets::HistoryOptions& history,
               std::vector<const PromptTemplate*> prompts)
      : identifiers_(std::move(identifiers)),
        user_numbers_(std::move(user_numbers)),
        prompts_(std::move(prompts)),
        positions_(
            datasets::SplitPositions(dataset, datasets::Split::kTrain, history.skip_empty_history)),
        items_(dataset.item_count()),
        writer_(dataset, identifiers_, user_numbers_, history) {}
  DatasetTexts(const DatasetTexts&) = delete;

  int64_t prompt_count() const { return static_cast<int64_t>(positions_.size() * prompts_.size()); }
  int64_t item_count() const { return items_; }
  std::string Prompt(int64_t number) const {
    const auto prompts = static_cast<int64_t>(prompts_.size());
    return writer_.Write(*prompts_[number % prompts], positions_[number / prompts]).input;
  }
  std::string Item(int64_t number) const { return writer_.Candidate(static_cast<int32_t>(number)); }

 private:
  std::vector<std::string> identifiers_, user_numbers_;
  std::vector<const PromptTemplate*> prompts_;
  std::vector<Position> positions_;
  int64_t items_;
  SampleWriter writer_;
};

// Draws `count` of the texts that all datasets have together and gives each to `take`.
template <class Count, class Text, class Take>
void DrawTexts(const std::deque<DatasetTexts>& all, int64_t count, Count size, Text text,
               Random* random, const Take& take) {
  int64_t total = 0;
  for (const DatasetTexts& texts : all) total += (texts.*size)();
  int64_t before = 0;
  auto texts = all.begin();
  for (const int64_t number : DrawAscending(count, total, random)) {
    while (number - before >= ((*texts).*size)()) before += ((*texts++).*size)();
    take(((*texts).*text)(number - before));
  }
}

absl::StatusOr<std::vector<const PromptTemplate*>> SeenPrompts(
    const datasets::PromptSet& prompts, const std::vector<std::string>& tasks) {
  std::vector<const PromptTemplate*> all;
  for (const std::string& task : tasks) {
    const auto seen = prompts.Seen(task);
    if (seen.empty()) return NotFound("prompt: task '", task, "' has no seen prompts to train on");
    all.insert(all.end(), seen.begin(), seen.end());
  }
  return all;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> DatasetSentences(
    const std::vector<datasets::SequenceDataset>& datasets,
    const std::vector<indexing::ItemIndex>& indexes, const datasets::PromptSet& prompts,
    const CorpusOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(const auto seen, SeenPrompts(prompts, options.tasks));
  std::deque<DatasetTexts> all;
  std::vector<std::string> tokens;
  for (size_t i = 0; i < datasets.size(); ++i) {
    OPENP5_ASSIGN_OR_RETURN(auto identifiers, indexes[i].IdentifiersFor(datasets[i]));
    OPENP5_ASSIGN_OR_RETURN(auto user_numbers, indexes[i].UserNumbersFor(datasets[i]));
    const std::vector<std::string> some = indexes[i].AddedTokens();
    tokens.insert(tokens.end(), some.begin(), some.end());
    all.emplace_back(datasets[i], std::move(identifiers), std::move(user_numbers), options.history,
                     seen);
  }
  const text::TokenCutter cutter = text::MakeCutter(tokens);
  std::vector<std::string> sentences;
  const auto take = [&](const std::string& text) {
    for (std::string& part : text::CutOut(cutter, text)) sentences.push_back(std::move(part));
  };
  const std::string mark = options.causal ? StrCat(kResponseMark, " ") : std::string();
  const auto take_item = [&](const std::string& text) { take(mark + text); };
  Random random(static_cast<uint64_t>(options.seed));
  int64_t items = 0;
  for (const DatasetTexts& texts : all) items += texts.item_count();
  items = std::min(items, options.sentences / 5);
  DrawTexts(all, items, &DatasetTexts::item_count, &DatasetTexts::Item, &random, take_item);
  DrawTexts(all, options.sentences - items, &DatasetTexts::prompt_count, &DatasetTexts::Prompt,
            &random, take);
  return sentences;
}

std::vector<std::string> TextSentences(const std::string& text, int64_t sentences, int64_t seed) {
  std::vector<std::string_view> lines;
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    if (end > from) lines.push_back(std::string_view(text).substr(from, end - from));
    from = end + 1;
  }
  Random random(static_cast<uint64_t>(seed));
  std::vector<std::string> drawn;
  for (const int64_t number :
       DrawAscending(sentences, static_cast<int64_t>(lines.size()), &random)) {
    drawn.emplace_back(lines[static_cast<size_t>(number)]);
  }
  return drawn;
}

}  // namespace openp5::prompting
