#ifndef OPENP5_TRAINERS_TASKS_SASREC_TASK_H_
#define OPENP5_TRAINERS_TASKS_SASREC_TASK_H_

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "evaluators/evaluate.h"
#include "evaluators/evaluation_options.h"
#include "platform/config/options.h"
#include "platform/models/sasrec/sasrec.h"
#include "platform/recommenders/sasrec_recommender.h"
#include "trainers/training_task.h"

namespace openp5::trainers {

// kFull: cross entropy over all items. kSampled: over items drawn for each batch, for catalogues
// whose scores are too many.
enum class SasrecLoss { kFull, kSampled };
constexpr auto EnumNames(SasrecLoss) { return std::to_array<const char*>({"full", "sampled"}); }

struct SasrecOptions {
  int64_t hidden_size = 64;
  int64_t layers = 2;
  int64_t heads = 1;
  int64_t max_length = 50;  // latest items of a history
  SasrecLoss loss = SasrecLoss::kFull;
  int64_t negatives = 1000;  // items drawn for the sampled loss

  void ForEach(OptionVisitor& visitor);
  // A usage error if the heads do not divide the hidden size.
  absl::Status Check() const;
  models::SasrecConfig Config(int64_t item_count) const;
  int64_t SampledNegatives() const { return loss == SasrecLoss::kSampled ? negatives : 0; }
};

// What a SASRec is trained with. Everything is kept by reference and must outlive the task, or be
// kept by `owner`.
struct SasrecSetup {
  models::SasrecModel* model = nullptr;  // on `device`; row i is item i of the dataset
  const datasets::SequenceDataset* dataset = nullptr;
  c10::Device device = c10::Device(c10::kCPU);
  int64_t negatives = 0;  // of the sampled loss; 0: the full one
  uint64_t seed = 1;      // of the negatives
  evaluators::EvaluationOptions evaluation = {};
  evaluators::Sharding sharding = {};  // of evaluations
  nlohmann::json description = {};     // goes into the manifests as "training"
  std::shared_ptr<const void> owner = {};
};

// A SASRec that learns, at every position of a user's training part, the item that follows (Kang
// and McAuley, 2018, section III-F, with cross entropy over all or sampled items in the place of
// one negative's). A sample is a user with at least two training items; of longer parts than the
// model sees the end is taken. The validation loss is always over all items.
class SasrecTask final : public TrainingTask {
 public:
  // InvalidArgument if no user has two training items.
  static absl::StatusOr<std::unique_ptr<SasrecTask>> Create(const SasrecSetup& setup);

  c10::Device device() const override { return setup_.device; }
  const NamedTensors& parameters() const override { return setup_.model->parameters(); }
  AdamWOptions optimizer() const override;
  const evaluators::EvaluationOptions& evaluation() const override { return setup_.evaluation; }
  std::vector<TaskGroup> groups() const override;
  void StartEpoch(int64_t epoch) override { epoch_ = epoch; }
  // The negatives of a sampled loss are a function of seed, epoch and the batch's labels.
  absl::StatusOr<models::TrainingBatch> MakeBatch(int64_t group,
                                                  std::span<const int32_t> samples) const override;
  int64_t ValidationSize(int64_t group) const override;
  absl::StatusOr<models::TrainingBatch> MakeValidationBatch(int64_t group, int64_t begin,
                                                            int64_t end) const override;
  at::Tensor Loss(const models::TrainingBatch& batch) override;
  double Weight(const models::TrainingBatch& batch) const override;
  // The model's own rate is 0.5.
  void SetTraining(bool training, const DropoutRates& dropout) override;
  absl::StatusOr<std::vector<evaluators::RankingResult>> Evaluate(
      datasets::Split split, const std::vector<evaluators::Metric>& metrics) override;
  absl::StatusOr<int64_t> EvaluationMemory(int64_t length) override;
  absl::Status Save(const std::string& path, const NamedTensors& weights,
                    const nlohmann::json& metrics) const override;

 private:
  explicit SasrecTask(const SasrecSetup& setup);
  at::Tensor Negatives(const at::Tensor& labels) const;

  const SasrecSetup setup_;
  std::vector<int64_t> rows_;   // [items] 0, 1, …
  std::vector<int32_t> users_;  // [samples]
  const std::unique_ptr<recommenders::Recommender> recommender_;
  int64_t epoch_ = 0;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TASKS_SASREC_TASK_H_
