#ifndef OPENP5_PLATFORM_APP_RECOMMENDER_H_
#define OPENP5_PLATFORM_APP_RECOMMENDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datasets/samples.h"
#include "datasets/sequences.h"
#include "evaluators/evaluation_options.h"
#include "evaluators/ranking_result.h"
#include "evaluators/sharding.h"
#include "indexing/item_index.h"
#include "platform/app/data_options.h"
#include "platform/app/load_model.h"
#include "platform/base/status.h"
#include "platform/config/command_line.h"
#include "platform/tensor/runtime.h"

namespace openp5::app {

// Which model is asked about which datasets, and how (evaluate, recommend).
struct RecommenderOptions {
  CheckpointOptions checkpoint;
  DataOptions data;
  indexing::IndexParameters index;
  datasets::HistoryOptions history;
  std::string prompt = {};  // the template that will be asked for, by the command's own --prompt

  void AddTo(CommandLine* line) {
    line->Add(&checkpoint);
    line->Add(&data);
    line->Add(&index);
    line->Add(&history);
    for (const char* name : {"data-dir", "datasets"}) line->Require(name);
  }
};

// One question of `recommend`, in item and user numbers of the dataset.
struct Question {
  std::optional<int32_t> user = {};    // none: one the model has never met
  std::vector<int32_t> history = {};   // oldest first
  std::vector<int32_t> excluded = {};  // never recommended; ascending
  std::string task = {}, prompt = {};
  int64_t count = 10;  // of items
};

// A checkpoint's model with the datasets it is asked about. One thread at a time.
class Recommender {
 public:
  virtual ~Recommender() = default;

  virtual const datasets::SequenceDataset& dataset(size_t number) const = 0;
  // One sentence a dataset whose item index is not the one the model was trained with.
  virtual std::vector<std::string> index_mismatches() const { return {}; }

  // The lists of a dataset's users under one task, the same in every process. Cancelled after
  // SIGINT or SIGTERM where they are caught; else the model's own failures.
  virtual absl::StatusOr<evaluators::RankingResult> Evaluate(
      size_t dataset, const std::string& task, const std::vector<evaluators::Metric>& metrics,
      const evaluators::EvaluationOptions& options) = 0;
  // The best items of the first dataset.
  virtual absl::StatusOr<evaluators::UserRanking> Recommend(const Question& question) = 0;
};

// Opens the checkpoint and the datasets of `options`, which `line` has parsed; `sharding` is that
// of evaluations. Fails as LoadCheckpoint and DataOptions, the latter before the model is loaded.
absl::StatusOr<std::unique_ptr<Recommender>> OpenRecommender(
    const RecommenderOptions& options, const CommandLine& line, const Runtime& runtime,
    const evaluators::Sharding& sharding = {});

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_RECOMMENDER_H_
