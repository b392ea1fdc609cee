#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_format.h"
#include "datasets/item_sets.h"
#include "platform/app/command.h"
#include "platform/app/reading.h"
#include "platform/app/recommender_options.h"
#include "platform/app/text_output.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/config/command_line.h"

namespace openp5::app {
namespace {

using Json = nlohmann::ordered_json;

struct RecommendOptions {
  std::string user;
  std::vector<std::string> history_items;
  int64_t k = 10;
  int64_t beams = 50;  // for one user much costs little: loading the model takes longer
  bool exact = false;
  bool include_seen = false;
  std::string prompt = "seen:0";
  std::string format = "text";

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "user", .help = "raw id of a user of the dataset"}, &user);
    visitor.Visit({.name = "history",
                   .help = "raw item ids, oldest first, instead of the user's own history"},
                  &history_items);
    visitor.Visit({.name = "k", .help = "items to recommend", .minimum = 1, .maximum = 10000}, &k);
    visitor.Visit({.name = "beams",
                   .help = "width of the search, at least --k: with the same width a shorter list "
                           "is the beginning of a longer one, and a wider search misses less",
                   .minimum = 1,
                   .maximum = 100000},
                  &beams);
    visitor.Visit(
        {.name = "exact",
         .help = "score every item instead of searching: slower the more items there are"},
        &exact);
    visitor.Visit({.name = "include-seen", .help = "also recommend items of the history"},
                  &include_seen);
    visitor.Visit({.name = "prompt", .help = "template to ask with: seen:N or unseen:N"}, &prompt);
    visitor.Visit({.name = "format", .help = "form of the result", .choices = {"text", "json"}},
                  &format);
  }
};

// All options of `recommend`.
struct RecommendCommandOptions {
  RecommendOptions recommend;
  RecommenderOptions recommender;
  RuntimeOptions runtime{.offer_int8 = true};

  void AddTo(CommandLine* line) {
    line->Add(&recommend);
    recommender.AddTo(line);
    line->Add(&runtime);
    line->Require("checkpoint");
  }
  absl::Status Check() const {
    if (recommend.user.empty() && recommend.history_items.empty()) {
      return UsageError("openp5 recommend: missing --user or --history");
    }
    if (recommender.data.datasets.size() != 1 || recommender.data.tasks.size() != 1) {
      return UsageError("openp5 recommend: expected one dataset and one task");
    }
    return absl::OkStatus();
  }
};

// The question that is asked; `history` keeps the items it refers to.
struct Question {
  std::vector<int32_t> history;
  recommenders::Query query;
};

absl::StatusOr<Question> Ask(const RecommendOptions& options,
                             const datasets::SequenceDataset& dataset) {
  Question question;
  if (!options.user.empty()) {
    question.query.user = dataset.FindUser(options.user);
    if (!question.query.user.has_value()) {
      return NotFound("--user: ", dataset.name(), " has no user '", options.user, "'");
    }
    const auto sequence = dataset.Sequence(*question.query.user);
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
  question.query.history = question.history;
  if (!options.include_seen) question.query.excluded = datasets::DistinctItems(question.history);
  return question;
}

// Says what is wrong with the question before a model is loaded, which takes long.
absl::Status CheckQuestion(const RecommendCommandOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(const auto datasets, options.recommender.data.OpenDatasets());
  return Ask(options.recommend, datasets.front()).status();
}

absl::Status Print(const RecommendOptions& options, const datasets::SequenceDataset& dataset,
                   const Question& question, const recommenders::Ranking& ranking,
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
    absl::StrAppendFormat(&text, "%3d  %-12s %9.4f  %s\n", i + 1, OneLine(id), ranking.scores[i],
                          title == titles.end() ? "" : OneLine(title->second));
  }
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(output.Write(options.format == "json" ? DumpJson(json) + "\n" : text));
  return output.Close();
}

absl::Status RunRecommend(const std::vector<std::string>& arguments) {
  RecommendCommandOptions options;
  CommandLine line("recommend", "Recommend items to one user, or after a history of items.");
  options.AddTo(&line);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  const bool task_given = line.IsGiven("tasks");
  OPENP5_ASSIGN_OR_RETURN(
      const auto source, checkpoints::ModelSource::Open(options.recommender.checkpoint.checkpoint));
  OPENP5_RETURN_IF_ERROR(UseReading(source, options.recommender.reading, &line));
  // A model of several tasks is asked by the first that it was trained for.
  if (!task_given) options.recommender.data.tasks.resize(1);
  OPENP5_RETURN_IF_ERROR(options.Check());
  OPENP5_ASSIGN_OR_RETURN(const Runtime runtime, StartRuntime(options.runtime));
  const DataOptions& data = options.recommender.data;
  OPENP5_ASSIGN_OR_RETURN(const auto titles,
                          datasets::ReadItemTitles(data.DatasetFolder(data.datasets.front())));
  const RecommendOptions& recommend = options.recommend;
  OPENP5_RETURN_IF_ERROR(CheckQuestion(options));
  OPENP5_ASSIGN_OR_RETURN(const auto model,
                          OpenRecommender(recommenders::BuiltinKinds(), source, options.recommender,
                                          line, recommend.prompt, runtime));
  const datasets::SequenceDataset& dataset = model->dataset(0);
  OPENP5_ASSIGN_OR_RETURN(const Question question, Ask(recommend, dataset));
  OPENP5_ASSIGN_OR_RETURN(const auto rankings,
                          model->Rank(std::span(&question.query, 1), recommend.k,
                                      {.task = data.tasks.front(),
                                       .prompt = recommend.prompt,
                                       .beams = std::max(recommend.beams, recommend.k),
                                       .exact = recommend.exact}));
  return Print(recommend, dataset, question, rankings.front(), titles, runtime.precision());
}

}  // namespace

std::vector<Command> RecommendCommands() {
  return {{"recommend", "Recommend items to one user", RunRecommend}};
}

}  // namespace openp5::app
