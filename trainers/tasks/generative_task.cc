#include "trainers/tasks/generative_task.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "checkpoints/model_folder.h"
#include "platform/base/log.h"

namespace openp5::trainers {
namespace {

absl::Status CheckPackTargets(const GenerativeSetup& setup, const Objective& objective,
                              int64_t pack_targets) {
  if (pack_targets == 1) return absl::OkStatus();
  if (objective.collate_runs == nullptr) {
    return UsageError(
        "--pack-targets: expected a causal model such as a Llama, got one whose encoder reads a "
        "whole prompt at once, so that nothing of it can be shared");
  }
  for (const indexing::IndexedDataset* dataset : setup.datasets) {
    const int64_t shown = dataset->history().max_history;
    if (shown > 0 && pack_targets > shown) {
      return UsageError(StrCat("--pack-targets: expected at most --max-history (", shown, "), got ",
                               pack_targets));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<recommenders::GenerativeRecommender>> MakeRecommender(
    const GenerativeSetup& setup, const TrainOptions& options) {
  return recommenders::GenerativeRecommender::Create(
      {.model = setup.model,
       .tokenizer = setup.tokenizer,
       .datasets = setup.datasets,
       .prompts = setup.prompts,
       .device = setup.device,
       .encoding = {.max_tokens = options.sampling.max_input_tokens,
                    .openp5_compat = options.openp5_compat,
                    .response_mark = setup.response_mark},
       .score_normalization = setup.score_normalization});
}

}  // namespace

absl::StatusOr<std::unique_ptr<GenerativeTask>> GenerativeTask::Create(
    const GenerativeSetup& setup, const TrainOptions& options) {
  Registry<Objective> objectives("trainer");
  OPENP5_RETURN_IF_ERROR(RegisterBuiltinObjectives(&objectives));
  OPENP5_ASSIGN_OR_RETURN(const Objective* objective,
                          objectives.Find(setup.model->is_causal() ? "causal" : "seq2seq"));
  OPENP5_RETURN_IF_ERROR(CheckPackTargets(setup, *objective, options.sampling.pack_targets));
  OPENP5_ASSIGN_OR_RETURN(auto sample_numbers, options.SampleNumbers(setup.tasks.size()));
  OPENP5_ASSIGN_OR_RETURN(TrainingData data,
                          TrainingData::Create(setup.datasets, *setup.prompts, setup.tasks,
                                               {.sample_prompt = options.sampling.sample_prompt,
                                                .sample_numbers = sample_numbers,
                                                .valid_prompt = options.selection.valid_prompt,
                                                .seed = static_cast<uint64_t>(options.seed),
                                                .run_length = options.sampling.pack_targets}));
  OPENP5_ASSIGN_OR_RETURN(auto recommender, MakeRecommender(setup, options));
  auto task = std::unique_ptr<GenerativeTask>(
      new GenerativeTask(setup, options, std::move(data), *objective, std::move(recommender)));
  OPENP5_RETURN_IF_ERROR(task->CheckEvaluation());
  if (options.sampling.pack_targets > 1) task->ReportPacking();
  return task;
}

GenerativeTask::GenerativeTask(const GenerativeSetup& setup, const TrainOptions& options,
                               TrainingData data, Objective objective,
                               std::unique_ptr<recommenders::GenerativeRecommender> recommender)
    : setup_(setup),
      label_smoothing_(options.label_smoothing),
      choices_only_(options.loss_tokens == LossTokens::kChoices),
      data_(std::move(data)),
      objective_(std::move(objective)),
      recommender_(std::move(recommender)) {
  setup_.model->SetGradientCheckpointing(options.gradient_checkpointing);
}

AdamWOptions GenerativeTask::optimizer() const {
  return {.torch_form = objective_.torch_optimizer, .undecayed = objective_.undecayed};
}

CollatorParts GenerativeTask::PartsOf(int64_t group) const {
  const size_t dataset = static_cast<size_t>(group) / setup_.tasks.size();
  return {.encoder = recommender_->encoder(),
          .choices = choices_only_ ? &recommender_->trie(dataset) : nullptr,
          .device = setup_.device};
}

models::TrainingBatch GenerativeTask::Collate(int64_t group,
                                              const std::vector<datasets::Sample>& samples) const {
  return objective_.collate(PartsOf(group), samples);
}

models::TrainingBatch GenerativeTask::CollateRuns(
    int64_t group, std::vector<std::vector<datasets::Sample>> runs) const {
  if (objective_.collate_runs != nullptr) return objective_.collate_runs(PartsOf(group), runs);
  std::vector<datasets::Sample> texts;  // one a run, see CheckPackTargets
  for (std::vector<datasets::Sample>& run : runs) texts.push_back(std::move(run.front()));
  return Collate(group, texts);
}

absl::StatusOr<models::TrainingBatch> GenerativeTask::MakeBatch(
    int64_t group, std::span<const int32_t> samples) const {
  std::vector<std::vector<datasets::Sample>> runs;
  for (const int32_t sample : samples) runs.push_back(data_.Run(group, sample));
  models::TrainingBatch batch = CollateRuns(group, std::move(runs));
  batch.label_smoothing = label_smoothing_;
  return batch;
}

absl::Status GenerativeTask::CheckEvaluation() const {
  for (size_t dataset = 0; dataset < setup_.datasets.size(); ++dataset) {
    for (const std::string& task : setup_.tasks) {
      OPENP5_RETURN_IF_ERROR(
          evaluators::CheckEvaluation(*recommender_, dataset, task, setup_.evaluation));
    }
  }
  return absl::OkStatus();
}

void GenerativeTask::ReportPacking() {
  constexpr int64_t kRuns = 64;
  data_.StartEpoch(0);
  int64_t together = 0, apart = 0, targets = 0;
  const std::vector<TaskGroup> groups = data_.groups();
  for (int64_t group = 0; group < static_cast<int64_t>(groups.size()); ++group) {
    const int64_t size = groups[static_cast<size_t>(group)].size;
    for (int64_t i = 0; i < std::min(kRuns, size); ++i) {
      const auto run = data_.Run(group, static_cast<int32_t>(i * size / std::min(kRuns, size)));
      const models::TrainingBatch packed = CollateRuns(group, {run}), single = Collate(group, run);
      together += packed.input.tokens.size(0);
      apart += single.input.tokens.size(0);
      targets += static_cast<int64_t>(run.size());
    }
  }
  const auto each = [&](int64_t tokens) {
    return static_cast<double>(tokens) / static_cast<double>(targets);
  };
  LogInfo(absl::StrFormat("packed targets: %.1f tokens are computed a target instead of %.1f",
                          each(together), each(apart)));
  if (together * 4 > apart * 3) {
    LogWarning(
        "--pack-targets saves little with these prompts; hint: it is what stands before "
        "and in the history that is shared");
  }
}

absl::StatusOr<models::TrainingBatch> GenerativeTask::MakeValidationBatch(int64_t group,
                                                                          int64_t begin,
                                                                          int64_t end) const {
  return Collate(group, data_.ValidationSamples(group, begin, end));
}

at::Tensor GenerativeTask::Loss(const models::TrainingBatch& batch) {
  return objective_.reduce(setup_.model->TokenLosses(batch), batch.loss_lengths());
}

double GenerativeTask::Weight(const models::TrainingBatch& batch) const {
  return objective_.weight(batch.loss_lengths());
}

void GenerativeTask::SetTraining(bool training, const DropoutRates& dropout) {
  setup_.model->SetTraining(training, dropout.hidden, dropout.attention);
}

absl::StatusOr<std::vector<evaluators::RankingResult>> GenerativeTask::Evaluate(
    datasets::Split split, const std::vector<evaluators::Metric>& metrics) {
  evaluators::EvaluationOptions options = setup_.evaluation;
  options.split = split;
  std::vector<evaluators::RankingResult> results;
  for (size_t dataset = 0; dataset < setup_.datasets.size(); ++dataset) {
    for (const std::string& task : setup_.tasks) {
      OPENP5_ASSIGN_OR_RETURN(auto result, evaluators::Evaluate(*recommender_, dataset, task,
                                                                metrics, options, setup_.sharding));
      results.push_back(std::move(result));
    }
  }
  return results;
}

absl::StatusOr<int64_t> GenerativeTask::EvaluationMemory(int64_t length) {
  int64_t most = 0;
  for (size_t dataset = 0; dataset < setup_.datasets.size(); ++dataset) {
    for (const std::string& task : setup_.tasks) {
      OPENP5_ASSIGN_OR_RETURN(
          const int64_t bytes,
          evaluators::EvaluationMemory(*recommender_, dataset, task, length, setup_.evaluation));
      most = std::max(most, bytes);
    }
  }
  return most;
}

NamedTensors GenerativeTask::SavedWeights(const NamedTensors& trained) const {
  NamedTensors saved;
  if (setup_.backbone.has_value()) {
    saved = trained;
    saved.insert(saved.end(), setup_.replaced_rows.begin(), setup_.replaced_rows.end());
    return saved;
  }
  for (const auto& [name, parameter] : parameters()) {
    const at::Tensor* tensor = FindTensor(trained, name);
    saved.emplace_back(name, tensor != nullptr ? *tensor : parameter.detach());
  }
  return saved;
}

std::string GenerativeTask::FrozenDigest() const {
  return setup_.backbone.has_value() ? setup_.backbone->Digest() : "";
}

absl::Status GenerativeTask::Save(const std::string& path, const NamedTensors& trained,
                                  const nlohmann::json& metrics) const {
  const nlohmann::json config = setup_.model->ToHuggingFace();
  checkpoints::ModelFolder folder{.model_family = config["model_type"].get<std::string>(),
                                  .model_config = config,
                                  .weights = SavedWeights(trained),
                                  .tokenizer = setup_.tokenizer,
                                  .training = setup_.description,
                                  .metrics = metrics,
                                  .reading = setup_.reading,
                                  .prompts = setup_.prompts->Text(),
                                  .backbone = setup_.backbone};
  for (const indexing::IndexedDataset* dataset : setup_.datasets) {
    folder.indexes.push_back(&dataset->index());
  }
  return checkpoints::WriteModelFolder(path, folder);
}

}  // namespace openp5::trainers
