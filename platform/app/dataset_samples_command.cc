#include "platform/app/dataset_samples_command.h"

#include <nlohmann/json.hpp>

#include "datasets/samples.h"
#include "datasets/text_lines.h"
#include "indexing/item_index.h"
#include "platform/app/data_options.h"
#include "platform/app/source_files.h"
#include "platform/base/json.h"
#include "platform/base/output_file.h"
#include "platform/base/text_output.h"
#include "platform/config/command_line.h"

namespace openp5::app {
namespace {

using datasets::Position;
using datasets::PromptTemplate;
using datasets::Sample;
using datasets::SequenceDataset;
using datasets::Split;

struct SampleOptions {
  std::string split = "train";
  std::string prompt;  // empty: all seen prompts for train, seen:0 else
  std::string format = "tsv";
  std::string out;  // empty: standard output

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "split",
                   .help = "part of each user's sequence that gives the targets",
                   .choices = {"train", "validation", "test"}},
                  &split);
    visitor.Visit(
        {.name = "prompt",
         .help = "seen:N or unseen:N (default: every seen prompt for train, else seen:0)"},
        &prompt);
    visitor.Visit({.name = "format",
                   .help = "a line a sample: `input TAB output`, or a JSON object with input, "
                           "output and the raw ids of user and target",
                   .choices = {"tsv", "json"}},
                  &format);
    visitor.Visit({.name = "out", .help = "file to write (default: standard output)"}, &out);
  }

  Split GetSplit() const {
    if (split == "train") return Split::kTrain;
    return split == "validation" ? Split::kValidation : Split::kTest;
  }
};

struct AllOptions {
  DataOptions data;
  indexing::IndexParameters index;
  datasets::HistoryOptions history;
  SampleOptions sample;
};

absl::StatusOr<std::vector<const PromptTemplate*>> ChoosePrompts(const datasets::PromptSet& prompts,
                                                                 const std::string& task,
                                                                 const SampleOptions& options) {
  if (options.prompt.empty() && options.split == "train") {
    std::vector<const PromptTemplate*> seen = prompts.Seen(task);
    if (seen.empty()) return NotFound("prompt: task '", task, "' has no seen prompts to train on");
    return seen;
  }
  OPENP5_ASSIGN_OR_RETURN(const PromptTemplate* prompt,
                          prompts.Find(task, options.prompt.empty() ? "seen:0" : options.prompt));
  return std::vector<const PromptTemplate*>{prompt};
}

absl::StatusOr<std::string> TsvLine(const Sample& sample) {
  for (const std::string* text : {&sample.input, &sample.output}) {
    if (text->find_first_of("\t\n\r") != std::string::npos) {
      return InvalidArgument("dataset samples: expected texts without tabs and line ends, got '",
                             datasets::Excerpt(*text), "'; use --format json");
    }
  }
  return StrCat(sample.input, "\t", sample.output, "\n");
}

std::string JsonLine(const Sample& sample, const SequenceDataset& dataset,
                     const Position& position) {
  const int32_t target = dataset.Sequence(position.user)[static_cast<size_t>(position.target)];
  const nlohmann::ordered_json line = {{"input", sample.input},
                                       {"output", sample.output},
                                       {"user", dataset.UserId(position.user)},
                                       {"target", dataset.ItemId(target)}};
  // What is not UTF-8 in a prompt file is shown as U+FFFD.
  return DumpJson(line) + "\n";
}

// All samples of one dataset: task by task, user by user, position by position, prompt by prompt.
absl::Status WriteSamples(const SequenceDataset& dataset, const AllOptions& options,
                          const datasets::PromptSet& prompts, TextOutput* output) {
  OPENP5_ASSIGN_OR_RETURN(const indexing::ItemIndex index,
                          indexing::LoadItemIndex(options.data.IndexDb(), dataset, options.index));
  OPENP5_ASSIGN_OR_RETURN(const auto identifiers, index.IdentifiersFor(dataset));
  OPENP5_ASSIGN_OR_RETURN(const auto user_numbers, index.UserNumbersFor(dataset));
  const datasets::SampleWriter writer(dataset, identifiers, user_numbers, options.history);
  const std::vector<Position> positions = datasets::SplitPositions(
      dataset, options.sample.GetSplit(), options.history.skip_empty_history);
  for (const std::string& task : options.data.tasks) {
    OPENP5_ASSIGN_OR_RETURN(const auto chosen, ChoosePrompts(prompts, task, options.sample));
    for (const Position& position : positions) {
      for (const PromptTemplate* prompt : chosen) {
        const Sample sample = writer.Write(*prompt, position);
        if (options.sample.format == "json") {
          OPENP5_RETURN_IF_ERROR(output->Write(JsonLine(sample, dataset, position)));
        } else {
          OPENP5_ASSIGN_OR_RETURN(const std::string line, TsvLine(sample));
          OPENP5_RETURN_IF_ERROR(output->Write(line));
        }
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunDatasetSamples(const std::vector<std::string>& arguments) {
  AllOptions options;
  CommandLine line("dataset samples", "Write the texts a model is trained or tested on.");
  line.Add(&options.data);
  line.Add(&options.index);
  line.Add(&options.history);
  line.Add(&options.sample);
  line.Require("data-dir");
  line.Require("datasets");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(
      CheckOutputFiles({{"--out", options.sample.out}}, SourceFiles(options.data)));
  OPENP5_ASSIGN_OR_RETURN(const auto opened, options.data.OpenDatasets());
  OPENP5_ASSIGN_OR_RETURN(const datasets::PromptSet prompts, options.data.LoadPrompts());
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(options.sample.out));
  for (const SequenceDataset& dataset : opened) {
    OPENP5_RETURN_IF_ERROR(WriteSamples(dataset, options, prompts, &output));
  }
  return output.Close();
}

}  // namespace openp5::app
