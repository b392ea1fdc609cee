#include <utility>

#include "platform/recommenders/generative_recommender.h"
#include "platform/recommenders/kinds.h"

namespace openp5::recommenders {
namespace {

// What an opened recommender refers to.
struct Opened {
  LoadedModel model;
  std::vector<std::unique_ptr<indexing::IndexedDataset>> datasets;
  datasets::PromptSet prompts;
};

// Language models of this program's checkpoints, and of everybody else's files.
bool Holds(const checkpoints::Manifest* manifest) {
  return manifest == nullptr || manifest->tokenizer_family != "none";
}

absl::StatusOr<std::unique_ptr<Recommender>> Open(OpenRequest request) {
  auto opened = std::make_shared<Opened>(
      Opened{.model = {}, .datasets = {}, .prompts = std::move(request.prompts)});
  OPENP5_ASSIGN_OR_RETURN(opened->model,
                          LoadCheckpoint(request.source, request.checkpoint, request.datasets,
                                         request.index, request.runtime));
  OPENP5_ASSIGN_OR_RETURN(opened->datasets,
                          JoinIndexes(std::move(request.datasets), std::move(opened->model.indexes),
                                      request.reading.history));
  GenerativeParts parts{.model = opened->model.model.get(),
                        .tokenizer = opened->model.tokenizer.get(),
                        .prompts = &opened->prompts,
                        .device = request.runtime.device,
                        .encoding = {.max_tokens = request.reading.max_input_tokens,
                                     .openp5_compat = request.reading.openp5_compat,
                                     .response_mark = request.reading.response_mark},
                        .score_normalization = request.reading.score_normalization,
                        .index_mismatches = opened->model.index_mismatches};
  for (const auto& dataset : opened->datasets) parts.datasets.push_back(dataset.get());
  return GenerativeRecommender::Create(std::move(parts), opened);
}

}  // namespace

RecommenderKind GenerativeKind() {
  return {.title = "a language model", .holds = Holds, .open = Open, .reads_prompts = true};
}

}  // namespace openp5::recommenders
