#include "platform/app/train_command.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"
#include "evaluators/report.h"
#include "platform/app/build_info.h"
#include "platform/app/command.h"
#include "platform/app/shard.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/shell_command.h"
#include "platform/base/signals.h"
#include "platform/distributed/launcher.h"
#include "platform/tensor/machine.h"
#include "trainers/run_record.h"
#include "trainers/trainer.h"
#include "trainers/training_memory.h"

namespace openp5::app {

namespace {

// The values of those options that may be of no effect with a kind of model.
nlohmann::json ValuesOf(const TrainCommandOptions& options) {
  nlohmann::json values = nlohmann::json::object();
  ToJson(options, &values);
  ToJson(options.reading, &values);
  ToJson(options.train, &values);
  return values;
}

}  // namespace

void RunOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "run-dir",
                 .help = "new folder for checkpoints and metrics; with --resume the folder of a "
                         "run, whose options hold where none are given",
                 .affects = Affects::kPlace},
                &run_dir);
  format.ForEach(visitor);
}

TrainCommandOptions::TrainCommandOptions() : kinds("model") {
  const absl::Status registered = trainers::RegisterBuiltinTasks(&kinds);
  OPENP5_CHECK(registered.ok());
  for (const std::string& name : kinds.Names()) {
    of_kinds.emplace(name, (*kinds.Find(name))->make_options());
  }
}

void TrainCommandOptions::ForEach(OptionVisitor& visitor) {
  std::string help;
  for (const std::string& name : kinds.Names()) {
    help += StrCat(help.empty() ? "" : "; ", name, ": ", (*kinds.Find(name))->help);
  }
  visitor.Visit({.name = "model", .help = help, .choices = kinds.Names()}, &run.model);
  for (auto& [name, options] : of_kinds) options.ForEach(visitor);
}

void TrainCommandOptions::AddTo(CommandLine* line) {
  line->Add(this, "Model");
  line->Add(&run, "Run folder and result");
  line->Add(&data, "Data");
  line->Add(&index, "Item index");
  line->Add(&reading, "Prompts and histories");
  line->Add(&train);
  line->Add(&evaluation, "Evaluation");
  line->Add(&runtime, "Machine and processes");
  line->Add(&processes, "Machine and processes");
  line->Imply("openp5-compat", "random-initialize");
}

absl::Status TrainCommandOptions::CheckIgnored() const {
  const std::map<std::string, std::string>& ignored = kind().ignored;
  const nlohmann::json values = ValuesOf(*this), defaults = ValuesOf(TrainCommandOptions());
  const std::vector<std::string> own = OptionNames(of_kinds.at(run.model));
  std::set<std::string> without_effect;
  for (const auto& [name, instead] : ignored) without_effect.insert(name);
  for (const auto& [name, options] : of_kinds) {
    if (name == run.model) continue;
    for (const std::string& option : OptionNames(options)) without_effect.insert(option);
  }
  for (const std::string& option : own) without_effect.erase(option);
  for (const std::string& option : without_effect) {
    // A config file may name them all.
    if (values[option] == defaults[option]) continue;
    const auto instead = ignored.find(option);
    const bool has_other = instead != ignored.end() && !instead->second.empty();
    return UsageError(StrCat("--", option, ": has no effect with --model ", run.model,
                             has_other ? "; hint: --" + instead->second : std::string()));
  }
  return absl::OkStatus();
}

absl::Status TrainCommandOptions::Check() const {
  const bool reads_prompts = kind().reads_prompts;
  OPENP5_RETURN_IF_ERROR(
      trainers::CheckTraining(train, evaluation, reads_prompts ? data.tasks.size() : 1));
  if (reads_prompts) {
    OPENP5_ASSIGN_OR_RETURN(const auto prompts, data.LoadPrompts());
    OPENP5_RETURN_IF_ERROR(data.CheckPrompt(prompts, "prompt", evaluation.prompt));
    OPENP5_RETURN_IF_ERROR(data.CheckPrompt(prompts, "valid-prompt", train.selection.valid_prompt));
  }
  OPENP5_RETURN_IF_ERROR(CheckIgnored());
  if (!kind().several_datasets && data.datasets.size() != 1) {
    return UsageError(StrCat("--datasets: expected one with --model ", run.model, ", got ",
                             data.datasets.size()));
  }
  return of_kinds.at(run.model)->Check();
}

trainers::RunConfig TrainCommandOptions::Config() const {
  TrainCommandOptions options = *this;
  options.train.saving.resume = false;
  CommandLine line("train", "");
  options.AddTo(&line);
  return {line.Dump(), line.NamesOfOthersThan(Affects::kResult)};
}

