#include "platform/app/tokenizer_train_command.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "datasets/samples.h"
#include "indexing/item_index.h"
#include "platform/app/data_options.h"
#include "platform/app/source_files.h"
#include "platform/app/text_output.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/base/output_folder.h"
#include "platform/base/random.h"
#include "platform/config/command_line.h"
#include "platform/prompting/causal_encoder.h"
#include "platform/text/token_cutter.h"
#include "platform/text/tokenizer.h"

namespace openp5::app {
namespace {

using datasets::Position;
using datasets::PromptTemplate;
using datasets::SampleWriter;
using datasets::SequenceDataset;

struct TrainOptions {
  std::string out;
  std::string text;
  int64_t sentences = 50000;
  bool causal = false;
  text::TrainTokenizerOptions training;

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "out",
                   .help = "folder to write spiece.model into; what is there is replaced only if "
                           "it is a tokenizer trained before"},
                  &out);
    visitor.Visit(
        {.name = "text", .help = "train on this file, a sentence a line, instead of on datasets"},
        &text);
    visitor.Visit({.name = "sentences",
                   .help = "most sentences trained on, drawn with --seed if there are more",
                   .minimum = 1},
                  &sentences);
    visitor.Visit({.name = "vocabulary-size",
                   .help = "pieces wanted at most; fewer if the text does not hold as many",
                   .minimum = 4},
                  &training.vocabulary_size);
    visitor.Visit({.name = "model-type",
                   .help = "how SentencePiece finds pieces",
                   .choices = {"unigram", "bpe"}},
                  &training.model_type);
    visitor.Visit({.name = "split-digits",
                   .help = "every digit is a piece of its own, so that numeric identifiers share "
                           "pieces digit by digit; otherwise frequent numbers become pieces"},
                  &training.split_digits);
    visitor.Visit({.name = "whole-words",
                   .help = "a frequent word is one piece even if it mixes letters, signs and "
                           "digits, as item_1034 does: shortest prompts, one piece an item"},
                  &training.whole_words);
    visitor.Visit({.name = "causal",
                   .help = "for causal models: what stands before their responses is text, too"},
                  &causal);
    visitor.Visit({.name = "seed", .help = "of the choice of sentences"}, &training.seed);
  }
};

struct AllOptions {
  DataOptions data;
  indexing::IndexParameters index;
  datasets::HistoryOptions history;
  TrainOptions train;
};

// `count` of the numbers below `bound` (all, if there are no more), ascending (Floyd's algorithm,
// Bentley 1987).
std::vector<int64_t> Draw(int64_t count, int64_t bound, Random* random) {
  count = std::min(count, bound);
  std::set<int64_t> drawn;
  for (int64_t last = bound - count; last < bound; ++last) {
    const auto some = static_cast<int64_t>(random->Below(static_cast<uint64_t>(last) + 1));
    if (!drawn.insert(some).second) drawn.insert(last);
  }
  return {drawn.begin(), drawn.end()};
}

