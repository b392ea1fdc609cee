#include "platform/recommenders/generative_recommender.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

#include "platform/decoding/beam_search.h"
#include "platform/decoding/exact_ranking.h"
#include "platform/prompting/candidate_trie.h"
#include "platform/prompting/encoded_text.h"
#include "platform/recommenders/search_memory.h"
#include "platform/tensor/runtime.h"

namespace openp5::recommenders {
namespace {

using prompting::EncodedText;

// `found`: Hypothesis or RankedItem, best first, of which the first `k` are taken.
template <class Found>
Ranking ToRanking(const std::vector<Found>& found, int64_t k) {
  Ranking ranking;
  for (const Found& one : found) {
    if (static_cast<int64_t>(ranking.items.size()) == k) break;
    ranking.items.push_back(one.item);
    ranking.scores.push_back(one.score);
  }
  return ranking;
}

// What a search counts and how wide it is.
decoding::BeamSearchOptions SearchOptions(const GenerativeParts& parts,
                                          const prompting::SearchForm& form,
                                          const RankOptions& options, int64_t k,
                                          const indexing::TokenTrie& trie) {
  decoding::BeamSearchOptions search{
      .beams = options.beams > 0 ? options.beams : k,
      .max_length = options.filter == Filter::kNone ? form.max_length : form.filtered_max_length,
      .end_token = parts.tokenizer->eos_id(),
      .late_stop_length = form.late_stop_length,
      .pad_with_duplicates = parts.encoding.openp5_compat,
      .normalize_over_allowed = parts.score_normalization == "allowed"};
  if (options.max_length > 0) {
    search.max_length = options.max_length;
  } else if (!parts.encoding.openp5_compat) {
    search.max_length = std::max<int64_t>(search.max_length, trie.depth() + 1);
  }
  return search;
}

class SearchJob final : public RankingJob {
 public:
  SearchJob(const GenerativeParts& parts, const indexing::TokenTrie& trie,
            decoding::BeamSearchOptions search, int64_t k, bool exact,
            std::vector<EncodedText> prompts, std::vector<std::vector<int32_t>> excluded,
            int64_t most_beams)
      : parts_(parts),
        trie_(trie),
        search_(search),
        k_(k),
        exact_(exact),
        prompts_(std::move(prompts)),
        excluded_(std::move(excluded)),
        most_beams_(most_beams) {}

  int64_t Cost(size_t query) const override {
    return static_cast<int64_t>(prompts_[query].tokens.size());
  }

  absl::StatusOr<int64_t> Memory(int64_t count) const override {
    const auto longest = std::max_element(
        prompts_.begin(), prompts_.end(),
        [](const auto& a, const auto& b) { return a.tokens.size() < b.tokens.size(); });
    OPENP5_ASSIGN_OR_RETURN(
        const SearchCost cost,
        MeasureSearch(*parts_.model,
                      prompting::Pack(std::vector<const EncodedText*>{&*longest}, parts_.device)));
    return SearchBytes(cost, {.users = count,
                              .beams = std::min<int64_t>(search_.beams, most_beams_),
                              .length = trie_.depth() + 1,
                              .vocabulary = parts_.model->vocabulary_size(),
                              .exact = exact_});
  }
  absl::StatusOr<std::vector<Ranking>> Rank(std::span<const size_t> queries) const override {
    std::vector<Ranking> rankings;
    OPENP5_RETURN_IF_ERROR(CatchTorch("ranking", [&] { return Search(queries, &rankings); }));
    return rankings;
  }

 private:
  absl::Status Search(std::span<const size_t> queries, std::vector<Ranking>* rankings) const {
    const c10::AutoGradMode no_gradients(false);
    std::vector<const EncodedText*> texts;
    std::vector<std::vector<int32_t>> excluded;
    for (const size_t query : queries) {
      texts.push_back(&prompts_[query]);
      if (!excluded_.empty()) excluded.push_back(excluded_[query]);
    }
    const models::PackedBatch prompts = prompting::Pack(texts, parts_.device);
    const auto take = [&](const auto& found) {
      for (const auto& list : found) rankings->push_back(ToRanking(list, k_));
      return absl::OkStatus();
    };
    if (exact_) {
      OPENP5_ASSIGN_OR_RETURN(
          const auto ranked,
          decoding::RankAllItems(*parts_.model, prompts, trie_, excluded, ExactOptions()));
      return take(ranked);
    }
    OPENP5_ASSIGN_OR_RETURN(const auto found,
                            decoding::BeamSearch(*parts_.model, prompts, trie_, excluded, search_));
    return take(found);
  }

  decoding::ExactRankingOptions ExactOptions() const {
    return {.count = search_.beams,
            .added_score_length = search_.added_score_length,
            .normalize_over_allowed = search_.normalize_over_allowed};
  }

