#ifndef OPENP5_PLATFORM_APP_RECOMMENDER_OPTIONS_H_
#define OPENP5_PLATFORM_APP_RECOMMENDER_OPTIONS_H_

#include <memory>
#include <string>
#include <vector>

#include "checkpoints/reading.h"
#include "indexing/item_index.h"
#include "platform/app/data_options.h"
#include "platform/base/status.h"
#include "platform/config/command_line.h"
#include "platform/recommenders/kinds.h"
#include "platform/recommenders/recommender.h"
#include "platform/tensor/runtime.h"

namespace openp5::app {

// Which model is asked about which datasets, and how (evaluate, recommend).
struct RecommenderOptions {
  recommenders::CheckpointOptions checkpoint;
  DataOptions data;
  indexing::IndexParameters index;
  checkpoints::Reading reading;

  void AddTo(CommandLine* line);
};

// Opens `source`, the checkpoint of `options`, to be asked about `datasets`, which are those of
// `options`; `line` has parsed them. `prompt` is the template that will be asked for, which must
// exist for every task. Fails as RecommenderKind::open and DataOptions, the latter before the model
// is loaded.
absl::StatusOr<std::unique_ptr<recommenders::Recommender>> OpenRecommender(
    const Registry<recommenders::RecommenderKind>& kinds, const checkpoints::ModelSource& source,
    const RecommenderOptions& options, std::vector<datasets::SequenceDataset> datasets,
    const CommandLine& line, const std::string& prompt, const Runtime& runtime);

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_RECOMMENDER_OPTIONS_H_