// Everything one dataset can say: its training prompts and its items' texts, by number.
class DatasetTexts {
 public:
  DatasetTexts(const SequenceDataset& dataset, std::vector<std::string> identifiers,
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
  for (const int64_t number : Draw(count, total, random)) {
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

// Prompts and items of the datasets as far as the tokenizer has to write them: identifiers' own
// tokens are added to it afterwards, so texts are cut there.
absl::StatusOr<std::vector<std::string>> DatasetSentences(const AllOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(const auto opened, options.data.OpenDatasets());
  OPENP5_ASSIGN_OR_RETURN(const auto prompts, options.data.LoadPrompts());
  OPENP5_ASSIGN_OR_RETURN(const auto seen, SeenPrompts(prompts, options.data.tasks));
  std::deque<DatasetTexts> all;
  std::vector<std::string> tokens;
  for (const SequenceDataset& dataset : opened) {
    OPENP5_ASSIGN_OR_RETURN(
        const indexing::ItemIndex index,
        indexing::LoadItemIndex(options.data.IndexDb(), dataset, options.index));
    OPENP5_ASSIGN_OR_RETURN(auto identifiers, index.IdentifiersFor(dataset));
    OPENP5_ASSIGN_OR_RETURN(auto user_numbers, index.UserNumbersFor(dataset));
    const std::vector<std::string> some = index.AddedTokens();
    tokens.insert(tokens.end(), some.begin(), some.end());
    all.emplace_back(dataset, std::move(identifiers), std::move(user_numbers), options.history,
                     seen);
  }
  const text::TokenCutter cutter = text::MakeCutter(tokens);
  std::vector<std::string> sentences;
  const auto take = [&](const std::string& text) {
    for (std::string& part : text::CutOut(cutter, text)) sentences.push_back(std::move(part));
  };
  const std::string mark =
      options.train.causal ? StrCat(prompting::kResponseMark, " ") : std::string();
  const auto take_item = [&](const std::string& text) { take(mark + text); };
  Random random(static_cast<uint64_t>(options.train.training.seed));
  // A fifth for the items: each of them is to occur, and prompts show the frequent ones anyway.
  int64_t items = 0;
  for (const DatasetTexts& texts : all) items += texts.item_count();
  items = std::min(items, options.train.sentences / 5);
  DrawTexts(all, items, &DatasetTexts::item_count, &DatasetTexts::Item, &random, take_item);
  DrawTexts(all, options.train.sentences - items, &DatasetTexts::prompt_count,
            &DatasetTexts::Prompt, &random, take);
  return sentences;
}

absl::StatusOr<std::vector<std::string>> FileSentences(const TrainOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(options.text));
  std::vector<std::string_view> lines;
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    if (end > from) lines.push_back(std::string_view(text).substr(from, end - from));
    from = end + 1;
  }
  Random random(static_cast<uint64_t>(options.training.seed));
  std::vector<std::string> sentences;
  for (const int64_t number :
       Draw(options.sentences, static_cast<int64_t>(lines.size()), &random)) {
    sentences.emplace_back(lines[number]);
  }
  return sentences;
}

constexpr char kTrainedTokenizer[] = "a trained tokenizer";

absl::Status CheckOut(const AllOptions& options) {
  std::vector<std::string> sources = SourceFolders(options.data);
  sources.push_back(options.train.text);
  return Annotate(CheckOutputFolder(options.train.out, MarkedKind(kTrainedTokenizer), sources),
                  "--out");
}

absl::Status CheckSource(const AllOptions& options) {
  const bool datasets = !options.data.data_dir.empty() || !options.data.datasets.empty();
  if (!options.train.text.empty() && datasets) {
    return UsageError("tokenizer train: --text and --data-dir, --datasets exclude each other");
  }
  if (!options.train.text.empty()) return absl::OkStatus();
  if (options.data.data_dir.empty() || options.data.datasets.empty()) {
    return UsageError("tokenizer train: expected --data-dir and --datasets, or --text");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunTokenizerTrain(const std::vector<std::string>& arguments) {
  AllOptions options;
  CommandLine line(
      "tokenizer train",
      "Train a T5-style SentencePiece model on the training prompts of datasets (their "
      "item indexes must have been built) or on a text file.");
  line.Add(&options.data);
  line.Add(&options.index);
  line.Add(&options.history);
  line.Add(&options.train);
  line.Require("out");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(CheckSource(options));
  OPENP5_RETURN_IF_ERROR(CheckOut(options));
  auto sentences =
      options.train.text.empty() ? DatasetSentences(options) : FileSentences(options.train);
  if (!sentences.ok()) return sentences.status();
  LogInfo(StrCat("training a tokenizer on ", sentences->size(), " sentences"));
  constexpr char kName[] = "spiece.model";
  OPENP5_RETURN_IF_ERROR(
      WriteMarkedFolder(options.train.out, kTrainedTokenizer, [&](const std::string& folder) {
        return text::TrainTokenizer(*sentences, options.train.training, JoinPath(folder, kName));
      }));
  const std::string path = JoinPath(options.train.out, kName);
  OPENP5_ASSIGN_OR_RETURN(const auto tokenizer, text::OpenTokenizer(path));
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(
      output.Write(StrCat(OneLine(path), ": ", tokenizer->vocabulary_size(), " pieces\n")));
  return output.Close();
}

}  // namespace openp5::app