  const GenerativeParts& parts_;
  const indexing::TokenTrie& trie_;
  const decoding::BeamSearchOptions search_;
  const int64_t k_;
  const bool exact_;
  const std::vector<EncodedText> prompts_;            // [queries]
  const std::vector<std::vector<int32_t>> excluded_;  // [queries] or empty
  const int64_t most_beams_;                          // no more continuations differ
};

// The texts of `queries` under one template.
std::vector<std::string> WriteInputs(const indexing::IndexedDataset& dataset,
                                     const datasets::PromptTemplate& prompt,
                                     std::span<const Query> queries) {
  const std::string unknown = std::to_string(dataset.dataset().user_count() + 1);
  std::vector<std::string> inputs;
  for (const Query& query : queries) {
    const std::string& user =
        query.user.has_value() ? dataset.user_numbers()[static_cast<size_t>(*query.user)] : unknown;
    inputs.push_back(dataset.writer().WriteInput(prompt, user, query.history));
  }
  return inputs;
}

// With openp5_compat the end token's whole-word id depends on the batch a user is in, so batches
// are formed in the order of the queries; where the search is filtered OpenP5 asks for one user a
// batch.
std::vector<EncodedText> EncodeInputs(const prompting::PromptEncoder& encoder,
                                      const std::vector<std::string>& inputs, bool openp5_compat,
                                      const RankOptions& options) {
  if (!openp5_compat) return encoder.Prompts(inputs);
  const size_t batch =
      options.filter == Filter::kSearch ? 1 : static_cast<size_t>(options.batch_size);
  std::vector<EncodedText> prompts;
  for (size_t begin = 0; begin < inputs.size(); begin += batch) {
    auto part =
        encoder.Prompts(std::span(inputs).subspan(begin, std::min(batch, inputs.size() - begin)));
    std::move(part.begin(), part.end(), std::back_inserter(prompts));
  }
  return prompts;
}

// [queries], or empty if no query excludes anything.
std::vector<std::vector<int32_t>> ExcludedItems(std::span<const Query> queries) {
  std::vector<std::vector<int32_t>> excluded;
  const bool any = std::any_of(queries.begin(), queries.end(),
                               [](const Query& query) { return !query.excluded.empty(); });
  for (const Query& query : any ? queries : std::span<const Query>()) {
    excluded.push_back(query.excluded);
  }
  return excluded;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GenerativeRecommender>> GenerativeRecommender::Create(
    GenerativeParts parts, std::shared_ptr<const void> owner) {
  auto made = std::unique_ptr<GenerativeRecommender>(
      new GenerativeRecommender(std::move(parts), std::move(owner)));
  OPENP5_ASSIGN_OR_RETURN(
      made->encoder_, prompting::MakePromptEncoder(made->parts_.model->is_causal(),
                                                   *made->parts_.tokenizer, made->parts_.encoding));
  OPENP5_ASSIGN_OR_RETURN(const datasets::CandidateForm form,
                          made->parts_.prompts->candidate_form());
  for (const indexing::IndexedDataset* dataset : made->parts_.datasets) {
    OPENP5_ASSIGN_OR_RETURN(auto trie, prompting::CandidateTrie(*dataset, form, *made->encoder_));
    made->tries_.push_back(std::move(trie));
  }
  return made;
}

absl::StatusOr<std::string> GenerativeRecommender::PromptDigest(const std::string& task,
                                                                const std::string& prompt) const {
  OPENP5_ASSIGN_OR_RETURN(const auto* found, parts_.prompts->Find(task, prompt));
  return found->Digest();
}

absl::StatusOr<std::unique_ptr<RankingJob>> GenerativeRecommender::Start(
    std::span<const Query> queries, int64_t k, const RankOptions& options) const {
  const bool compat = parts_.encoding.openp5_compat;
  if (options.exact && compat) {
    return UsageError(
        "--exact and --openp5-compat: expected one of them, got both; hint: OpenP5 searches");
  }
  OPENP5_ASSIGN_OR_RETURN(const auto* prompt, parts_.prompts->Find(options.task, options.prompt));
  const indexing::IndexedDataset& dataset = *parts_.datasets[options.dataset];
  const indexing::TokenTrie& trie = tries_[options.dataset];
  std::vector<EncodedText> prompts =
      EncodeInputs(*encoder_, WriteInputs(dataset, *prompt, queries), compat, options);
  const prompting::SearchForm form = encoder_->search();
  decoding::BeamSearchOptions search = SearchOptions(parts_, form, options, k, trie);
  if (form.counts_prompt) {
    size_t longest = 1;
    for (const EncodedText& text : prompts) longest = std::max(longest, text.tokens.size());
    search.added_score_length = static_cast<int64_t>(longest) - 1;
  }
  return std::make_unique<SearchJob>(parts_, trie, search, k, options.exact, std::move(prompts),
                                     ExcludedItems(queries),
                                     compat ? search.beams : dataset.dataset().item_count());
}

}  // namespace openp5::recommenders
