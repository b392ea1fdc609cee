#include "evaluators/ranking_evaluator.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "evaluators/candidate_trie.h"
#include "evaluators/causal_encoding.h"
#include "evaluators/encoding.h"
#include "evaluators/evaluation_users.h"
#include "platform/base/parallel.h"
#include "platform/base/progress.h"
#include "platform/base/signals.h"
#include "platform/decoding/beam_search.h"
#include "platform/decoding/exact_ranking.h"
#include "platform/tensor/runtime.h"

namespace openp5::evaluators {
namespace {

// Prompts and candidates as one kind of model reads them, and what its searches count.
struct ModelInput {
  std::vector<EncodedText> prompts;
  CandidateEncoder candidates;
  decoding::BeamSearchOptions search;
};

// Inputs of an encoder-decoder. With openp5_compat the end token's whole-word id depends on the
// batch a user is in (one user a batch when the search is filtered), so batches are formed in file
// order.
ModelInput EncodeSeq2Seq(const text::Tokenizer& tokenizer, const std::vector<std::string>& inputs,
                         const EvaluationOptions& options) {
  ModelInput made;
  const bool by_batch = options.openp5_compat && !options.filtered;
  const size_t batch = by_batch ? static_cast<size_t>(options.eval_batch_size) : 1;
  for (size_t begin = 0; begin < inputs.size(); begin += batch) {
    const size_t count = std::min(batch, inputs.size() - begin);
    std::vector<EncodedText> part =
        EncodeBatch(tokenizer, std::span(inputs).subspan(begin, count), options.max_input_tokens,
                    by_batch ? text::EndTokenRule::kLastColumn : text::EndTokenRule::kEveryRow);
    std::move(part.begin(), part.end(), std::back_inserter(made.prompts));
  }
  made.candidates = {
      .encode = [&tokenizer](const std::string& text) { return tokenizer.Encode(text); },
      .digest = [&tokenizer] { return "seq2seq " + tokenizer.Digest(); }};
  made.search.max_length = options.filtered || options.filtered_batch ? 30 : 50;
  return made;
}

// Inputs of a causal model. With openp5_compat a score is divided by the length of the whole text,
// the prompt padded to the longest of all.
absl::StatusOr<ModelInput> EncodeCausal(const text::Tokenizer& tokenizer,
                                        const std::vector<std::string>& inputs,
                                        const EvaluationOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(
      const auto encoder,
      CausalEncoder::Create(tokenizer, {.max_tokens = options.max_input_tokens,
                                        .openp5_compat = options.openp5_compat}));
  ModelInput made;
  size_t longest = 1;
  for (const std::string& input : inputs) {
    made.prompts.push_back({.tokens = encoder.Prompt(input), .whole_words = {}});
    longest = std::max(longest, made.prompts.back().tokens.size());
  }
  made.candidates = {
      .encode = [encoder](const std::string& text) { return encoder.Response(text); },
      .digest = [&tokenizer] { return "causal " + tokenizer.Digest(); }};
  made.search.max_length = 31;  // OpenP5's 30 new tokens, and the prompt's last
  made.search.late_stop_length = true;
  if (options.openp5_compat) made.search.added_score_length = static_cast<int64_t>(longest) - 1;
  return made;
}

absl::StatusOr<ModelInput> EncodeFor(const models::LanguageModel& model,
                                     const text::Tokenizer& tokenizer,
                                     const std::vector<std::string>& inputs,
                                     const EvaluationOptions& options) {
  if (model.is_causal()) return EncodeCausal(tokenizer, inputs, options);
  return EncodeSeq2Seq(tokenizer, inputs, options);
}

decoding::BeamSearchOptions SearchOptions(decoding::BeamSearchOptions search,
                                          const EvaluationOptions& options, int64_t beams,
                                          const indexing::TokenTrie& trie, int32_t end_token) {
  search.beams = beams;
  search.end_token = end_token;
  search.pad_with_duplicates = options.openp5_compat;
  search.normalize_over_allowed = options.score_normalization == "allowed";
  if (options.max_length > 0) {
    search.max_length = options.max_length;
  } else if (!options.openp5_compat) {
    search.max_length = std::max<int64_t>(search.max_length, trie.depth() + 1);
  }
  return search;
}

// Users with prompts of near-equal length next to each other are computed fastest.
std::vector<size_t> OrderByLength(const std::vector<EncodedText>& texts) {
  std::vector<size_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return texts[a].tokens.size() > texts[b].tokens.size();
  });
  return order;
}

// `found`: Hypothesis or RankedItem, best first.
template <class Found>
void Fill(const std::vector<Found>& found, UserRanking* ranking) {
  for (const Found& one : found) {
    ranking->items.push_back(one.item);
    ranking->scores.push_back(one.score);
  }
}

