#include "platform/recommenders/open_folder.h"

#include <utility>

#include "platform/base/file.h"

namespace openp5::recommenders {

absl::StatusOr<std::unique_ptr<Recommender>> OpenFolder(
    const Registry<RecommenderKind>& kinds, const std::string& path,
    std::vector<datasets::SequenceDataset> datasets, const Runtime& runtime) {
  OpenRequest request{.datasets = std::move(datasets), .runtime = runtime};
  request.checkpoint.checkpoint = path;
  OPENP5_ASSIGN_OR_RETURN(request.source, checkpoints::ModelSource::Open(path));
  if (!request.source.manifest.has_value()) {
    return FailedPrecondition(path,
                              ": expected a checkpoint folder of openp5; hint: `openp5 "
                              "checkpoint import` makes one of a model from elsewhere");
  }
  OPENP5_ASSIGN_OR_RETURN(const RecommenderKind* kind, FindKind(kinds, request.source));
  OPENP5_ASSIGN_OR_RETURN(const auto kept, checkpoints::FindReading(request.source));
  if (kept.has_value()) {
    request.reading = kept->reading;
    if (!FileExists(kept->prompt_file)) {
      return FailedPrecondition(path,
                                ": the checkpoint does not hold the prompts it was trained "
                                "with (an older openp5 wrote it)");
    }
    OPENP5_ASSIGN_OR_RETURN(request.prompts, datasets::PromptSet::Open(kept->prompt_file));
  }
  return kind->open(std::move(request));
}

}  // namespace openp5::recommenders
