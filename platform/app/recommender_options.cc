#include "platform/app/recommender_options.h"

#include <utility>

namespace openp5::app {

void RecommenderOptions::AddTo(CommandLine* line) {
  line->Add(&checkpoint);
  line->Add(&data);
  line->Add(&index);
  line->Add(&reading);
  for (const char* name : {"data-dir", "datasets"}) line->Require(name);
}

absl::StatusOr<std::unique_ptr<recommenders::Recommender>> OpenRecommender(
    const Registry<recommenders::RecommenderKind>& kinds, const checkpoints::ModelSource& source,
    const RecommenderOptions& options, std::vector<datasets::SequenceDataset> datasets,
    const CommandLine& line, const std::string& prompt, const Runtime& runtime) {
  const DataOptions& data = options.data;
  OPENP5_ASSIGN_OR_RETURN(const recommenders::RecommenderKind* kind,
                          recommenders::FindKind(kinds, source));
  datasets::PromptSet prompts;
  if (kind->reads_prompts) {
    OPENP5_ASSIGN_OR_RETURN(prompts, data.LoadPrompts());
    OPENP5_RETURN_IF_ERROR(data.CheckPrompt(prompts, "prompt", prompt));
  }
  return kind->open({.source = source,
                     .checkpoint = options.checkpoint,
                     .index = RequestIndex(line, options.index, data),
                     .reading = options.reading,
                     .datasets = std::move(datasets),
                     .prompts = std::move(prompts),
                     .runtime = runtime});
}

}  // namespace openp5::app
