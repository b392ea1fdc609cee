#ifndef OPENP5_PLATFORM_RECOMMENDERS_GENERATIVE_RECOMMENDER_H_
#define OPENP5_PLATFORM_RECOMMENDERS_GENERATIVE_RECOMMENDER_H_

#include <c10/core/Device.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "datasets/prompts.h"
#include "indexing/indexed_dataset.h"
#include "indexing/token_trie.h"
#include "platform/models/common/language_model.h"
#include "platform/prompting/prompt_encoder.h"
#include "platform/recommenders/recommender.h"
#include "platform/text/tokenizer.h"

namespace openp5::recommenders {

// What a language model recommends with. Everything is kept by reference.
struct GenerativeParts {
  models::LanguageModel* model = nullptr;  // on `device`; asked when it is not in training mode
  const text::Tokenizer* tokenizer = nullptr;
  std::vector<const indexing::IndexedDataset*> datasets = {};
  const datasets::PromptSet* prompts = nullptr;
  c10::Device device = c10::Device(c10::kCPU);
  prompting::PromptEncoderOptions encoding = {};
  std::string score_normalization = "full";
  std::vector<std::string> index_mismatches = {};
};

// A language model that ranks items by generating their identifiers (OpenP5: Xu et al., 2024,
// section 4). The tree of a dataset's items is built once, here.
class GenerativeRecommender final : public Recommender {
 public:
  // `owner` keeps what `parts` refers to; nullptr: the caller does. Fails as MakePromptEncoder and
  // CandidateTrie (two items that the tokenizer cannot tell apart), and InvalidArgument if the
  // answers of some prompts name the dataset and those of others do not.
  static absl::StatusOr<std::unique_ptr<GenerativeRecommender>> Create(
      GenerativeParts parts, std::shared_ptr<const void> owner = nullptr);

  size_t dataset_count() const override { return parts_.datasets.size(); }
  const datasets::SequenceDataset& dataset(size_t number) const override {
    return parts_.datasets[number]->dataset();
  }
  absl::StatusOr<std::string> PromptDigest(const std::string& task,
                                           const std::string& prompt) const override;
  int64_t history_length(size_t number) const override {
    return std::max<int64_t>(0, parts_.datasets[number]->history().max_history);
  }
  bool searches() const override { return true; }
  bool runs_side_by_side() const override { return parts_.device.is_cpu(); }
  std::string score_normalization() const override { return parts_.score_normalization; }
  std::vector<std::string> index_mismatches() const override { return parts_.index_mismatches; }
  // Fails as PromptSet::Find; a usage error for an exact ranking with openp5_compat.
  absl::StatusOr<std::unique_ptr<RankingJob>> Start(std::span<const Query> queries, int64_t k,
                                                    const RankOptions& options) const override;

  const prompting::PromptEncoder& encoder() const { return *encoder_; }
  // The tree of a dataset's items.
  const indexing::TokenTrie& trie(size_t dataset) const { return tries_[dataset]; }

 private:
  GenerativeRecommender(GenerativeParts parts, std::shared_ptr<const void> owner)
      : parts_(std::move(parts)), owner_(std::move(owner)) {}

  const GenerativeParts parts_;
  const std::shared_ptr<const void> owner_;
  std::unique_ptr<prompting::PromptEncoder> encoder_;
  std::vector<indexing::TokenTrie> tries_;  // by dataset
};

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_GENERATIVE_RECOMMENDER_H_
