#ifndef OPENP5_EVALUATORS_RANKING_EVALUATOR_H_
#define OPENP5_EVALUATORS_RANKING_EVALUATOR_H_

#include <c10/core/Device.h>

#include <string>
#include <utility>
#include <vector>

#include "datasets/prompts.h"
#include "evaluators/evaluation_options.h"
#include "evaluators/indexed_dataset.h"
#include "evaluators/ranking_result.h"
#include "evaluators/sharding.h"
#include "platform/models/language_model.h"
#include "platform/text/tokenizer.h"

namespace openp5::evaluators {

// Ranks items for users by generating identifiers (OpenP5: Xu et al., 2024, section 4), and counts
// hits. Keeps references to what it is made of. One thread at a time.
class RankingEvaluator {
 public:
  RankingEvaluator(models::LanguageModel& model, const text::Tokenizer& tokenizer,
                   c10::Device device, Sharding sharding = {})
      : model_(model), tokenizer_(tokenizer), device_(device), sharding_(std::move(sharding)) {}

  // One dataset and task; prompts come from `prompts` by options.prompt. Failures: those of
  // PromptSet::Find and CandidateTrie, and Cancelled after SIGINT or SIGTERM where they are caught.
  // Results do not depend on eval_batch_size unless openp5_compat is on. Every shard returns the
  // whole result.
  absl::StatusOr<RankingResult> Evaluate(const IndexedDataset& dataset,
                                         const datasets::PromptSet& prompts,
                                         const std::string& task,
                                         const std::vector<Metric>& metrics,
                                         const EvaluationOptions& options);

  // Says early what Evaluate would fail with whatever the weights are: options, the prompt, items
  // that the tokenizer cannot tell apart.
  absl::Status Check(const IndexedDataset& dataset, const datasets::PromptSet& prompts,
                     const std::string& task, const EvaluationOptions& options) const;

  // One prompt: the best `count` items that are not in `excluded` (recommend). The search is as
  // wide as options.beams, or `count` if that is more: with the same width a shorter list is the
  // beginning of a longer one.
  absl::StatusOr<UserRanking> Recommend(const IndexedDataset& dataset, const std::string& input,
                                        const std::vector<int32_t>& excluded, int64_t count,
                                        const EvaluationOptions& options);

 private:
  models::LanguageModel& model_;
  const text::Tokenizer& tokenizer_;
  const c10::Device device_;
  const Sharding sharding_;
};

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_RANKING_EVALUATOR_H_
