#ifndef OPENP5_EVALUATORS_SASREC_EVALUATOR_H_
#define OPENP5_EVALUATORS_SASREC_EVALUATOR_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "evaluators/evaluation_options.h"
#include "evaluators/ranking_result.h"
#include "evaluators/sharding.h"
#include "platform/models/packed_batch.h"
#include "platform/models/sasrec.h"

namespace openp5::evaluators {

// Histories as SASRec reads them, in that order: of each the latest `max_length` items as rows of
// the embedding. None may be empty.
models::PackedBatch PackHistories(std::span<const std::span<const int32_t>> histories,
                                  std::span<const int64_t> rows, int64_t max_length,
                                  c10::Device device);

// [batch] int64 on the device of the tokens: where each sequence's last token is.
at::Tensor LastPositions(const models::PackedBatch& batch);

// Ranks all items of a dataset by their exact scores under a SASRec model. Keeps references to
// model and dataset. One thread at a time.
class SasrecEvaluator {
 public:
  // `rows` [items of the dataset]: the model's row of each item.
  SasrecEvaluator(const models::SasrecModel& model, const datasets::SequenceDataset& dataset,
                  std::vector<int64_t> rows, c10::Device device, Sharding sharding = {});

  // Users, targets, metrics and removal of past items are those of RankingEvaluator; equal scores
  // in order of item number. `task` is only a label. Cancelled after SIGINT or SIGTERM where they
  // are caught. Results do not depend on eval_batch_size beyond rounding. Every shard returns the
  // whole result.
  absl::StatusOr<RankingResult> Evaluate(const std::string& task,
                                         const std::vector<Metric>& metrics,
                                         const EvaluationOptions& options) const;

  // The best `count` items after `history` that are not in `excluded` (ascending).
  absl::StatusOr<UserRanking> Recommend(std::span<const int32_t> history,
                                        const std::vector<int32_t>& excluded, int64_t count) const;

 private:
  // Every item's score after each of the histories, [histories, items] float32 on the CPU.
  at::Tensor Score(std::span<const std::span<const int32_t>> histories) const;

  const models::SasrecModel& model_;
  const datasets::SequenceDataset& dataset_;
  const std::vector<int64_t> rows_;
  const c10::Device device_;
  const Sharding sharding_;
};

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_SASREC_EVALUATOR_H_