// The first `count` entries of `ranking` that are not in `past` (ascending).
void RemovePast(const std::vector<int32_t>& past, size_t count, UserRanking* ranking) {
  UserRanking kept{.user = ranking->user, .target = ranking->target};
  for (size_t i = 0; i < ranking->items.size() && kept.items.size() < count; ++i) {
    if (std::binary_search(past.begin(), past.end(), ranking->items[i])) continue;
    kept.items.push_back(ranking->items[i]);
    kept.scores.push_back(ranking->scores[i]);
  }
  *ranking = std::move(kept);
}

// Calls `work` (i) for every i below `count`, in `workers` threads that share LibTorch's, until one
// fails or a signal comes; `done` (i) after each, one at a time. The failure of the smallest i.
template <class Work, class Done>
absl::Status RunInWorkers(size_t count, int workers, const Work& work, const Done& done) {
  const int threads = at::get_num_threads();
  std::atomic<size_t> next = 0;
  absl::Mutex mutex;
  size_t first_failed = count;
  absl::Status failure;
  ParallelFor(static_cast<size_t>(workers), [&](size_t) {
    at::set_num_threads(std::max(1, threads / workers));
    for (size_t i = next++; i < count && TerminationSignal() == 0; i = next++) {
      const absl::Status status = work(i);
      const absl::MutexLock lock(&mutex);
      if (!status.ok() && i < first_failed) {
        first_failed = i;
        failure = status;
      }
      if (first_failed < count) break;
      done(i);
    }
  });
  at::set_num_threads(threads);
  return failure;
}

// Searches for all users, in chunks of near-equal prompt length. `exact`: the best options.beams of
// all items by their exact scores, without a search.
class Searcher {
 public:
  Searcher(models::GenerativeModel& model, c10::Device device, const indexing::TokenTrie& trie,
           decoding::BeamSearchOptions options, bool exact, const Sharding& sharding)
      : model_(model),
        device_(device),
        trie_(trie),
        options_(options),
        exact_(exact),
        sharding_(sharding) {}

  // Fills items and scores of `rankings` [users]. `excluded` [users] or empty.
  absl::Status Search(const std::vector<EncodedText>& inputs,
                      const std::vector<std::vector<int32_t>>& excluded, size_t chunk,
                      ProgressBar* progress, std::vector<UserRanking>* rankings) {
    const std::vector<size_t> order = OrderByLength(inputs);
    std::vector<size_t> begins;
    for (size_t begin = 0; begin < order.size(); begin += chunk) {
      if (sharding_.Owns(begin / chunk)) begins.push_back(begin);
    }
    const auto search = [&](size_t begin) {
      const auto users = std::span(order).subspan(begin, std::min(chunk, order.size() - begin));
      return CatchTorch("evaluation",
                        [&] { return SearchChunk(inputs, excluded, users, rankings); });
    };
    // While one chunk of this shard is computed, so is one of each other.
    const size_t round = chunk * static_cast<size_t>(sharding_.count);
    OPENP5_RETURN_IF_ERROR(RunInWorkers(
        begins.size(), Workers(begins.size()), [&](size_t i) { return search(begins[i]); },
        [&](size_t i) {
          if (progress == nullptr) return;
          progress->Advance(static_cast<int64_t>(std::min(round, order.size() - begins[i])));
        }));
    return sharding_.Finish(order, chunk, rankings);
  }

 private:
  // Chunks that are computed at the same time: each on its own threads, which never wait for each
  // other as those of one matrix product do.
  int Workers(size_t chunks) const {
    if (!device_.is_cpu()) return 1;
    return static_cast<int>(
        std::clamp<size_t>(chunks, 1, static_cast<size_t>(at::get_num_threads())));
  }

  absl::Status SearchChunk(const std::vector<EncodedText>& inputs,
                           const std::vector<std::vector<int32_t>>& excluded,
                           std::span<const size_t> users, std::vector<UserRanking>* rankings) {
    const c10::AutoGradMode no_gradients(false);
    std::vector<const EncodedText*> texts;
    std::vector<std::vector<int32_t>> chunk_excluded;
    for (const size_t user : users) {
      texts.push_back(&inputs[user]);
      if (!excluded.empty()) chunk_excluded.push_back(excluded[user]);
    }
    const auto fill = [&](const auto& found) {
      for (size_t i = 0; i < users.size(); ++i) Fill(found[i], &(*rankings)[users[i]]);
    };
    const models::PackedBatch prompts = Pack(texts, device_);
    if (exact_) {
      OPENP5_ASSIGN_OR_RETURN(
          const auto ranked,
          decoding::RankAllItems(model_, prompts, trie_, chunk_excluded, ExactOptions()));
      fill(ranked);
    } else {
      OPENP5_ASSIGN_OR_RETURN(
          const auto found, decoding::BeamSearch(model_, prompts, trie_, chunk_excluded, options_));
      fill(found);
    }
    return absl::OkStatus();
  }

  decoding::ExactRankingOptions ExactOptions() const {
    return {.count = options_.beams,
            .added_score_length = options_.added_score_length,
            .normalize_over_allowed = options_.normalize_over_allowed};
  }

