#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "evaluators/evaluate_all.h"
#include "evaluators/report.h"
#include "platform/app/command.h"
#include "platform/app/reading.h"
#include "platform/app/recommender_options.h"
#include "platform/app/shard.h"
#include "platform/app/source_files.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/memory.h"
#include "platform/base/output_file.h"
#include "platform/base/text_output.h"
#include "platform/config/command_line.h"
#include "platform/distributed/processes.h"
#include "platform/recommenders/lists_recommender.h"

namespace openp5::app {
namespace {

using Kinds = Registry<recommenders::RecommenderKind>;
using evaluators::RankingResult;
using recommenders::Recommender;

struct OutputOptions {
  std::string topk_out;
  std::string result_out;
  std::string label;
  bool strata = false;
  std::string format = "text";

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "topk-out",
                   .help = "file for every user's list, a JSON object a line: the model's, or "
                           "without one the only baseline's"},
                  &topk_out);
    visitor.Visit({.name = "result-out",
                   .help = "file for the protocol and every user's values of all results, which "
                           "`openp5 compare` reads",
                   .affects = Affects::kPlace},
                  &result_out);
    visitor.Visit({.name = "label",
                   .help = "what the model, the lists, or the only baseline is called in "
                           "--result-out; results of one label are one method there (default: "
                           "the run's folder, the run's tag or the file's name, the baseline)",
                   .affects = Affects::kPlace},
                  &label);
    visitor.Visit({.name = "strata",
                   .help = "measure parts of the users, too: by popularity of the target, length "
                           "of the history, cold targets, repeats, and targets that occur "
                           "together with the history",
                   .affects = Affects::kMeasurement},
                  &strata);
    visitor.Visit({.name = "format", .help = "form of the result", .choices = {"text", "json"}},
                  &format);
  }
};

struct ListsOptions {
  std::string lists;
  std::string format = "auto";

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "lists",
                   .help = "file with ranked lists of any system, to be evaluated instead of a "
                           "checkpoint: those of --topk-out, a TREC run, CSV or TSV"},
                  &lists);
    visitor.Visit({.name = "lists-format",
                   .help = "format of --lists; auto tells it from the first line",
                   .choices = recommenders::ListsFormats()},
                  &format);
  }
};

// All options of `evaluate`.
struct EvaluateCommandOptions {
  explicit EvaluateCommandOptions(const Kinds& kinds) : baselines(kinds) {}

  RecommenderOptions recommender;
  evaluators::EvaluationOptions evaluation;
  recommenders::BaselineOptions baselines;
  evaluators::FuseOptions fuse;
  ListsOptions lists;
  OutputOptions output;
  RuntimeOptions runtime{.offer_int8 = true};
  ProcessOptions processes;

