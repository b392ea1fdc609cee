#ifndef OPENP5_TRAINERS_TASKS_GENERATIVE_TASK_H_
#define OPENP5_TRAINERS_TASKS_GENERATIVE_TASK_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoints/backbone.h"
#include "datasets/prompts.h"
#include "evaluators/evaluate.h"
#include "indexing/indexed_dataset.h"
#include "platform/models/common/language_model.h"
#include "platform/recommenders/generative_recommender.h"
#include "platform/text/tokenizer.h"
#include "trainers/objective.h"
#include "trainers/train_options.h"
#include "trainers/training_data.h"
#include "trainers/training_task.h"

namespace openp5::trainers {

// What a language model is trained with. Everything is kept by reference and must outlive the task,
// or be kept by `owner`.
struct GenerativeSetup {
  models::LanguageModel* model = nullptr;  // on `device`, with a row for each of the tokens
  const text::Tokenizer* tokenizer = nullptr;
  std::vector<const indexing::IndexedDataset*> datasets = {};
  const datasets::PromptSet* prompts = nullptr;
  std::vector<std::string> tasks = {};
  c10::Device device = c10::Device(c10::kCPU);
  std::string response_mark = "Response:";   // see checkpoints::Reading
  std::string score_normalization = "full";  // the same
  evaluators::EvaluationOptions evaluation = {};
  evaluators::Sharding sharding = {};                 // of evaluations
  nlohmann::json description = {};                    // goes into the manifests as "training"
  nlohmann::json reading = nlohmann::json::object();  // goes into the manifests under this name
  // Of an adapter: the model that keeps the weights which are not trained, and what a checkpoint
  // holds of them all the same (see ReplacedRows). Nothing: checkpoints hold every weight.
  std::optional<checkpoints::Backbone> backbone = {};
  NamedTensors replaced_rows = {};
  std::shared_ptr<const void> owner = {};
};

// A language model that learns to write the next item's identifier (OpenP5: Xu et al., 2024,
// section 3). Groups are (dataset, task), the tasks of a dataset together.
class GenerativeTask final : public TrainingTask {
 public:
  // Fails as TrainingData::Create, GenerativeRecommender::Create and CheckEvaluation; a usage error
  // for a wrong --sample-num or --pack-targets.
  static absl::StatusOr<std::unique_ptr<GenerativeTask>> Create(const GenerativeSetup& setup,
                                                                const TrainOptions& options);

  c10::Device device() const override { return setup_.device; }
  const NamedTensors& parameters() const override { return setup_.model->parameters(); }
  AdamWOptions optimizer() const override;
  const evaluators::EvaluationOptions& evaluation() const override { return setup_.evaluation; }
  std::vector<TaskGroup> groups() const override { return data_.groups(); }
  void StartEpoch(int64_t epoch) override { data_.StartEpoch(epoch); }
  // A sample is a run of options.pack_targets targets.
  absl::StatusOr<models::TrainingBatch> MakeBatch(int64_t group,
                                                  std::span<const int32_t> samples) const override;
  int64_t ValidationSize(int64_t group) const override { return data_.ValidationSize(group); }
  absl::StatusOr<models::TrainingBatch> MakeValidationBatch(int64_t group, int64_t begin,
                                                            int64_t end) const override;
  at::Tensor Loss(const models::TrainingBatch& batch) override;
  double Weight(const models::TrainingBatch& batch) const override;
  void SetTraining(bool training, const DropoutRates& dropout) override;
  absl::StatusOr<std::vector<evaluators::RankingResult>> Evaluate(
      datasets::Split split, const std::vector<evaluators::Metric>& metrics) override;
  absl::StatusOr<int64_t> EvaluationMemory(int64_t length) override;
  absl::Status Save(const std::string& path, const NamedTensors& trained,
                    const nlohmann::json& metrics) const override;
  std::string FrozenDigest() const override;

 private:
  GenerativeTask(const GenerativeSetup& setup, const TrainOptions& options, TrainingData data,
                 Objective objective,
                 std::unique_ptr<recommenders::GenerativeRecommender> recommender);
  // What samples of `group` are made into batches with.
  CollatorParts PartsOf(int64_t group) const;
  models::TrainingBatch Collate(int64_t group, const std::vector<datasets::Sample>& samples) const;
  models::TrainingBatch CollateRuns(int64_t group,
                                    std::vector<std::vector<datasets::Sample>> runs) const;
  // Says before the first step what an evaluation after it would fail with.
  absl::Status CheckEvaluation() const;
  // What a checkpoint holds if the trained weights are `trained`.
  NamedTensors SavedWeights(const NamedTensors& trained) const;
  // Says what packing targets saves.
  void ReportPacking();

  const GenerativeSetup setup_;
  const double label_smoothing_;
  const bool choices_only_;  // no loss where the tree of items leaves no choice
  TrainingData data_;
  const Objective objective_;
  // The same model: what it reads in training it reads in evaluations.
  const std::unique_ptr<recommenders::GenerativeRecommender> recommender_;
};

// Redraws the embeddings of number tokens (--random-initialize) as widely as the model's others are
// drawn. OpenP5 draws all from N(0, 1), which is fifty times as wide as a Llama's.
void RandomInitialize(models::LanguageModel& model, const text::Tokenizer& tokenizer, uint64_t seed,
                      bool openp5_compat);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TASKS_GENERATIVE_TASK_H_
