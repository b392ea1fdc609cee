#include "platform/app/train_command.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"
#include "evaluators/report.h"
#include "platform/app/adapter_backbone.h"
#include "platform/app/command.h"
#include "platform/app/machine.h"
#include "platform/app/text_output.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/memory.h"
#include "platform/base/signals.h"
#include "platform/text/number_tokens.h"
#include "trainers/generative_task.h"
#include "trainers/run_record.h"
#include "trainers/trainer.h"

namespace openp5::app {

namespace {
constexpr char kSasrec[] = "sasrec";
}  // namespace

void RunOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "model",
                 .help = "generative: a language model that writes items' identifiers; sasrec: "
                         "a SASRec, which needs neither identifiers nor prompts nor tokenizer",
                 .choices = {"generative", kSasrec}},
                &model);
  visitor.Visit({.name = "run-dir",
                 .help = "new folder for checkpoints and metrics; with --resume the folder of a "
                         "run, whose options hold where none are given"},
                &run_dir);
  visitor.Visit({.name = "format", .help = "form of the result", .choices = {"text", "json"}},
                &format);
}

void TrainCommandOptions::AddTo(CommandLine* line) {
  line->Add(&run);
  line->Add(&data);
  line->Add(&index);
  line->Add(&reading);
  line->Add(&backbone);
  line->Add(&sasrec);
  line->Add(&train);
  line->Add(&evaluation);
  line->Add(&runtime);
  line->Add(&processes);
  line->Imply("openp5-compat", "random-initialize");
}

bool TrainCommandOptions::is_sasrec() const { return run.model == kSasrec; }

// A usage error if an option of another kind of model has another value than its default (a config
// file may name them all). `names`: those that are such options; empty: all.
template <class Options>
absl::Status TrainCommandOptions::CheckUnchanged(const Options& options,
                                                 const std::set<std::string>& names) const {
  nlohmann::json values, defaults;
  ToJson(options, &values);
  ToJson(Options(), &defaults);
  for (const auto& [name, value] : values.items()) {
    if (value == defaults[name] || (!names.empty() && !names.contains(name))) continue;
    const std::string hint = name == "max-history" ? "; hint: --sasrec-max-length" : std::string();
    return UsageError(StrCat("--", name, ": has no effect with --model ", run.model, hint));
  }
  return absl::OkStatus();
}

absl::Status TrainCommandOptions::Check() const {
  OPENP5_RETURN_IF_ERROR(
      trainers::CheckTraining(train, evaluation, is_sasrec() ? 1 : data.tasks.size()));
  if (!is_sasrec()) {
    OPENP5_ASSIGN_OR_RETURN(const auto prompts, data.LoadPrompts());
    OPENP5_RETURN_IF_ERROR(data.CheckPrompt(prompts, "prompt", evaluation.prompt));
    OPENP5_RETURN_IF_ERROR(data.CheckPrompt(prompts, "valid-prompt", train.valid_prompt));
    return CheckUnchanged(sasrec);
  }
  OPENP5_RETURN_IF_ERROR(CheckUnchanged(backbone));
  OPENP5_RETURN_IF_ERROR(CheckUnchanged(reading.history));
  OPENP5_RETURN_IF_ERROR(
      CheckUnchanged(train, {"label-smoothing", "pack-targets", "gradient-checkpointing",
                             "sample-prompt", "openp5-compat"}));
  if (data.datasets.size() != 1) {
    return UsageError(
        StrCat("--datasets: expected one with --model sasrec, got ", data.datasets.size()));
  }
  return sasrec.Check();
}

nlohmann::json TrainCommandOptions::Describe() const {
  nlohmann::json options, json = nlohmann::json::object();
  ToJson(train, &options);
  for (const auto& [name, value] : options.items()) {
    if (trainers::IsPartOfResult(name)) json[name] = value;
  }
  if (is_sasrec()) {
    ToJson(sasrec, &json);
    return json;
  }
  ToJson(reading.history, &json);
  json["backbone"] = backbone.backbone;
  json["tasks"] = data.tasks;
  return json;
}

std::string TrainCommandOptions::ConfigText() const {
  TrainCommandOptions options = *this;
  options.train.resume = false;
  CommandLine line("train", "");
  options.AddTo(&line);
  return line.Dump();
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
                                 {"valid_select", options.train.valid_select},
                                 {"best_validation", summary.best_validation}};
  if (!summary.test.empty()) json["test"] = evaluators::ResultsToJson(summary.test)["results"];
  return json;
}

