#include "evaluators/sasrec_evaluator.h"

#include <c10/core/GradMode.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "evaluators/best_items.h"
#include "evaluators/evaluation_users.h"
#include "platform/base/progress.h"
#include "platform/base/signals.h"
#include "platform/tensor/runtime.h"

namespace openp5::evaluators {
namespace {

using History = std::span<const int32_t>;

// Ranks by a row of scores, by item number.
void Rank(const at::Tensor& scores, const std::vector<int32_t>& excluded, size_t count,
          UserRanking* ranking) {
  const float* values = scores.const_data_ptr<float>();
  std::vector<ScoredItem> candidates;
  candidates.reserve(static_cast<size_t>(scores.size(0)));
  auto next_excluded = excluded.begin();
  for (int32_t item = 0; item < scores.size(0); ++item) {
    if (next_excluded != excluded.end() && *next_excluded == item) {
      ++next_excluded;
    } else {
      candidates.push_back({item, values[item]});
    }
  }
  RankBest(count, &candidates, ranking);
}

// What is asked about each user, and the lists to be filled.
struct Questions {
  std::vector<History> histories;
  std::vector<UserRanking> rankings;
};

Questions Ask(const datasets::SequenceDataset& dataset,
              const std::vector<datasets::Position>& positions) {
  Questions questions;
  for (const datasets::Position& position : positions) {
    const History sequence = dataset.Sequence(position.user);
    const auto target = static_cast<size_t>(position.target);
    questions.histories.push_back(sequence.first(target));
    questions.rankings.push_back({.user = position.user, .target = sequence[target]});
  }
  return questions;
}

// Histories of near-equal length next to each other are computed fastest.
std::vector<size_t> OrderByLength(const std::vector<History>& histories) {
  std::vector<size_t> order(histories.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return histories[a].size() > histories[b].size(); });
  return order;
}

}  // namespace

models::PackedBatch PackHistories(std::span<const History> histories, std::span<const int64_t> rows,
                                  int64_t max_length, c10::Device device) {
  models::PackedBatch batch;
  std::vector<int64_t> tokens;
  for (const History& history : histories) {
    const History latest = history.last(std::min(history.size(), static_cast<size_t>(max_length)));
    for (const int32_t item : latest) tokens.push_back(rows[static_cast<size_t>(item)]);
    batch.lengths.push_back(static_cast<int64_t>(latest.size()));
  }
  batch.tokens = torch::tensor(tokens, torch::kLong).to(device);
  return batch;
}

at::Tensor LastPositions(const models::PackedBatch& batch) {
  std::vector<int64_t> last;
  int64_t end = 0;
  for (const int64_t length : batch.lengths) last.push_back((end += length) - 1);
  return torch::tensor(last, torch::kLong).to(batch.tokens.device());
}

SasrecEvaluator::SasrecEvaluator(const models::SasrecModel& model,
                                 const datasets::SequenceDataset& dataset,
                                 std::vector<int64_t> rows, c10::Device device, Sharding sharding)
    : model_(model),
      dataset_(dataset),
      rows_(std::move(rows)),
      device_(device),
      sharding_(std::move(sharding)) {
  OPENP5_CHECK(static_cast<int64_t>(rows_.size()) == dataset.item_count());
}

at::Tensor SasrecEvaluator::Score(std::span<const History> histories) const {
  const c10::AutoGradMode no_gradients(false);
  const models::PackedBatch batch =
      PackHistories(histories, rows_, model_.config().max_length, device_);
  const at::Tensor states = model_.Forward(batch).index_select(0, LastPositions(batch));
  const at::Tensor rows = torch::tensor(rows_, torch::kLong).to(device_);
  return model_.Scores(states).index_select(1, rows).to(at::kCPU).contiguous();
}

absl::StatusOr<RankingResult> SasrecEvaluator::Evaluate(const std::string& task,
                                                        const std::vector<Metric>& metrics,
                                                        const EvaluationOptions& options) const {
  OPENP5_RETURN_IF_ERROR(options.Check());
  const auto start = std::chrono::steady_clock::now();
  RankingResult result{.dataset = dataset_.name(),
                       .task = task,
                       .split = options.split,
                       .prompt = options.prompt,
                       .filter = options.FilterName()};
  const auto positions = EvaluationPositions(dataset_, options);
  Questions questions = Ask(dataset_, positions);
  const auto length = static_cast<size_t>(std::max(options.beams, LargestK(metrics)));
  const bool filtered = options.filtered || options.filtered_batch;
  const auto rank_batch = [&](std::span<const size_t> users) {
    std::vector<History> part;
    for (const size_t user : users) part.push_back(questions.histories[user]);
    const at::Tensor scores = Score(part);
    for (size_t i = 0; i < users.size(); ++i) {
      Rank(scores[static_cast<int64_t>(i)],
           filtered ? PastItems(dataset_, positions[users[i]]) : std::vector<int32_t>(), length,
           &questions.rankings[users[i]]);
    }
    return absl::OkStatus();
  };
  const std::vector<size_t> order = OrderByLength(questions.histories);
  const auto batch_size = static_cast<size_t>(options.eval_batch_size);
  ProgressBar progress(StrCat("evaluate ", dataset_.name()), static_cast<int64_t>(order.size()),
                       "users");
  for (size_t begin = 0; begin < order.size() && TerminationSignal() == 0; begin += batch_size) {
    const auto users = std::span(order).subspan(begin, std::min(batch_size, order.size() - begin));
    if (sharding_.Owns(begin / batch_size)) {
      OPENP5_RETURN_IF_ERROR(CatchTorch("evaluation", [&] { return rank_batch(users); }));
    }
    progress.Advance(static_cast<int64_t>(users.size()));
  }
  OPENP5_RETURN_IF_ERROR(sharding_.Finish(order, batch_size, &questions.rankings));
  progress.Finish();
  result.rankings = std::move(questions.rankings);
  result.metrics = AverageMetrics(metrics, result.rankings);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

absl::StatusOr<UserRanking> SasrecEvaluator::Recommend(History history,
                                                       const std::vector<int32_t>& excluded,
                                                       int64_t count) const {
  UserRanking ranking;
  OPENP5_RETURN_IF_ERROR(CatchTorch("recommendation", [&] {
    Rank(Score(std::span(&history, 1))[0], excluded, static_cast<size_t>(count), &ranking);
    return absl::OkStatus();
  }));
  return ranking;
}

}  // namespace openp5::evaluators
