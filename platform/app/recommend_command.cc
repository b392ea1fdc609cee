#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "platform/app/command.h"
#include "platform/app/reading.h"
#include "platform/app/recommender_options.h"
#include "platform/app/source_files.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/memory.h"
#include "platform/base/output_file.h"
#include "platform/base/progress.h"
#include "platform/base/text_output.h"
#include "platform/config/command_line.h"
#include "platform/recommenders/questions.h"

namespace openp5::app {
namespace {

using Json = nlohmann::ordered_json;

struct RecommendOptions {
  int64_t k = 10;
  int64_t beams = 50;  // for one user much costs little: loading the model takes longer
  bool exact = false;
  int64_t batch_size = 20;
  std::string prompt = "seen:0";
  std::string out;
  std::string format = "text";

  void ForEach(OptionVisitor& visitor) {
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
    visitor.Visit({.name = "eval-batch-size",
                   .help = "users searched for at once",
                   .minimum = 1,
                   .maximum = 100000},
                  &batch_size);
    visitor.Visit({.name = "prompt", .help = "template to ask with: seen:N or unseen:N"}, &prompt);
    visitor.Visit({.name = "out",
                   .help = "file for the lists of many users: .csv with a line an item, any other "
                           "name with a JSON object a user"},
                  &out);
    visitor.Visit(
        {.name = "format",
         .help = "form of one user's list; a score orders the items of one list, and says "
                 "nothing across models",
         .choices = {"text", "json"}},
        &format);
  }
};

// All options of `recommend`.
struct RecommendCommandOptions {
  recommenders::QuestionOptions questions;
  RecommendOptions recommend;
  RecommenderOptions recommender;
  RuntimeOptions runtime{.offer_int8 = true};

  void AddTo(CommandLine* line) {
    line->Add(&questions);
    line->Add(&recommend);
    recommender.AddTo(line);
    line->Add(&runtime);
    line->Require("checkpoint");
  }
  absl::Status Check() const {
    OPENP5_RETURN_IF_ERROR(questions.Check());
    if (recommender.data.datasets.size() != 1 || recommender.data.tasks.size() != 1) {
      return UsageError("openp5 recommend: expected one dataset and one task");
    }
    if (questions.many() != !recommend.out.empty()) {
      return UsageError(questions.many()
                            ? "openp5 recommend: missing --out, a file for the lists of many users"
                            : "--out: expected --users-file or --all with it");
    }
    std::vector<std::string> sources = SourceFiles(recommender.data, recommender.checkpoint);
    for (const std::string& file : questions.Files()) sources.push_back(file);
    return CheckOutputFiles({{"--out", recommend.out}}, sources);
  }
  recommenders::RankOptions RankOptions() const {
    return {.task = recommender.data.tasks.front(),
            .prompt = recommend.prompt,
            .beams = std::max(recommend.beams, recommend.k),
            .exact = recommend.exact,
            .batch_size = recommend.batch_size};
  }
};

using Titles = std::unordered_map<std::string, std::string>;

// [{"item", "score", "title"}], the best first.
Json ItemsJson(const datasets::SequenceDataset& dataset, const recommenders::Ranking& ranking,
               const Titles& titles) {
  Json items = Json::array();
  for (size_t i = 0; i < ranking.items.size(); ++i) {
    if (ranking.items[i] < 0) continue;
    const std::string id(dataset.ItemId(ranking.items[i]));
    const auto title = titles.find(id);
    items.push_back({{"item", id}, {"score", ranking.scores[i]}});
    if (title != titles.end()) items.back()["title"] = title->second;
  }
  return items;
}

// A field of RFC 4180.
std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

// A user's list as a file has it.
std::string ListText(const std::string& user, const Json& items, bool csv) {
  if (!csv) return DumpJson(Json{{"user", user}, {"items", items}}) + "\n";
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) {
    absl::StrAppendFormat(&text, "%s,%d,%s,%.6g,%s\n", CsvField(user), i + 1,
                          CsvField(items[i]["item"].get<std::string>()),
                          items[i]["score"].get<double>(), CsvField(items[i].value("title", "")));
  }
  return text;
}

// Logs what the answers need of memory; ResourceExhausted if there is not that much.
absl::Status ReserveRankingMemory(const RecommendCommandOptions& options,
                                  const recommenders::Recommender& model,
                                  const std::vector<recommenders::Question>& questions) {
  const auto longest =
      std::max_element(questions.begin(), questions.end(),
                       [](const recommenders::Question& a, const recommenders::Question& b) {
                         return a.history.size() < b.history.size();
                       });
  if (longest == questions.end()) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(
      const int64_t bytes,
      model.RankingMemory(std::span(&longest->query, 1), static_cast<int64_t>(questions.size()),
                          options.recommend.k, options.RankOptions()));
  return ReserveMemory(
      {.what = "recommendation", .peak = PeakWith(bytes), .hint = "fewer --beams"});
}

// Asks for some users at a time, so that memory does not grow with their number.
absl::Status RecommendToMany(const RecommendCommandOptions& options,
                             const recommenders::Recommender& model,
                             const std::vector<recommenders::Question>& questions,
                             const Titles& titles) {
  constexpr size_t kAtOnce = 2000;
  const datasets::SequenceDataset& dataset = model.dataset(0);
  const bool csv = options.recommend.out.ends_with(".csv");
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(options.recommend.out));
  if (csv) OPENP5_RETURN_IF_ERROR(output.Write("user,rank,item,score,title\n"));
  ProgressBar progress(StrCat("recommend ", dataset.name()), static_cast<int64_t>(questions.size()),
                       "users");
  for (size_t begin = 0; begin < questions.size(); begin += kAtOnce) {
    const auto part =
        std::span(questions).subspan(begin, std::min(kAtOnce, questions.size() - begin));
    std::vector<recommenders::Query> queries;
    for (const recommenders::Question& question : part) queries.push_back(question.query);
    OPENP5_ASSIGN_OR_RETURN(const auto rankings,
                            model.Rank(queries, options.recommend.k, options.RankOptions()));
    for (size_t i = 0; i < part.size(); ++i) {
      OPENP5_RETURN_IF_ERROR(
          output.Write(ListText(part[i].user, ItemsJson(dataset, rankings[i], titles), csv)));
    }
    progress.Advance(static_cast<int64_t>(part.size()));
  }
  progress.Finish();
  OPENP5_RETURN_IF_ERROR(output.Close());
  LogInfo(StrCat("wrote the lists of ", questions.size(), " users: ", options.recommend.out));
  return absl::OkStatus();
}