std::string SummaryText(const TrainCommandOptions& options,
                        const trainers::TrainingSummary& summary) {
  const std::string validation =
      options.train.valid_select == "none"
          ? "no validation"
          : absl::StrFormat("validation loss %.4f", summary.validation_loss);
  const std::string text = absl::StrFormat(
      "trained %d epochs, %d steps: train loss %.4f, %s, best epoch %d\ncheckpoint: %s\n",
      summary.epochs, summary.steps, summary.train_loss, validation, summary.best_epoch + 1,
      OneLine(BestCheckpoint(options)));
  return text + evaluators::ResultsTable(summary.test);
}

absl::Status PrintSummary(const TrainCommandOptions& options,
                          const trainers::TrainingSummary& summary) {
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(output.Write(options.run.format == "json"
                                          ? DumpJson(SummaryJson(options, summary)) + "\n"
                                          : SummaryText(options, summary)));
  return output.Close();
}

// What run.json says of a start.
absl::StatusOr<nlohmann::ordered_json> StartFacts(const Processes& processes) {
  OPENP5_ASSIGN_OR_RETURN(const auto words, OwnArguments());
  std::error_code error;
  nlohmann::ordered_json facts = {
      {"command", ShellCommand(words)},
      {"directory", std::filesystem::current_path(error).string()},
      {"processes", processes.group == nullptr ? 1 : processes.group->size()}};
  facts.update(DescribeMachine(processes.runtime));
  return facts;
}

// What is trained, with all it refers to.
struct Prepared {
  // Of a language model.
  datasets::PromptSet prompts;
  LoadedModel loaded;
  std::vector<std::unique_ptr<evaluators::IndexedDataset>> datasets;
  // Of a SASRec.
  std::vector<datasets::SequenceDataset> sequences;
  std::unique_ptr<models::SasrecModel> sasrec;

  std::unique_ptr<trainers::TrainingTask> task;
  std::optional<trainers::RunFolder> folder;  // of the first process
};

// An adapter's checkpoints hold what is trained, and name the model that has the rest.
absl::Status NameBackbone(const TrainCommandOptions& options, const LoadedModel& loaded,
                          trainers::GenerativeSetup* setup) {
  if (!options.backbone.lora) return absl::OkStatus();
  std::vector<int64_t> drawn;
  if (options.train.random_initialize) {
    const std::vector<int32_t> ids = text::NumberTokenIds(*loaded.tokenizer);
    drawn.assign(ids.begin(), ids.end());
  }
  OPENP5_ASSIGN_OR_RETURN(setup->backbone, NameFrozenWeights(options.backbone.backbone,
                                                             options.train.seed, *loaded.model));
  setup->replaced_rows = ReplacedRows(*loaded.model, std::move(drawn), loaded.backbone_rows);
  return absl::OkStatus();
}

absl::Status PrepareGenerative(const TrainCommandOptions& options, const CommandLine& line,
                               const Processes& processes, Prepared* prepared) {
  OPENP5_ASSIGN_OR_RETURN(auto datasets, options.data.OpenDatasets());
  OPENP5_ASSIGN_OR_RETURN(prepared->prompts, options.data.LoadPrompts());
  OPENP5_ASSIGN_OR_RETURN(
      prepared->loaded,
      CreateModel(options.backbone, datasets, IndexRequest::From(line, options.index, options.data),
                  {.seed = static_cast<uint64_t>(options.train.seed),
                   .openp5_compat = options.train.openp5_compat},
                  processes.runtime));
  LoadedModel& loaded = prepared->loaded;
  if (options.train.random_initialize) {
    trainers::RandomInitialize(*loaded.model, *loaded.tokenizer,
                               static_cast<uint64_t>(options.train.seed),
                               options.train.openp5_compat);
  }
  OPENP5_ASSIGN_OR_RETURN(
      prepared->datasets,
      JoinIndexes(std::move(datasets), std::move(loaded.indexes), options.reading.history));
  trainers::GenerativeSetup setup{.model = loaded.model.get(),
                                  .tokenizer = loaded.tokenizer.get(),
                                  .prompts = &prepared->prompts,
                                  .tasks = options.data.tasks,
                                  .device = processes.runtime.device,
                                  .evaluation = options.evaluation,
                                  .sharding = processes.Shard(),
                                  .description = options.Describe(),
                                  .reading = options.reading.Json()};
  for (const auto& dataset : prepared->datasets) setup.datasets.push_back(dataset.get());
  if (processes.is_first()) OPENP5_RETURN_IF_ERROR(NameBackbone(options, loaded, &setup));
  OPENP5_ASSIGN_OR_RETURN(prepared->task, trainers::GenerativeTask::Create(setup, options.train));
  return absl::OkStatus();
}

