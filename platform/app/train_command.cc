#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_format.h"
#include "platform/app/command.h"
#include "platform/app/data_options.h"
#include "platform/app/load_model.h"
#include "platform/app/text_output.h"
#include "platform/base/log.h"
#include "platform/base/signals.h"
#include "platform/config/command_line.h"
#include "trainers/generative_task.h"
#include "trainers/trainer.h"

namespace openp5::app {
namespace {

struct RunOptions {
  std::string run_dir;
  std::string format = "text";

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "run-dir", .help = "new folder for checkpoints and metrics"}, &run_dir);
    visitor.Visit({.name = "format", .help = "form of the result", .choices = {"text", "json"}},
                  &format);
  }
};

// All options of `train`.
struct TrainCommandOptions {
  RunOptions run;
  DataOptions data;
  indexing::IndexParameters index;
  datasets::HistoryOptions history;
  BackboneOptions backbone;
  trainers::TrainOptions train;
  evaluators::EvaluationOptions evaluation;
  RuntimeOptions runtime;

  void AddTo(CommandLine* line) {
    line->Add(&run);
    line->Add(&data);
    line->Add(&index);
    line->Add(&history);
    line->Add(&backbone);
    line->Add(&train);
    line->Add(&evaluation);
    line->Add(&runtime);
    for (const char* name : {"data-dir", "datasets", "run-dir"}) line->Require(name);
  }
  // What the checkpoint's manifest says of the training.
  nlohmann::json Describe() const {
    nlohmann::json json = nlohmann::json::object();
    ToJson(history, &json);
    ToJson(train, &json);
    json["backbone"] = backbone.backbone;
    json["tasks"] = data.tasks;
    return json;
  }
};

absl::Status PrintSummary(const TrainCommandOptions& options,
                          const trainers::TrainingSummary& summary) {
  const std::string best = options.run.run_dir + "/checkpoints/best";
  const std::string text = absl::StrFormat(
      "trained %d epochs, %d steps: train loss %.4f, validation loss %.4f, best epoch %d\n"
      "checkpoint: %s\n",
      summary.epochs, summary.steps, summary.train_loss, summary.validation_loss,
      summary.best_epoch + 1, best);
  const nlohmann::ordered_json json = {{"run_dir", options.run.run_dir},
                                       {"checkpoint", best},
                                       {"epochs", summary.epochs},
                                       {"steps", summary.steps},
                                       {"train_loss", summary.train_loss},
                                       {"validation_loss", summary.validation_loss},
                                       {"best_epoch", summary.best_epoch + 1}};
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(output.Write(options.run.format == "json" ? json.dump() + "\n" : text));
  return output.Close();
}

absl::Status RunTrain(const std::vector<std::string>& arguments) {
  TrainCommandOptions options;
  CommandLine line("train", "Train a recommender on one or several datasets and tasks.");
  options.AddTo(&line);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const Runtime runtime, StartRuntime(options.runtime));
  OPENP5_ASSIGN_OR_RETURN(auto datasets, options.data.OpenDatasets());
  OPENP5_ASSIGN_OR_RETURN(const auto prompts, options.data.LoadPrompts());
  OPENP5_ASSIGN_OR_RETURN(
      LoadedModel loaded,
      CreateModel(options.backbone, datasets, IndexRequest::From(line, options.index, options.data),
                  {.seed = static_cast<uint64_t>(options.train.seed),
                   .openp5_compat = options.train.openp5_compat},
                  runtime));
  if (options.train.random_initialize) {
    trainers::RandomInitialize(*loaded.model, *loaded.tokenizer,
                               static_cast<uint64_t>(options.train.seed),
                               options.train.openp5_compat);
  }
  OPENP5_ASSIGN_OR_RETURN(
      const auto joined,
      JoinIndexes(std::move(datasets), std::move(loaded.indexes), options.history));
  trainers::GenerativeSetup setup{.model = loaded.model.get(),
                                  .tokenizer = loaded.tokenizer.get(),
                                  .prompts = &prompts,
                                  .tasks = options.data.tasks,
                                  .device = runtime.device,
                                  .evaluation = options.evaluation,
                                  .description = options.Describe()};
  for (const auto& dataset : joined) setup.datasets.push_back(dataset.get());
  OPENP5_ASSIGN_OR_RETURN(
      const trainers::RunFolder folder,
      trainers::RunFolder::Open(options.run.run_dir, line.Dump(), options.train.resume));
  CatchTermination();
  OPENP5_ASSIGN_OR_RETURN(const auto task, trainers::GenerativeTask::Create(setup, options.train));
  OPENP5_ASSIGN_OR_RETURN(const auto summary, trainers::Train(task.get(), options.train, folder));
  return PrintSummary(options, summary);
}

}  // namespace

std::vector<Command> TrainCommands() {
  return {{"train", "Train a recommender on datasets and tasks", RunTrain}};
}

}  // namespace openp5::app