absl::Status Print(const RecommendOptions& options, const datasets::SequenceDataset& dataset,
                   const recommenders::Question& question, const Json& items,
                   const std::string& precision) {
  Json json = {{"dataset", dataset.name()},
               {"user", question.user},
               {"precision", precision},
               {"history", Json::array()},
               {"items", items}};
  for (const int32_t item : question.history) json["history"].push_back(dataset.ItemId(item));
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) {
    absl::StrAppendFormat(&text, "%3d  %-12s %9.4f  %s\n", i + 1,
                          OneLine(items[i]["item"].get<std::string>()),
                          items[i]["score"].get<double>(), OneLine(items[i].value("title", "")));
  }
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(output.Write(options.format == "json" ? DumpJson(json) + "\n" : text));
  return output.Close();
}

absl::Status RunRecommend(const std::vector<std::string>& arguments) {
  RecommendCommandOptions options;
  CommandLine line(
      "recommend",
      "Recommend items to one user or to many, or after a history of items. Items of the history "
      "are left out unless --include-seen is given.");
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
  OPENP5_ASSIGN_OR_RETURN(auto datasets, data.OpenDatasets());
  // What is wrong with the questions is said before a model is loaded, which takes long.
  OPENP5_ASSIGN_OR_RETURN(const auto questions,
                          recommenders::ReadQuestions(options.questions, datasets.front()));
  OPENP5_ASSIGN_OR_RETURN(
      const auto model,
      OpenRecommender(recommenders::BuiltinKinds(), source, options.recommender,
                      std::move(datasets), line, options.recommend.prompt, runtime));
  const datasets::SequenceDataset& dataset = model->dataset(0);
  OPENP5_RETURN_IF_ERROR(ReserveRankingMemory(options, *model, questions));
  if (options.questions.many()) return RecommendToMany(options, *model, questions, titles);
  const recommenders::Question& question = questions.front();
  OPENP5_ASSIGN_OR_RETURN(
      const auto rankings,
      model->Rank(std::span(&question.query, 1), options.recommend.k, options.RankOptions()));
  return Print(options.recommend, dataset, question, ItemsJson(dataset, rankings.front(), titles),
               runtime.precision());
}

}  // namespace

std::vector<Command> RecommendCommands() {
  return {{"recommend", "Recommend items to one user or to many", RunRecommend}};
}

}  // namespace openp5::app
