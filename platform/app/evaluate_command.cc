#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "evaluators/evaluate.h"
#include "evaluators/report.h"
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

namespace openp5::app {
namespace {

using Kinds = Registry<recommenders::RecommenderKind>;
using recommenders::Recommender;

struct OutputOptions {
  std::string topk_out;
  std::string format = "text";

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "topk-out",
                   .help = "file for every user's list, a JSON object a line: the model's, or "
                           "without one the only baseline's"},
                  &topk_out);
    visitor.Visit({.name = "format", .help = "form of the result", .choices = {"text", "json"}},
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
  OutputOptions output;
  RuntimeOptions runtime{.offer_int8 = true};
  ProcessOptions processes;

  void AddTo(CommandLine* line) {
    recommender.AddTo(line);
    line->Add(&evaluation);
    line->Add(&baselines);
    line->Add(&fuse);
    line->Add(&output);
    line->Add(&runtime);
    line->Add(&processes);
  }
  bool has_model() const { return !recommender.checkpoint.checkpoint.empty(); }
  absl::Status Check() const {
    OPENP5_RETURN_IF_ERROR(evaluation.Check());
    if (evaluation.exact && recommender.reading.openp5_compat) {
      return UsageError(
          "--exact and --openp5-compat: expected one of them, got both; hint: OpenP5 searches");
    }
    OPENP5_RETURN_IF_ERROR(CheckOutputFiles({{"--topk-out", output.topk_out}},
                                            SourceFiles(recommender.data, recommender.checkpoint)));
    OPENP5_RETURN_IF_ERROR(baselines.Check());
    OPENP5_RETURN_IF_ERROR(fuse.Check());
    if (!fuse.parts.empty() && recommender.data.datasets.size() != 1) {
      return UsageError("--fuse: expected one of --datasets");
    }
    if (has_model()) return absl::OkStatus();
    if (!fuse.parts.empty()) return UsageError("--fuse: expected --checkpoint with it");
    if (!baselines.any()) {
      return UsageError(
          "openp5 evaluate: missing --checkpoint; hint: --baseline popularity,transitions needs "
          "none");
    }
    if (!output.topk_out.empty() && baselines.names.size() > 1) {
      return UsageError("--topk-out: expected --checkpoint or one --baseline");
    }
    return absl::OkStatus();
  }
};

// What is evaluated: a model with its datasets, or datasets alone.
struct Subject {
  std::unique_ptr<Recommender> model = {};
  std::vector<datasets::SequenceDataset> datasets = {};

  static absl::StatusOr<Subject> Open(const EvaluateCommandOptions& options, const Kinds& kinds,
                                      const checkpoints::ModelSource& source,
                                      const CommandLine& line, const Processes& processes) {
    Subject subject;
    if (options.has_model()) {
      OPENP5_ASSIGN_OR_RETURN(subject.model,
                              OpenRecommender(kinds, source, options.recommender, line,
                                              options.evaluation.prompt, processes.runtime));
    } else {
      OPENP5_ASSIGN_OR_RETURN(subject.datasets, options.recommender.data.OpenDatasets());
      OPENP5_RETURN_IF_ERROR(options.recommender.data.LoadPrompts().status());
    }
    return subject;
  }
  const datasets::SequenceDataset& dataset(size_t number) const {
    return model != nullptr ? model->dataset(number) : datasets[number];
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
          evaluators::EvaluationMemory(*subject.model, number, task, evaluators::LargestK(metrics),
                                       options.evaluation));
      most = std::max(most, bytes);
    }
  }
  return ReserveMemory({.what = "evaluation",
                        .peak = PeakWith(most),
                        .hint = "a smaller --eval-batch-size, --beams or --threads"},
                       MemoryInReach(options.processes.nproc));
}

// The model's results for every dataset and task, then those of the baselines. The lists of the
// model, or of the only baseline, go to `topk`.
absl::StatusOr<std::vector<evaluators::RankingResult>> EvaluateAll(
    const EvaluateCommandOptions& options, const Subject& subject, const Kinds& kinds,
    const std::vector<evaluators::Metric>& metrics, const Processes& processes, TextOutput* topk) {
  const evaluators::Sharding sharding = processes.Shard();
  std::vector<evaluators::RankingResult> results, of_baselines;
  const DataOptions& data = options.recommender.data;
  for (size_t number = 0; number < data.datasets.size(); ++number) {
    const datasets::SequenceDataset& dataset = subject.dataset(number);
    const auto baselines = options.baselines.Make(dataset);
    for (const std::string& task : data.tasks) {
      if (subject.model != nullptr) {
        OPENP5_ASSIGN_OR_RETURN(auto result,
                                evaluators::Evaluate(*subject.model, number, task, metrics,
                                                     options.evaluation, sharding));
        results.push_back(std::move(result));
      }
      if (!options.fuse.parts.empty()) {
        OPENP5_ASSIGN_OR_RETURN(
            const Fusion fusion,
            OpenFusion(kinds, options.baselines, options.fuse, *subject.model,
                       {task, metrics.back(), options.evaluation}, processes.runtime));
        OPENP5_ASSIGN_OR_RETURN(auto result,
                                evaluators::Evaluate(*fusion.fused, /*dataset=*/0, task, metrics,
                                                     options.evaluation, sharding));
        results.push_back(std::move(result));
      }
      for (const auto& baseline : baselines) {
        OPENP5_ASSIGN_OR_RETURN(auto result,
                                evaluators::Evaluate(*baseline, /*dataset=*/0, task, metrics,
                                                     options.evaluation, sharding));
        of_baselines.push_back(std::move(result));
      }
      if (topk == nullptr) continue;
      const auto& listed = subject.model != nullptr ? results.back() : of_baselines.back();
      OPENP5_RETURN_IF_ERROR(topk->Write(evaluators::TopkLines(listed, dataset)));
    }
  }
  std::move(of_baselines.begin(), of_baselines.end(), std::back_inserter(results));
  return results;
}

absl::Status Print(const EvaluateCommandOptions& options, const Subject& subject,
                   const std::vector<evaluators::RankingResult>& results,
                   const std::string& precision) {
  nlohmann::ordered_json json = evaluators::ResultsToJson(results);
  json["precision"] = precision;
  std::string text = evaluators::ResultsTable(results);
  if (subject.model != nullptr) {
    const std::vector<std::string> mismatches = subject.model->index_mismatches();
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
  std::optional<TextOutput> topk;
  if (!options.output.topk_out.empty() && processes.is_first()) {
    OPENP5_ASSIGN_OR_RETURN(TextOutput file, TextOutput::Open(options.output.topk_out));
    topk.emplace(std::move(file));
  }
  OPENP5_ASSIGN_OR_RETURN(const Subject subject,
                          Subject::Open(options, kinds, source, line, processes));
  if (subject.model != nullptr && processes.is_first()) {
    OPENP5_RETURN_IF_ERROR(ReserveEvaluationMemory(options, subject, metrics));
  }
  OPENP5_ASSIGN_OR_RETURN(const auto results,
                          EvaluateAll(options, subject, kinds, metrics, processes,
                                      topk.has_value() ? &*topk : nullptr));
  if (topk.has_value()) OPENP5_RETURN_IF_ERROR(topk->Close());
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
