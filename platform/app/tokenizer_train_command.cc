#include "platform/app/tokenizer_train_command.h"

#include "datasets/samples.h"
#include "indexing/item_index.h"
#include "platform/app/data_options.h"
#include "platform/app/source_files.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/base/output_folder.h"
#include "platform/base/text_output.h"
#include "platform/config/command_line.h"
#include "platform/prompting/tokenizer_corpus.h"
#include "platform/recommenders/checkpoint_index.h"
#include "platform/text/tokenizer.h"

namespace openp5::app {
namespace {

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

// A dataset's sentences need its item index.
absl::StatusOr<std::vector<std::string>> Sentences(const AllOptions& options) {
  const TrainOptions& train = options.train;
  if (!train.text.empty()) {
    OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(train.text));
    return prompting::TextSentences(text, train.sentences, train.training.seed);
  }
  OPENP5_ASSIGN_OR_RETURN(const auto datasets, options.data.OpenDatasets());
  OPENP5_ASSIGN_OR_RETURN(const auto prompts, options.data.LoadPrompts());
  OPENP5_ASSIGN_OR_RETURN(const auto indexes, recommenders::LoadIndexes(
                                                  datasets, {.parameters = options.index,
                                                             .index_db = options.data.IndexDb()}));
  return prompting::DatasetSentences(datasets, indexes, prompts,
                                     {.tasks = options.data.tasks,
                                      .history = options.history,
                                      .sentences = train.sentences,
                                      .causal = train.causal,
                                      .seed = train.training.seed});
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
  OPENP5_ASSIGN_OR_RETURN(const auto sentences, Sentences(options));
  LogInfo(StrCat("training a tokenizer on ", sentences.size(), " sentences"));
  constexpr char kName[] = "spiece.model";
  OPENP5_RETURN_IF_ERROR(
      WriteMarkedFolder(options.train.out, kTrainedTokenizer, [&](const std::string& folder) {
        return text::TrainTokenizer(sentences, options.train.training, JoinPath(folder, kName));
      }));
  const std::string path = JoinPath(options.train.out, kName);
  OPENP5_ASSIGN_OR_RETURN(const auto tokenizer, text::OpenTokenizer(path));
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(
      output.Write(StrCat(OneLine(path), ": ", tokenizer->vocabulary_size(), " pieces\n")));
  return output.Close();
}

}  // namespace openp5::app
