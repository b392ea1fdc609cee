#ifndef OPENP5_TRAINERS_TRAINING_TASK_H_
#define OPENP5_TRAINERS_TRAINING_TASK_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "evaluators/evaluation_options.h"
#include "evaluators/ranking_result.h"
#include "platform/base/status.h"
#include "platform/models/common/packed_batch.h"
#include "platform/tensor/named_tensors.h"
#include "trainers/optimizer.h"
#include "trainers/task_sampler.h"
#include "trainers/train_options.h"

namespace openp5::trainers {

// What is trained, as the loop of Train sees it: samples in groups, their losses, and how the
// result is measured and kept. The const functions are thread-safe, but for StartEpoch beside them.
class TrainingTask {
 public:
  virtual ~TrainingTask() = default;

  virtual c10::Device device() const = 0;
  // Every parameter once, in a fixed order; those that are trained require a gradient.
  virtual const NamedTensors& parameters() const = 0;
  // Form and exemptions of the optimizer; rates, decay and clipping are the training's.
  virtual AdamWOptions optimizer() const { return {}; }
  // Of valid-select and of the tests.
  virtual const evaluators::EvaluationOptions& evaluation() const = 0;

  // Groups of samples, of which batches are taken by turns.
  virtual std::vector<TaskGroup> groups() const = 0;
  // Draws what an epoch draws: a function of the seed and of `epoch` (from 0) only.
  virtual void StartEpoch(int64_t epoch) = 0;
  virtual absl::StatusOr<models::TrainingBatch> MakeBatch(
      int64_t group, std::span<const int32_t> samples) const = 0;
  // Samples of the validation split, and those of [begin, end).
  virtual int64_t ValidationSize(int64_t group) const = 0;
  virtual absl::StatusOr<models::TrainingBatch> MakeValidationBatch(int64_t group, int64_t begin,
                                                                    int64_t end) const = 0;

  // The mean loss of a batch, a scalar with gradients, and how much the batch counts in a mean over
  // batches.
  virtual at::Tensor Loss(const models::TrainingBatch& batch) = 0;
  virtual double Weight(const models::TrainingBatch& batch) const = 0;
  // Examples in a batch, of which a sample may hold several, for the reported speed.
  virtual int64_t Examples(const models::TrainingBatch& batch) const {
    return static_cast<int64_t>(batch.labels.lengths.size());
  }
  // Training mode with `dropout`, or evaluation.
  virtual void SetTraining(bool training, const DropoutRates& dropout) = 0;
  // One result for each dataset and task of `split`.
  virtual absl::StatusOr<std::vector<evaluators::RankingResult>> Evaluate(
      datasets::Split split, const std::vector<evaluators::Metric>& metrics) = 0;
  // Bytes that one of these evaluations takes beside the weights, for lists of `length` items.
  virtual absl::StatusOr<int64_t> EvaluationMemory(int64_t length) = 0;
  // Writes a checkpoint with `trained` in the place of the parameters that are trained.
  virtual absl::Status Save(const std::string& path, const NamedTensors& trained,
                            const nlohmann::json& metrics) const = 0;
  // Names the weights that are not trained and so not in a run's state: a digest, or nothing if
  // there are none.
  virtual std::string FrozenDigest() const { return {}; }
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TRAINING_TASK_H_
