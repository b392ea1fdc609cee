#include "trainers/generative_task.h"

#include <utility>

#include "trainers/model_folder.h"

namespace openp5::trainers {

absl::StatusOr<std::unique_ptr<GenerativeTask>> GenerativeTask::Create(
    const GenerativeSetup& setup, const TrainOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(auto sample_numbers, options.SampleNumbers(setup.tasks.size()));
  OPENP5_ASSIGN_OR_RETURN(TrainingData data,
                          TrainingData::Create(setup.datasets, *setup.prompts, setup.tasks,
                                               {.sample_prompt = options.sample_prompt,
                                                .sample_numbers = sample_numbers,
                                                .valid_prompt = options.valid_prompt,
                                                .seed = static_cast<uint64_t>(options.seed)}));
  Registry<Objective> objectives("trainer");
  OPENP5_RETURN_IF_ERROR(RegisterBuiltinObjectives(&objectives));
  OPENP5_ASSIGN_OR_RETURN(const Objective* objective,
                          objectives.Find(setup.model->is_causal() ? "causal" : "seq2seq"));
  return std::unique_ptr<GenerativeTask>(
      new GenerativeTask(setup, options, std::move(data), *objective));
}

GenerativeTask::GenerativeTask(const GenerativeSetup& setup, const TrainOptions& options,
                               TrainingData data, Objective objective)
    : setup_(setup),
      collator_{.max_tokens = options.max_input_tokens,
                .openp5_compat = options.openp5_compat,
                .device = setup.device},
      data_(std::move(data)),
      objective_(std::move(objective)) {}

AdamWOptions GenerativeTask::optimizer() const {
  return {.torch_form = objective_.torch_optimizer, .undecayed = objective_.undecayed};
}

absl::StatusOr<models::TrainingBatch> GenerativeTask::Collate(
    const std::vector<datasets::Sample>& samples) const {
  return objective_.collate(*setup_.tokenizer, samples, collator_);
}

absl::StatusOr<models::TrainingBatch> GenerativeTask::MakeBatch(
    int64_t group, std::span<const int32_t> samples) const {
  std::vector<datasets::Sample> texts;
  for (const int32_t sample : samples) texts.push_back(data_.Sample(group, sample));
  return Collate(texts);
}

absl::StatusOr<models::TrainingBatch> GenerativeTask::MakeValidationBatch(int64_t group,
                                                                          int64_t begin,
                                                                          int64_t end) const {
  return Collate(data_.ValidationSamples(group, begin, end));
}

at::Tensor GenerativeTask::Loss(const models::TrainingBatch& batch) {
  return objective_.reduce(setup_.model->TokenLosses(batch), batch.labels.lengths);
}

double GenerativeTask::Weight(const models::TrainingBatch& batch) const {
  return objective_.weight(batch.labels.lengths);
}

void GenerativeTask::SetTraining(bool training, double dropout) {
  setup_.model->SetTraining(training, dropout);
}

absl::StatusOr<std::vector<evaluators::RankingResult>> GenerativeTask::Evaluate(
    const std::string& split, const std::vector<evaluators::Metric>& metrics) {
  evaluators::EvaluationOptions options = setup_.evaluation;
  options.split = split;
  evaluators::RankingEvaluator evaluator(*setup_.model, *setup_.tokenizer, setup_.device,
                                         setup_.sharding);
  std::vector<evaluators::RankingResult> results;
  for (const evaluators::IndexedDataset* dataset : setup_.datasets) {
    for (const std::string& task : setup_.tasks) {
      OPENP5_ASSIGN_OR_RETURN(
          auto result, evaluator.Evaluate(*dataset, *setup_.prompts, task, metrics, options));
      results.push_back(std::move(result));
    }
  }
  return results;
}

absl::Status GenerativeTask::Save(const std::string& path, const NamedTensors& weights,
                                  const nlohmann::json& metrics) const {
  const nlohmann::json config = setup_.model->ToHuggingFace();
  ModelFolder folder{.model_family = config["model_type"].get<std::string>(),
                     .model_config = config,
                     .weights = weights,
                     .tokenizer = setup_.tokenizer,
                     .training = setup_.description,
                     .metrics = metrics};
  for (const evaluators::IndexedDataset* dataset : setup_.datasets) {
    folder.indexes.push_back(&dataset->index());
  }
  return WriteModelFolder(path, folder);
}

}  // namespace openp5::trainers