namespace {

std::string BestCheckpoint(const TrainCommandOptions& options) {
  return options.run.run_dir + "/checkpoints/best";
}

nlohmann::ordered_json SummaryJson(const TrainCommandOptions& options,
                                   const trainers::TrainingSummary& summary) {
  nlohmann::ordered_json json = {{"run_dir", options.run.run_dir},
                                 {"checkpoint", BestCheckpoint(options)},
                                 {"epochs", summary.epochs},
                                 {"steps", summary.steps},
                                 {"train_loss", summary.train_loss},
                                 {"validation_loss", summary.validation_loss},
                                 {"best_epoch", summary.best_epoch + 1},
                                 {"valid_select", options.train.selection.valid_select},
                                 {"best_validation", summary.best_validation}};
  if (!summary.test.empty()) json["test"] = evaluators::ResultsToJson(summary.test)["results"];
  return json;
}

std::string SummaryText(const TrainCommandOptions& options,
                        const trainers::TrainingSummary& summary) {
  const std::string validation =
      trainers::SelectByOf(options.train.selection.valid_select) == trainers::SelectBy::kNothing
          ? "no validation"
          : absl::StrFormat("validation loss %.4f", summary.validation_loss);
  const std::string text = absl::StrFormat(
      "trained %d epochs, %d steps: train loss %.4f, %s, best epoch %d\ncheckpoint: %s\n",
      summary.epochs, summary.steps, summary.train_loss, validation, summary.best_epoch + 1,
      OneLine(BestCheckpoint(options)));
  return text + evaluators::ResultsTable(summary.test);
}

// What run.json says of a start.
absl::StatusOr<nlohmann::ordered_json> StartFacts(const Processes& processes) {
  OPENP5_ASSIGN_OR_RETURN(const auto words, OwnArguments());
  std::error_code error;
  nlohmann::ordered_json facts = {
      {"command", ShellCommand(words)},
      {"directory", std::filesystem::current_path(error).string()},
      {"processes", processes.group == nullptr ? 1 : processes.group->size()},
      {"version", OPENP5_VERSION},
      {"commit", kGitCommit}};
  facts.update(DescribeMachine(processes.runtime));
  return facts;
}

// What is trained, and where.
struct Prepared {
  std::unique_ptr<trainers::TrainingTask> task;
  std::optional<trainers::RunFolder> folder;  // of the first process
};

absl::StatusOr<std::unique_ptr<trainers::TrainingTask>> MakeTask(const TrainCommandOptions& options,
                                                                 const CommandLine& line,
                                                                 const Processes& processes) {
  trainers::TaskRequest request{.datasets = {},
                                .prompts = {},
                                .index = RequestIndex(line, options.index, options.data),
                                .reading = options.reading,
                                .train = options.train,
                                .evaluation = options.evaluation,
                                .runtime = processes.runtime,
                                .sharding = ShardOf(processes)};
  OPENP5_ASSIGN_OR_RETURN(request.datasets, options.data.OpenDatasets());
  if (options.kind().reads_prompts) {
    OPENP5_ASSIGN_OR_RETURN(request.prompts, options.data.LoadPrompts());
  }
  return options.kind().make(std::move(request), *options.of_kinds.at(options.run.model));
}

absl::StatusOr<Prepared> Prepare(const TrainCommandOptions& options, const CommandLine& line,
                                 const Processes& processes) {
  Prepared prepared;
  const trainers::RunConfig config = options.Config();
  if (processes.is_first()) {
    OPENP5_RETURN_IF_ERROR(
        trainers::RunFolder::Check(options.run.run_dir, config, options.train.saving.resume));
  }
  OPENP5_ASSIGN_OR_RETURN(prepared.task, MakeTask(options, line, processes));
  if (processes.is_first()) {
    OPENP5_RETURN_IF_ERROR(trainers::ReserveTrainingMemory(
        prepared.task.get(), options.train,
        {.all = processes.group == nullptr ? 1 : processes.group->size(),
         .on_this_machine = options.processes.nproc}));
    OPENP5_ASSIGN_OR_RETURN(
        prepared.folder,
        trainers::RunFolder::Open(options.run.run_dir, config, options.train.saving.resume));
  }
  return prepared;
}

absl::Status Train(const TrainCommandOptions& options, const CommandLine& line,
                   const Processes& processes) {
  OPENP5_ASSIGN_OR_RETURN(const auto prepared, Prepare(options, line, processes));
  CatchTermination();
  if (!processes.is_first()) {
    return trainers::Train(prepared.task.get(), options.train, nullptr, processes.group.get())
        .status();
  }
  const trainers::RunFolder& folder = *prepared.folder;
  OPENP5_ASSIGN_OR_RETURN(const auto facts, StartFacts(processes));
  OPENP5_ASSIGN_OR_RETURN(auto record, trainers::RunRecord::Begin(folder.RecordPath(), facts));
  const auto summary =
      trainers::Train(prepared.task.get(), options.train, &folder, processes.group.get());
  nlohmann::ordered_json result;
  if (summary.ok()) result = SummaryJson(options, *summary);
  const absl::Status recorded = record.End(summary.status(), std::move(result));
  OPENP5_RETURN_IF_ERROR(summary.status());
  OPENP5_RETURN_IF_ERROR(recorded);
  return Print(options.run.format, SummaryText(options, *summary), SummaryJson(options, *summary));
}

absl::Status RunTrain(const std::vector<std::string>& arguments) {
  TrainCommandOptions options;
  CommandLine line("train", "Train a recommender on one or several datasets and tasks.");
  options.AddTo(&line);
  for (const char* name : {"data-dir", "datasets", "run-dir"}) line.Require(name);
  // A run that goes on needs no options again.
  const auto config_of_run = [&options] {
    const std::string file = trainers::RunFolder::ConfigPath(options.run.run_dir);
    const bool goes_on = options.train.saving.resume && !options.run.run_dir.empty();
    return goes_on && FileExists(file) ? file : "";
  };
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments, config_of_run));
  if (!run) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(options.Check());
  if (const auto ended = RunInProcesses(options.processes)) return *ended;
  OPENP5_ASSIGN_OR_RETURN(const Processes processes,
                          StartProcesses(options.processes, options.runtime));
  return processes.Explain(Train(options, line, processes));
}

}  // namespace

std::vector<Command> TrainCommands() {
  return {{"train", "Train a recommender on datasets and tasks", RunTrain}};
}

}  // namespace openp5::app
