#ifndef OPENP5_PLATFORM_RECOMMENDERS_OPEN_FOLDER_H_
#define OPENP5_PLATFORM_RECOMMENDERS_OPEN_FOLDER_H_

#include <memory>
#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "platform/base/status.h"
#include "platform/recommenders/kinds.h"

namespace openp5::recommenders {

// Opens the checkpoint folder of openp5 at `path` with all that it keeps of how its model reads,
// and with its own item indexes. FailedPrecondition if it is no such folder or keeps no prompts;
// else fails as RecommenderKind::open.
absl::StatusOr<std::unique_ptr<Recommender>> OpenFolder(
    const Registry<RecommenderKind>& kinds, const std::string& path,
    std::vector<datasets::SequenceDataset> datasets, const Runtime& runtime);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_OPEN_FOLDER_H_
