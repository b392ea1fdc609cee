#include <nlohmann/json.hpp>
#include <utility>

#include "evaluators/popularity_evaluator.h"
#include "evaluators/ranking_evaluator.h"
#include "evaluators/report.h"
#include "platform/app/command.h"
#include "platform/app/data_options.h"
#include "platform/app/load_model.h"
#include "platform/app/processes.h"
#include "platform/app/text_output.h"
#include "platform/config/command_line.h"

namespace openp5::app {
namespace {

struct OutputOptions {
  std::string topk_out;
  std::string baseline = "none";
  std::string format = "text";

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "topk-out", .help = "file for every user's list, a JSON object a line"},
                  &topk_out);
    visitor.Visit({.name = "baseline",
                   .help = "also evaluate this under the same protocol",
                   .choices = {"none", "popularity"}},
                  &baseline);
    visitor.Visit({.name = "format", .help = "form of the result", .choices = {"text", "json"}},
                  &format);
  }
};

// All options of `evaluate`.
struct EvaluateCommandOptions {
  CheckpointOptions checkpoint;
  DataOptions data;
  indexing::IndexParameters index;
  datasets::HistoryOptions history;
  evaluators::EvaluationOptions evaluation;
  OutputOptions output;
  RuntimeOptions runtime{.offer_int8 = true};
  ProcessOptions processes;

  void AddTo(CommandLine* line) {
    line->Add(&checkpoint);
    line->Add(&data);
    line->Add(&index);
    line->Add(&history);
    line->Add(&evaluation);
    line->Add(&output);
    line->Add(&runtime);
    line->Add(&processes);
    for (const char* name : {"checkpoint", "data-dir", "datasets"}) line->Require(name);
  }
};

absl::StatusOr<std::vector<evaluators::Metric>> Metrics(const std::vector<std::string>& names) {
  Registry<evaluators::MetricFunction> registry("metric");
  OPENP5_RETURN_IF_ERROR(evaluators::RegisterBuiltinMetrics(&registry));
  return evaluators::ParseMetrics(registry, names);
}

using Datasets = std::vector<std::unique_ptr<evaluators::IndexedDataset>>;

// The model's results for every dataset and task, their lists going to `topk`, then the baseline's.
absl::StatusOr<std::vector<evaluators::RankingResult>> EvaluateAll(
    const EvaluateCommandOptions& options, evaluators::RankingEvaluator* evaluator,
    const Datasets& datasets, const datasets::PromptSet& prompts,
    const std::vector<evaluators::Metric>& metrics, TextOutput* topk) {
  std::vector<evaluators::RankingResult> results, baselines;
  for (const auto& dataset : datasets) {
    for (const std::string& task : options.data.tasks) {
      OPENP5_ASSIGN_OR_RETURN(
          auto result, evaluator->Evaluate(*dataset, prompts, task, metrics, options.evaluation));
      if (topk != nullptr) {
        OPENP5_RETURN_IF_ERROR(topk->Write(evaluators::TopkLines(result, dataset->dataset())));
      }
      results.push_back(std::move(result));
      if (options.output.baseline != "popularity") continue;
      baselines.push_back(
          evaluators::EvaluatePopularity(dataset->dataset(), task, metrics, options.evaluation));
    }
  }
  std::move(baselines.begin(), baselines.end(), std::back_inserter(results));
  return results;
}

absl::Status Print(const std::string& format, const std::vector<evaluators::RankingResult>& results,
                   const std::string& precision, const std::vector<std::string>& index_mismatches) {
  nlohmann::ordered_json json = evaluators::ResultsToJson(results);
  json["precision"] = precision;
  std::string text = evaluators::ResultsTable(results);
  if (!index_mismatches.empty()) json["index_mismatches"] = index_mismatches;
  for (const std::string& mismatch : index_mismatches) {
    text += StrCat("another item index: ", mismatch, "\n");
  }
  if (precision != "float32") text += StrCat("precision: ", precision, "\n");
  text += StrCat(json["users_per_second"].get<double>(), " users/s\n");
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(output.Write(format == "json" ? json.dump() + "\n" : text));
  return output.Close();
}

absl::Status Evaluate(EvaluateCommandOptions options, const CommandLine& line,
                      const std::vector<evaluators::Metric>& metrics, const Processes& processes) {
  OPENP5_ASSIGN_OR_RETURN(auto datasets, options.data.OpenDatasets());
  OPENP5_ASSIGN_OR_RETURN(const auto prompts, options.data.LoadPrompts());
  OPENP5_ASSIGN_OR_RETURN(
      LoadedModel loaded,
      LoadCheckpoint(options.checkpoint, datasets,
                     IndexRequest::From(line, options.index, options.data), processes.runtime));
  OPENP5_RETURN_IF_ERROR(UseTrainedHistory(line, loaded.training, &options.history));
  OPENP5_ASSIGN_OR_RETURN(
      const Datasets joined,
      JoinIndexes(std::move(datasets), std::move(loaded.indexes), options.history));
  evaluators::RankingEvaluator evaluator(*loaded.model, *loaded.tokenizer, processes.runtime.device,
                                         processes.Shard());
  std::optional<TextOutput> topk;
  if (!options.output.topk_out.empty() && processes.is_first()) {
    OPENP5_ASSIGN_OR_RETURN(TextOutput file, TextOutput::Open(options.output.topk_out));
    topk.emplace(std::move(file));
  }
  OPENP5_ASSIGN_OR_RETURN(const auto results,
                          EvaluateAll(options, &evaluator, joined, prompts, metrics,
                                      topk.has_value() ? &*topk : nullptr));
  if (topk.has_value()) OPENP5_RETURN_IF_ERROR(topk->Close());
  if (!processes.is_first()) return absl::OkStatus();
  return Print(options.output.format, results, processes.runtime.precision(),
               loaded.index_mismatches);
}

absl::Status RunEvaluate(const std::vector<std::string>& arguments) {
  EvaluateCommandOptions options;
  CommandLine line("evaluate", "Measure how well a model recommends users' next items.");
  options.AddTo(&line);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(options.evaluation.Check());
  OPENP5_ASSIGN_OR_RETURN(const auto metrics, Metrics(options.evaluation.metrics));
  if (const auto ended = RunInProcesses(options.processes)) return *ended;
  OPENP5_ASSIGN_OR_RETURN(const Processes processes,
                          StartProcesses(options.processes, options.runtime));
  return processes.Explain(Evaluate(options, line, metrics, processes));
}

}  // namespace

std::vector<Command> EvaluateCommands() {
  return {{"evaluate", "Measure how well a model recommends", RunEvaluate}};
}

}  // namespace openp5::app