  void AddTo(CommandLine* line) {
    recommender.AddTo(line);
    line->Add(&evaluation);
    line->Add(&baselines);
    line->Add(&fuse);
    line->Add(&lists);
    line->Add(&output);
    line->Add(&runtime);
    line->Add(&processes);
  }
  bool has_model() const { return !recommender.checkpoint.checkpoint.empty(); }
  bool has_lists() const { return !lists.lists.empty(); }
  absl::Status Check() const {
    OPENP5_RETURN_IF_ERROR(evaluation.Check(recommender.reading.openp5_compat));
    OPENP5_RETURN_IF_ERROR(CheckOutputs());
    OPENP5_RETURN_IF_ERROR(baselines.Check());
    OPENP5_RETURN_IF_ERROR(fuse.Check());
    if (!fuse.parts.empty() && recommender.data.datasets.size() != 1) {
      return UsageError("--fuse: expected one of --datasets");
    }
    if (has_lists()) OPENP5_RETURN_IF_ERROR(CheckLists());
    if (has_model()) return absl::OkStatus();
    if (!fuse.parts.empty()) return UsageError("--fuse: expected --checkpoint with it");
    if (has_lists()) return absl::OkStatus();
    if (!baselines.any()) {
      return UsageError(
          "openp5 evaluate: missing --checkpoint; hint: --baseline popularity,transitions needs "
          "none, and --lists takes any system's lists");
    }
    for (const auto& [option, value] :
         {std::pair("--topk-out", &output.topk_out), std::pair("--label", &output.label)}) {
      if (!value->empty() && baselines.names.size() > 1) {
        return UsageError(StrCat(option, ": expected --checkpoint or one --baseline, or --lists"));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckOutputs() const {
    std::vector<std::string> sources = SourceFiles(recommender.data, recommender.checkpoint);
    sources.push_back(lists.lists);
    return CheckOutputFiles({{"--topk-out", output.topk_out}, {"--result-out", output.result_out}},
                            sources);
  }
  absl::Status CheckLists() const {
    if (has_model()) {
      return UsageError("--checkpoint and --lists: expected one of them, got both");
    }
    if (recommender.data.datasets.size() > 1 || recommender.data.tasks.size() > 1) {
      return UsageError(
          "--lists: expected one dataset and one task, whose lists the file holds, got several");
    }
    return absl::OkStatus();
  }
};

// The run's folder for one of its checkpoints, else the checkpoint.
std::string LabelOfCheckpoint(const std::string& checkpoint) {
  const size_t at = checkpoint.rfind("/checkpoints/");
  return at == std::string::npos || at == 0 ? checkpoint : checkpoint.substr(0, at);
}

// What is evaluated: a model with its datasets, lists of a dataset, or datasets alone.
struct Subject {
  std::unique_ptr<Recommender> recommender = {};  // of model or lists
  std::string label = {};
  bool is_model = false;
  std::vector<datasets::SequenceDataset> datasets = {};

  static absl::StatusOr<Subject> Open(const EvaluateCommandOptions& options, const Kinds& kinds,
                                      const checkpoints::ModelSource& source,
                                      const CommandLine& line, const Processes& processes) {
    Subject subject{.label = options.output.label, .is_model = options.has_model()};
    OPENP5_ASSIGN_OR_RETURN(auto datasets, options.recommender.data.OpenDatasets());
    if (options.has_model()) {
      OPENP5_ASSIGN_OR_RETURN(
          subject.recommender,
          OpenRecommender(kinds, source, options.recommender, std::move(datasets), line,
                          options.evaluation.prompt, processes.runtime));
      if (subject.label.empty() && !options.output.result_out.empty()) {
        subject.label = LabelOfCheckpoint(options.recommender.checkpoint.checkpoint);
      }
      return subject;
    }
    subject.datasets = std::move(datasets);
    OPENP5_RETURN_IF_ERROR(options.recommender.data.LoadPrompts().status());
    if (options.has_lists()) OPENP5_RETURN_IF_ERROR(subject.ReadLists(options.lists));
    return subject;
  }
  const datasets::SequenceDataset& dataset(size_t number) const {
    return is_model ? recommender->dataset(number) : datasets[number];
  }

 private:
  absl::Status ReadLists(const ListsOptions& options) {
    OPENP5_ASSIGN_OR_RETURN(
        auto file, recommenders::ReadLists(options.lists, options.format, datasets.front()));
    if (label.empty()) label = file.system;
    recommender = recommenders::MakeLists(datasets.front(), std::move(file));
    return absl::OkStatus();
  }
};

// The files that are written beside the result, by the first process only.
struct ListFiles {
  std::optional<TextOutput> topk = {}, results = {};

  absl::Status Open(const OutputOptions& options) {
    for (const auto& [path, file] :
         {std::pair(&options.topk_out, &topk), std::pair(&options.result_out, &results)}) {
      if (path->empty()) continue;
      OPENP5_ASSIGN_OR_RETURN(TextOutput opened, TextOutput::Open(*path));
      file->emplace(std::move(opened));
    }
    return absl::OkStatus();
  }
  evaluators::EvaluationFiles Get() {
    return {topk.has_value() ? &*topk : nullptr, results.has_value() ? &*results : nullptr};
  }
  absl::Status Close() {
    if (topk.has_value()) OPENP5_RETURN_IF_ERROR(topk->Close());
    return results.has_value() ? results->Close() : absl::OkStatus();
  }
};

evaluators::EvaluationPlan PlanOf(const EvaluateCommandOptions& options, const Subject& subject,
                                  const Kinds& kinds,
                                  const std::vector<evaluators::Metric>& metrics,
                                  const Processes& processes) {
  evaluators::EvaluationPlan plan{.kinds = kinds,
                                  .baselines = options.baselines,
                                  .fuse = options.fuse,
                                  .options = options.evaluation,
                                  .metrics = metrics,
                                  .tasks = options.recommender.data.tasks,
                                  .subject = subject.recommender.get(),
                                  .label = subject.label,
                                  .strata = options.output.strata,
                                  .sharding = ShardOf(processes),
                                  .runtime = processes.runtime};
  for (size_t number = 0; number < options.recommender.data.datasets.size(); ++number) {
    plan.datasets.push_back(&subject.dataset(number));
  }
  return plan;
}

// Logs what the evaluation needs of memory; ResourceExhausted if there is not that much for each of
// this machine's processes.
absl::Status ReserveEvaluationMemory(const evaluators::EvaluationPlan& plan, int64_t processes) {
  OPENP5_ASSIGN_OR_RETURN(const int64_t bytes, evaluators::LargestEvaluationMemory(plan));
  return ReserveMemory({.what = "evaluation",
                        .peak = PeakWith(bytes),
                        .hint = "a smaller --eval-batch-size, --beams or --threads"},
                       MemoryInReach(processes));
}

absl::Status Print(const EvaluateCommandOptions& options, const Subject& subject,
                   const std::vector<RankingResult>& results, const std::string& precision) {
  nlohmann::ordered_json json = evaluators::ResultsToJson(results);
  json["precision"] = precision;
  std::string text = evaluators::ResultsTable(results) + evaluators::ProtocolLines(results);
  for (const RankingResult& result : results) text += evaluators::StrataTable(result);
  if (subject.is_model) {
    const std::vector<std::string> mismatches = subject.recommender->index_mismatches();
    if (!mismatches.empty()) json["index_mismatches"] = mismatches;
    for (const std::string& mismatch : mismatches) {
      text += StrCat("another item index: ", OneLine(mismatch), "\n");
    }
    text += StrCat(json["users_per_second"].get<double>(), " users/s\n");
  }
  if (precision != "float32") text += StrCat("precision: ", precision, "\n");
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(
      output.Write(options.output.format == "json" ? DumpJson(json) + "\n" : text));
  return output.Close();
}

absl::Status Evaluate(const EvaluateCommandOptions& options, const Kinds& kinds,
                      const checkpoints::ModelSource& source, const CommandLine& line,
                      const std::vector<evaluators::Metric>& metrics, const Processes& processes) {
  ListFiles files;
  if (processes.is_first()) OPENP5_RETURN_IF_ERROR(files.Open(options.output));
  OPENP5_ASSIGN_OR_RETURN(const Subject subject,
                          Subject::Open(options, kinds, source, line, processes));
  const evaluators::EvaluationPlan plan = PlanOf(options, subject, kinds, metrics, processes);
  if (subject.is_model && processes.is_first()) {
    OPENP5_RETURN_IF_ERROR(ReserveEvaluationMemory(plan, options.processes.nproc));
  }
  OPENP5_ASSIGN_OR_RETURN(const auto results, evaluators::EvaluateAll(plan, files.Get()));
  OPENP5_RETURN_IF_ERROR(files.Close());
  if (!processes.is_first()) return absl::OkStatus();
  return Print(options, subject, results, processes.runtime.precision());
}

absl::Status RunEvaluate(const std::vector<std::string>& arguments) {
  const Kinds kinds = recommenders::BuiltinKinds();
  EvaluateCommandOptions options(kinds);
  CommandLine line("evaluate", "Measure how well a model or a baseline recommends next items.");
  options.AddTo(&line);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(options.Check());
  checkpoints::ModelSource source;
  if (options.has_model()) {
    OPENP5_ASSIGN_OR_RETURN(
        source, checkpoints::ModelSource::Open(options.recommender.checkpoint.checkpoint));
    OPENP5_RETURN_IF_ERROR(UseReading(source, options.recommender.reading, &line));
  }
  OPENP5_ASSIGN_OR_RETURN(const auto metrics, evaluators::ParseMetrics(options.evaluation.metrics));
  if (const auto ended = RunInProcesses(options.processes)) return *ended;
  OPENP5_ASSIGN_OR_RETURN(const Processes processes,
                          StartProcesses(options.processes, options.runtime));
  return processes.Explain(Evaluate(options, kinds, source, line, metrics, processes));
}

}  // namespace

std::vector<Command> EvaluateCommands() {
  return {{"evaluate", "Measure how well a model or a baseline recommends", RunEvaluate}};
}

}  // namespace openp5::app