  models::GenerativeModel& model_;
  const c10::Device device_;
  const indexing::TokenTrie& trie_;
  const decoding::BeamSearchOptions options_;
  const bool exact_;
  const Sharding sharding_;
};

}  // namespace

absl::StatusOr<RankingResult> RankingEvaluator::Evaluate(const IndexedDataset& dataset,
                                                         const datasets::PromptSet& prompts,
                                                         const std::string& task,
                                                         const std::vector<Metric>& metrics,
                                                         const EvaluationOptions& options) {
  OPENP5_RETURN_IF_ERROR(options.Check());
  OPENP5_ASSIGN_OR_RETURN(const datasets::PromptTemplate* prompt,
                          prompts.Find(task, options.prompt));
  const auto positions = EvaluationPositions(dataset.dataset(), options);
  RankingResult result{.dataset = dataset.name(),
                       .task = task,
                       .split = options.split,
                       .prompt = options.prompt,
                       .prompt_digest = prompt->Digest(),
                       .filter = options.FilterName(),
                       .score_normalization = options.score_normalization};
  std::vector<std::string> inputs;
  std::vector<std::vector<int32_t>> past;
  size_t longest_past = 0;
  for (const datasets::Position& position : positions) {
    inputs.push_back(dataset.writer().Write(*prompt, position).input);
    result.rankings.push_back({.user = position.user,
                               .target = dataset.dataset().Sequence(
                                   position.user)[static_cast<size_t>(position.target)]});
    if (!options.filtered && !options.filtered_batch) continue;
    past.push_back(PastItems(dataset.dataset(), position));
  }
  if (options.filtered_batch) {
    // Of all users, not only those asked for: the width must not depend on --users.
    for (const auto& position : datasets::SplitPositions(dataset.dataset(), options.SplitKind(),
                                                         /*skip_empty_history=*/true)) {
      longest_past = std::max(longest_past, PastItems(dataset.dataset(), position).size());
    }
  }
  const int64_t wanted = options.beams > 0 ? options.beams : LargestK(metrics);
  const auto start = std::chrono::steady_clock::now();
  ProgressBar progress(StrCat("evaluate ", dataset.name(), " ", task),
                       static_cast<int64_t>(positions.size()), "users");
  OPENP5_ASSIGN_OR_RETURN(const ModelInput input, EncodeFor(model_, tokenizer_, inputs, options));
  OPENP5_ASSIGN_OR_RETURN(const indexing::TokenTrie trie, CandidateTrie(dataset, input.candidates));
  Searcher searcher(
      model_, device_, trie,
      SearchOptions(input.search, options, wanted + static_cast<int64_t>(longest_past), trie,
                    tokenizer_.eos_id()),
      options.exact, sharding_);
  OPENP5_RETURN_IF_ERROR(
      searcher.Search(input.prompts, options.filtered ? past : std::vector<std::vector<int32_t>>(),
                      static_cast<size_t>(options.eval_batch_size), &progress, &result.rankings));
  progress.Finish();
  if (options.filtered_batch) {
    result.unfiltered_metrics = AverageMetrics(metrics, result.rankings);
    for (size_t i = 0; i < result.rankings.size(); ++i) {
      RemovePast(past[i], static_cast<size_t>(wanted), &result.rankings[i]);
    }
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.metrics = AverageMetrics(metrics, result.rankings);
  return result;
}

absl::Status RankingEvaluator::Check(const IndexedDataset& dataset,
                                     const datasets::PromptSet& prompts, const std::string& task,
                                     const EvaluationOptions& options) const {
  OPENP5_RETURN_IF_ERROR(options.Check());
  OPENP5_RETURN_IF_ERROR(prompts.Find(task, options.prompt).status());
  OPENP5_ASSIGN_OR_RETURN(const ModelInput input, EncodeFor(model_, tokenizer_, {}, options));
  return CandidateTrie(dataset, input.candidates).status();
}

absl::StatusOr<UserRanking> RankingEvaluator::Recommend(const IndexedDataset& dataset,
                                                        const std::string& input,
                                                        const std::vector<int32_t>& excluded,
                                                        int64_t count,
                                                        const EvaluationOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(const ModelInput encoded,
                          EncodeFor(model_, tokenizer_, {input}, options));
  OPENP5_ASSIGN_OR_RETURN(const indexing::TokenTrie trie,
                          CandidateTrie(dataset, encoded.candidates));
  Searcher searcher(model_, device_, trie,
                    SearchOptions(encoded.search, options, std::max(count, options.beams), trie,
                                  tokenizer_.eos_id()),
                    options.exact, {});
  std::vector<UserRanking> rankings(1);
  OPENP5_RETURN_IF_ERROR(searcher.Search(encoded.prompts, {excluded}, 1, nullptr, &rankings));
  UserRanking& ranking = rankings.front();
  const size_t length = std::min(ranking.items.size(), static_cast<size_t>(count));
  ranking.items.resize(length);
  ranking.scores.resize(length);
  return std::move(ranking);
}

}  // namespace openp5::evaluators
