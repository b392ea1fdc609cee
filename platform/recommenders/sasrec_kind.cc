#include <utility>

#include "checkpoints/sasrec_folder.h"
#include "platform/recommenders/kinds.h"
#include "platform/recommenders/sasrec_recommender.h"

namespace openp5::recommenders {
namespace {

// What an opened recommender refers to.
struct Opened {
  datasets::SequenceDataset dataset;
  std::unique_ptr<models::SasrecModel> model;
};

bool Holds(const checkpoints::Manifest* manifest) {
  return manifest != nullptr && checkpoints::IsSasrec(*manifest);
}

// A SASRec scores items themselves: prompts, identifiers and tokenizers play no part.
absl::StatusOr<std::unique_ptr<Recommender>> Open(OpenRequest request) {
  const std::string& path = request.source.path;
  const Runtime& runtime = request.runtime;
  if (request.datasets.size() != 1) {
    return UsageError(
        StrCat("--datasets: ", path, " is a SASRec of one dataset, got ", request.datasets.size()));
  }
  if (runtime.int8) {
    return UsageError(StrCat("--precision: ", path, " is a SASRec, which is not computed in int8"));
  }
  OPENP5_ASSIGN_OR_RETURN(const auto folder,
                          checkpoints::ReadSasrecFolder(path, *request.source.manifest));
  OPENP5_ASSIGN_OR_RETURN(auto rows, checkpoints::RowsOf(folder, path, request.datasets.front()));
  auto opened = std::make_shared<Opened>(Opened{std::move(request.datasets.front()), nullptr});
  OPENP5_RETURN_IF_ERROR(CatchTorch(path, [&]() -> absl::Status {
    auto model = models::SasrecModel::FromStateDict(folder.config, folder.weights);
    if (!model.ok()) return Annotate(model.status(), path);
    opened->model = *std::move(model);
    opened->model->To(runtime.device);
    opened->model->SetComputeType(runtime.compute_type);
    return absl::OkStatus();
  }));
  return MakeSasrec(*opened->model, opened->dataset, std::move(rows), runtime.device, opened);
}

}  // namespace

RecommenderKind SasrecKind() { return {.title = "a SASRec", .holds = Holds, .open = Open}; }

}  // namespace openp5::recommenders
