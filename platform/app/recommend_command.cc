#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_format.h"
#include "evaluators/ranking_evaluator.h"
#include "platform/app/command.h"
#include "platform/app/data_options.h"
#include "platform/app/load_model.h"
#include "platform/app/text_output.h"
#include "platform/config/command_line.h"

namespace openp5::app {
namespace {

using Json = nlohmann::ordered_json;

struct RecommendOptions {
  std::string user;
  std::vector<std::string> history_items;
  int64_t k = 10;
  bool include_seen = false;
  std::string prompt = "seen:0";
  std::string format = "text";

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "user", .help = "raw id of a user of the dataset"}, &user);
    visitor.Visit({.name = "history",
                   .help = "raw item ids, oldest first, instead of the user's own history"},
                  &history_items);
    visitor.Visit({.name = "k", .help = "items to recommend", .minimum = 1, .maximum = 10000}, &k);
    visitor.Visit({.name = "include-seen", .help = "also recommend items of the history"},
                  &include_seen);
    visitor.Visit({.name = "prompt", .help = "template to ask with: seen:N or unseen:N"}, &prompt);
    visitor.Visit({.name = "format", .help = "form of the result", .choices = {"text", "json"}},
                  &format);
  }
};

// All options of `recommend`.
struct RecommendCommandOptions {
  CheckpointOptions checkpoint;
  RecommendOptions recommend;
  DataOptions data;
  indexing::IndexParameters index;
  datasets::HistoryOptions history;
  RuntimeOptions runtime{.offer_int8 = true};

  void AddTo(CommandLine* line) {
    line->Add(&checkpoint);
    line->Add(&recommend);
    line->Add(&data);
    line->Add(&index);
    line->Add(&history);
    line->Add(&runtime);
    for (const char* name : {"checkpoint", "data-dir", "datasets"}) line->Require(name);
  }
  absl::Status Check() const {
    if (recommend.user.empty() && recommend.history_items.empty()) {
      return UsageError("openp5 recommend: missing --user or --history");
    }
    if (data.datasets.size() != 1 || data.tasks.size() != 1) {
      return UsageError("openp5 recommend: expected one dataset and one task");
    }
    return absl::OkStatus();
  }
};

// Who is asked about.
struct Question {
  std::string user_number;
  std::vector<int32_t> history;
};

absl::StatusOr<Question> Ask(const RecommendOptions& options,
                             const datasets::SequenceDataset& dataset,
                             const std::vector<std::string>& user_numbers) {
  Question question;
  if (options.user.empty()) {
    // A user the model has never met.
    question.user_number = std::to_string(dataset.user_count() + 1);
  } else {
    const std::optional<int32_t> user = dataset.FindUser(options.user);
    if (!user.has_value()) {
      return NotFound("--user: ", dataset.name(), " has no user '", options.user, "'");
    }
    question.user_number = user_numbers[static_cast<size_t>(*user)];
    const auto sequence = dataset.Sequence(*user);
    question.history.assign(sequence.begin(), sequence.end());
  }
  if (!options.history_items.empty()) question.history.clear();
  for (const std::string& id : options.history_items) {
    const std::optional<int32_t> item = dataset.FindItem(id);
    if (!item.has_value()) {
      return NotFound("--history: ", dataset.name(), " has no item '", id, "'");
    }
    question.history.push_back(*item);
  }
  return question;
}

std::vector<int32_t> Excluded(const RecommendOptions& options, const Question& question) {
  if (options.include_seen) return {};
  std::vector<int32_t> excluded = question.history;
  std::sort(excluded.begin(), excluded.end());
  excluded.erase(std::unique(excluded.begin(), excluded.end()), excluded.end());
  return excluded;
}

absl::Status Print(const RecommendOptions& options, const datasets::SequenceDataset& dataset,
                   const Question& question, const evaluators::UserRanking& ranking,
                   const std::unordered_map<std::string, std::string>& titles,
                   const std::string& precision) {
  Json json = {{"dataset", dataset.name()},
               {"user", options.user},
               {"precision", precision},
               {"history", Json::array()}};
  for (const int32_t item : question.history) json["history"].push_back(dataset.ItemId(item));
  json["items"] = Json::array();
  std::string text;
  for (size_t i = 0; i < ranking.items.size(); ++i) {
    if (ranking.items[i] < 0) continue;
    const std::string id(dataset.ItemId(ranking.items[i]));
    const auto title = titles.find(id);
    Json item = {{"item", id}, {"score", ranking.scores[i]}};
    if (title != titles.end()) item["title"] = title->second;
    json["items"].push_back(std::move(item));
    absl::StrAppendFormat(&text, "%3d  %-12s %9.4f  %s\n", i + 1, id, ranking.scores[i],
                          title == titles.end() ? "" : title->second);
  }
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(output.Write(
      options.format == "json" ? json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
                               : text));
  return output.Close();
}

absl::Status RunRecommend(const std::vector<std::string>& arguments) {
  RecommendCommandOptions options;
  CommandLine line("recommend", "Recommend items to one user, or after a history of items.");
  options.AddTo(&line);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(options.Check());
  OPENP5_ASSIGN_OR_RETURN(const Runtime runtime, StartRuntime(options.runtime));
  OPENP5_ASSIGN_OR_RETURN(auto datasets, options.data.OpenDatasets());
  OPENP5_ASSIGN_OR_RETURN(const auto prompts, options.data.LoadPrompts());
  OPENP5_ASSIGN_OR_RETURN(const datasets::PromptTemplate* prompt,
                          prompts.Find(options.data.tasks.front(), options.recommend.prompt));
  OPENP5_ASSIGN_OR_RETURN(
      const auto titles,
      datasets::ReadItemTitles(options.data.DatasetFolder(options.data.datasets.front())));
  OPENP5_ASSIGN_OR_RETURN(
      LoadedModel loaded,
      LoadCheckpoint(options.checkpoint, datasets,
                     IndexRequest::From(line, options.index, options.data), runtime));
  OPENP5_RETURN_IF_ERROR(UseTrainedHistory(line, loaded.training, &options.history));
  OPENP5_ASSIGN_OR_RETURN(
      const auto joined,
      JoinIndexes(std::move(datasets), std::move(loaded.indexes), options.history));
  const evaluators::IndexedDataset& dataset = *joined.front();
  OPENP5_ASSIGN_OR_RETURN(const Question question,
                          Ask(options.recommend, dataset.dataset(), dataset.user_numbers()));
  evaluators::RankingEvaluator evaluator(*loaded.model, *loaded.tokenizer, runtime.device);
  OPENP5_ASSIGN_OR_RETURN(
      const auto ranking,
      evaluator.Recommend(
          dataset, dataset.writer().WriteInput(*prompt, question.user_number, question.history),
          Excluded(options.recommend, question), options.recommend.k, {}));
  return Print(options.recommend, dataset.dataset(), question, ranking, titles,
               runtime.precision());
}

}  // namespace

std::vector<Command> RecommendCommands() {
  return {{"recommend", "Recommend items to one user", RunRecommend}};
}

}  // namespace openp5::app