absl::Status PrepareSasrec(const TrainCommandOptions& options, const Processes& processes,
                           Prepared* prepared) {
  OPENP5_ASSIGN_OR_RETURN(prepared->sequences, options.data.OpenDatasets());
  const datasets::SequenceDataset& dataset = prepared->sequences.front();
  const models::SasrecConfig config = options.sasrec.Config(dataset.item_count());
  constexpr int64_t kTrainingBytes = 4 * sizeof(float);  // weight, gradient and two moments
  OPENP5_RETURN_IF_ERROR(ReserveMemory("SASRec", config.CountParameters() * kTrainingBytes));
  const auto seed = static_cast<uint64_t>(options.train.seed);
  OPENP5_RETURN_IF_ERROR(CatchTorch("SASRec", [&] {
    prepared->sasrec = models::SasrecModel::Create(config, seed);
    prepared->sasrec->To(processes.runtime.device);
    prepared->sasrec->SetComputeType(processes.runtime.compute_type);
    return absl::OkStatus();
  }));
  OPENP5_ASSIGN_OR_RETURN(
      prepared->task, trainers::SasrecTask::Create({.model = prepared->sasrec.get(),
                                                    .dataset = &dataset,
                                                    .device = processes.runtime.device,
                                                    .negatives = options.sasrec.SampledNegatives(),
                                                    .seed = seed,
                                                    .evaluation = options.evaluation,
                                                    .sharding = processes.Shard(),
                                                    .description = options.Describe()}));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Prepared>> Prepare(const TrainCommandOptions& options,
                                                  const CommandLine& line,
                                                  const Processes& processes) {
  auto prepared = std::make_unique<Prepared>();
  const std::string config = options.ConfigText();
  if (processes.is_first()) {
    OPENP5_RETURN_IF_ERROR(
        trainers::RunFolder::Check(options.run.run_dir, config, options.train.resume));
  }
  OPENP5_RETURN_IF_ERROR(options.is_sasrec()
                             ? PrepareSasrec(options, processes, prepared.get())
                             : PrepareGenerative(options, line, processes, prepared.get()));
  if (processes.is_first()) {
    OPENP5_ASSIGN_OR_RETURN(prepared->folder, trainers::RunFolder::Open(options.run.run_dir, config,
                                                                        options.train.resume));
  }
  return prepared;
}

absl::Status Train(const TrainCommandOptions& options, const CommandLine& line,
                   const Processes& processes) {
  OPENP5_ASSIGN_OR_RETURN(const auto prepared, Prepare(options, line, processes));
  CatchTermination();
  if (!processes.is_first()) {
    return trainers::Train(prepared->task.get(), options.train, nullptr, processes.group.get())
        .status();
  }
  const trainers::RunFolder& folder = *prepared->folder;
  OPENP5_ASSIGN_OR_RETURN(const auto facts, StartFacts(processes));
  OPENP5_ASSIGN_OR_RETURN(auto record, trainers::RunRecord::Begin(folder.RecordPath(), facts));
  const auto summary =
      trainers::Train(prepared->task.get(), options.train, &folder, processes.group.get());
  nlohmann::ordered_json result;
  if (summary.ok()) result = SummaryJson(options, *summary);
  const absl::Status recorded = record.End(summary.status(), std::move(result));
  OPENP5_RETURN_IF_ERROR(summary.status());
  OPENP5_RETURN_IF_ERROR(recorded);
  return PrintSummary(options, *summary);
}

absl::Status RunTrain(const std::vector<std::string>& arguments) {
  TrainCommandOptions options;
  CommandLine line("train", "Train a recommender on one or several datasets and tasks.");
  options.AddTo(&line);
  for (const char* name : {"data-dir", "datasets", "run-dir"}) line.Require(name);
  // A run that goes on needs no options again.
  const auto config_of_run = [&options] {
    const std::string file = trainers::RunFolder::ConfigPath(options.run.run_dir);
    return options.train.resume && !options.run.run_dir.empty() && FileExists(file) ? file : "";
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
