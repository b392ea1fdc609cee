#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "evaluators/evaluate.h"
#include "evaluators/report.h"
#include "evaluators/result_file.h"
#include "platform/app/command.h"
#include "platform/app/fusion.h"
#include "platform/app/processes.h"
#include "platform/app/reading.h"
#include "platform/app/recommender_options.h"
#include "platform/app/source_files.h"
#include "platform/app/text_output.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/memory.h"
#include "platform/base/output_file.h"
#include "platform/config/command_line.h"
#include "platform/recommenders/lists_recommender.h"

namespace openp5::app {
namespace {

using Kinds = Registry<recommenders::RecommenderKind>;
using evaluators::RankingResult;
using recommenders::Recommender;

// Intervals of strata are read by eye.
constexpr int64_t kStrataResamples = 1000;

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
  FuseOptions fuse;
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
    OPENP5_RETURN_IF_ERROR(evaluation.Check());
    if (evaluation.exact && recommender.reading.openp5_compat) {
      return UsageError(
          "--exact and --openp5-compat: expected one of them, got both; hint: OpenP5 searches");
    }
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
    if (options.has_model()) {
      OPENP5_ASSIGN_OR_RETURN(subject.recommender,
                              OpenRecommender(kinds, source, options.recommender, line,
                                              options.evaluation.prompt, processes.runtime));
      if (subject.label.empty() && !options.output.result_out.empty()) {
        subject.label = LabelOfCheckpoint(options.recommender.checkpoint.checkpoint);
      }
      return subject;
    }
    OPENP5_ASSIGN_OR_RETURN(subject.datasets, options.recommender.data.OpenDatasets());
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

// Logs what the evaluation needs of memory; ResourceExhausted if there is not that much for each of
// this machine's processes.
absl::Status ReserveEvaluationMemory(const EvaluateCommandOptions& options, const Subject& subject,
                                     const std::vector<evaluators::Metric>& metrics) {
  const DataOptions& data = options.recommender.data;
  int64_t most = 0;
  for (size_t number = 0; number < data.datasets.size(); ++number) {
    for (const std::string& task : data.tasks) {
      OPENP5_ASSIGN_OR_RETURN(
          const int64_t bytes,
          evaluators::EvaluationMemory(*subject.recommender, number, task,
                                       evaluators::LargestK(metrics), options.evaluation));
      most = std::max(most, bytes);
    }
  }
  return ReserveMemory({.what = "evaluation",
                        .peak = PeakWith(most),
                        .hint = "a smaller --eval-batch-size, --beams or --threads"},
                       MemoryInReach(options.processes.nproc));
}

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
  absl::Status Close() {
    if (topk.has_value()) OPENP5_RETURN_IF_ERROR(topk->Close());
    return results.has_value() ? results->Close() : absl::OkStatus();
  }
};

// Evaluates one method after the other and writes what is kept beside the results.
class Evaluation {
 public:
  Evaluation(const EvaluateCommandOptions& options, const Subject& subject, const Kinds& kinds,
             const std::vector<evaluators::Metric>& metrics, const Processes& processes,
             ListFiles* files)
      : options_(options),
        subject_(subject),
        kinds_(kinds),
        metrics_(metrics),
        processes_(processes),
        files_(files) {}

  // The results of the model or the lists for every dataset and task, then those of the baselines.
  absl::StatusOr<std::vector<RankingResult>> Run() {
    const DataOptions& data = options_.recommender.data;
    for (size_t number = 0; number < data.datasets.size(); ++number) {
      const auto baselines = options_.baselines.Make(subject_.dataset(number));
      for (const std::string& task : data.tasks) {
        OPENP5_RETURN_IF_ERROR(EvaluateTask(number, task, baselines));
      }
    }
    std::move(of_baselines_.begin(), of_baselines_.end(), std::back_inserter(results_));
    return std::move(results_);
  }

 private:
  using Results = std::vector<RankingResult>;

  // The lists of the model, or of the only baseline, go to --topk-out.
  absl::Status EvaluateTask(size_t number, const std::string& task,
                            const std::vector<std::unique_ptr<Recommender>>& baselines) {
    const bool has_subject = subject_.recommender != nullptr;
    if (has_subject) {
      OPENP5_RETURN_IF_ERROR(
          EvaluateOne(*subject_.recommender, number, task, subject_.label, &results_));
    }
    if (!options_.fuse.parts.empty()) OPENP5_RETURN_IF_ERROR(EvaluateFused(task));
    for (const auto& baseline : baselines) {
      OPENP5_RETURN_IF_ERROR(EvaluateOne(*baseline, /*number=*/0, task,
                                         has_subject ? "" : subject_.label, &of_baselines_));
    }
    if (!files_->topk.has_value()) return absl::OkStatus();
    return files_->topk->Write(evaluators::TopkLines(
        has_subject ? results_.back() : of_baselines_.back(), subject_.dataset(number)));
  }

  absl::Status EvaluateFused(const std::string& task) {
    OPENP5_ASSIGN_OR_RETURN(
        const Fusion fusion,
        OpenFusion(kinds_, options_.baselines, options_.fuse, *subject_.recommender,
                   {task, metrics_.back(), options_.evaluation}, processes_.runtime));
    return EvaluateOne(*fusion.fused, /*number=*/0, task,
                       subject_.label.empty() ? "" : StrCat(subject_.label, ", fused"), &results_);
  }

  absl::Status EvaluateOne(const Recommender& recommender, size_t number, const std::string& task,
                           const std::string& label, Results* results) {
    OPENP5_ASSIGN_OR_RETURN(RankingResult result,
                            evaluators::Evaluate(recommender, number, task, metrics_,
                                                 options_.evaluation, processes_.Shard()));
    result.label = label;
    const datasets::SequenceDataset& dataset = recommender.dataset(number);
    if (options_.output.strata && processes_.is_first()) {
      result.strata = evaluators::MeasureStrata(
          dataset, evaluators::EvaluationPositions(dataset, options_.evaluation), result.metrics,
          {.resamples = kStrataResamples});
    }
    if (files_->results.has_value()) {
      OPENP5_RETURN_IF_ERROR(files_->results->Write(evaluators::ResultLines(result, dataset)));
    }
    results->push_back(std::move(result));
    return absl::OkStatus();
  }

  const EvaluateCommandOptions& options_;
  const Subject& subject_;
  const Kinds& kinds_;
  const std::vector<evaluators::Metric>& metrics_;
  const Processes& processes_;
  ListFiles* const files_;
  Results results_, of_baselines_;
};

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
  if (subject.is_model && processes.is_first()) {
    OPENP5_RETURN_IF_ERROR(ReserveEvaluationMemory(options, subject, metrics));
  }
  OPENP5_ASSIGN_OR_RETURN(const auto results,
                          Evaluation(options, subject, kinds, metrics, processes, &files).Run());
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
