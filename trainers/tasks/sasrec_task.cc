#include "trainers/tasks/sasrec_task.h"

#include <torch/types.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "checkpoints/sasrec_folder.h"
#include "platform/base/random.h"
#include "platform/models/sasrec/pack_histories.h"

namespace openp5::trainers {
namespace {

using History = std::span<const int32_t>;

constexpr size_t kFewestItems = 2;  // one to see, one to predict
constexpr double kDropout = 0.5;    // the paper's for sparse data

std::vector<int64_t> Count(int64_t size) {
  std::vector<int64_t> numbers(static_cast<size_t>(size));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

}  // namespace

void SasrecOptions::ForEach(OptionVisitor& visitor) {
  constexpr double kMany = 1e5;
  visitor.Visit({.name = "sasrec-hidden-size",
                 .help = "size of SASRec's embeddings and states",
                 .minimum = 1,
                 .maximum = kMany},
                &hidden_size);
  visitor.Visit({.name = "sasrec-layers",
                 .help = "SASRec's layers of self-attention",
                 .minimum = 1,
                 .maximum = 1000},
                &layers);
  visitor.Visit({.name = "sasrec-heads",
                 .help = "heads of each layer; a divisor of the hidden size",
                 .minimum = 1,
                 .maximum = kMany},
                &heads);
  visitor.Visit({.name = "sasrec-max-length",
                 .help = "latest items of a history that SASRec sees",
                 .minimum = 1,
                 .maximum = kMany},
                &max_length);
  visitor.Visit({.name = "sasrec-loss",
                 .help = "cross entropy over all items, or over items sampled for each batch"},
                &loss);
  visitor.Visit({.name = "sasrec-negatives",
                 .help = "items sampled for each batch",
                 .minimum = 1,
                 .maximum = 1e7},
                &negatives);
}

absl::Status SasrecOptions::Check() const {
  if (hidden_size % heads == 0) return absl::OkStatus();
  return UsageError(StrCat("--sasrec-heads: expected a divisor of --sasrec-hidden-size ",
                           hidden_size, ", got ", heads));
}

models::SasrecConfig SasrecOptions::Config(int64_t item_count) const {
  return {.item_count = item_count,
          .hidden_size = hidden_size,
          .num_layers = layers,
          .num_heads = heads,
          .max_length = max_length};
}

absl::StatusOr<std::unique_ptr<SasrecTask>> SasrecTask::Create(const SasrecSetup& setup) {
  auto task = std::unique_ptr<SasrecTask>(new SasrecTask(setup));
  if (task->users_.empty()) {
    return InvalidArgument(setup.dataset->name(),
                           ": no training samples; expected a user with at least four items");
  }
  return task;
}

SasrecTask::SasrecTask(const SasrecSetup& setup)
    : setup_(setup),
      rows_(Count(setup.dataset->item_count())),
      recommender_(recommenders::MakeSasrec(*setup.model, *setup.dataset, rows_, setup.device)) {
  for (int32_t user = 0; user < setup.dataset->user_count(); ++user) {
    if (setup.dataset->TrainPart(user).size() >= kFewestItems) users_.push_back(user);
  }
}

AdamWOptions SasrecTask::optimizer() const {
  return {.torch_form = true, .undecayed = {"bias", "norm.weight"}};
}

std::vector<TaskGroup> SasrecTask::groups() const {
  return {{.size = static_cast<int64_t>(users_.size()), .name = setup_.dataset->name()}};
}

absl::StatusOr<models::TrainingBatch> SasrecTask::MakeBatch(
    int64_t, std::span<const int32_t> samples) const {
  const int64_t max_length = setup_.model->config().max_length;
  std::vector<History> parts;
  for (const int32_t sample : samples) {
    const History part = setup_.dataset->TrainPart(users_[static_cast<size_t>(sample)]);
    parts.push_back(part.last(std::min(part.size(), static_cast<size_t>(max_length) + 1)));
  }
  // Histories of near-equal length next to each other are computed fastest.
  std::stable_sort(parts.begin(), parts.end(),
                   [](const History& a, const History& b) { return a.size() > b.size(); });
  std::vector<History> seen, next;
  for (const History& part : parts) {
    seen.push_back(part.first(part.size() - 1));
    next.push_back(part.last(part.size() - 1));
  }
  models::TrainingBatch batch;
  batch.input = models::PackHistories(seen, rows_, max_length, setup_.device);
  batch.labels = models::PackHistories(next, rows_, max_length, setup_.device);
  batch.label_positions = torch::arange(batch.input.tokens.size(0), torch::kLong).to(setup_.device);
  if (setup_.negatives > 0) batch.negatives = Negatives(batch.labels.tokens.to(at::kCPU));
  return batch;
}

int64_t SasrecTask::ValidationSize(int64_t) const { return setup_.dataset->user_count(); }

absl::StatusOr<models::TrainingBatch> SasrecTask::MakeValidationBatch(int64_t, int64_t begin,
                                                                      int64_t end) const {
  const int64_t max_length = setup_.model->config().max_length;
  std::vector<History> seen, targets;
  for (auto user = static_cast<int32_t>(begin); user < end; ++user) {
    seen.push_back(setup_.dataset->TrainPart(user));
    targets.push_back(setup_.dataset->Sequence(user).subspan(seen.back().size(), 1));
  }
  models::TrainingBatch batch;
  batch.input = models::PackHistories(seen, rows_, max_length, setup_.device);
  batch.labels = models::PackHistories(targets, rows_, max_length, setup_.device);
  batch.label_positions = models::LastPositions(batch.input);
  return batch;
}

// The items that the loss of a batch with `labels`, on the CPU, is over: [n] int64.
at::Tensor SasrecTask::Negatives(const at::Tensor& labels) const {
  uint64_t seed = setup_.seed + 0x9E3779B97F4A7C15u * static_cast<uint64_t>(epoch_ + 1);
  for (const int64_t label : std::span(labels.const_data_ptr<int64_t>(), labels.numel())) {
    seed = seed * 6364136223846793005u + static_cast<uint64_t>(label) + 1;
  }
  Random random(seed);
  return torch::tensor(random.Draw(setup_.negatives, setup_.dataset->item_count()), torch::kLong)
      .to(setup_.device);
}

at::Tensor SasrecTask::Loss(const models::TrainingBatch& batch) {
  return setup_.model->Losses(batch).mean();
}

double SasrecTask::Weight(const models::TrainingBatch& batch) const {
  return static_cast<double>(batch.labels.tokens.size(0));
}

void SasrecTask::SetTraining(bool training, const DropoutRates& dropout) {
  setup_.model->SetTraining(training, dropout.hidden < 0 ? kDropout : dropout.hidden,
                            dropout.attention);
}

absl::StatusOr<std::vector<evaluators::RankingResult>> SasrecTask::Evaluate(
    datasets::Split split, const std::vector<evaluators::Metric>& metrics) {
  evaluators::EvaluationOptions options = setup_.evaluation;
  options.split = split;
  OPENP5_ASSIGN_OR_RETURN(auto result,
                          evaluators::Evaluate(*recommender_, /*dataset=*/0, "sequential", metrics,
                                               options, setup_.sharding));
  std::vector<evaluators::RankingResult> results;
  results.push_back(std::move(result));
  return results;
}

absl::StatusOr<int64_t> SasrecTask::EvaluationMemory(int64_t length) {
  return evaluators::EvaluationMemory(*recommender_, /*dataset=*/0, "sequential", length,
                                      setup_.evaluation);
}

absl::Status SasrecTask::Save(const std::string& path, const NamedTensors& weights,
                              const nlohmann::json& metrics) const {
  checkpoints::SasrecFolder folder{.config = setup_.model->config(),
                                   .weights = weights,
                                   .dataset = setup_.dataset->name(),
                                   .dataset_digest = setup_.dataset->digest(),
                                   .training = setup_.description,
                                   .metrics = metrics};
  for (int32_t item = 0; item < setup_.dataset->item_count(); ++item) {
    folder.item_ids.emplace_back(setup_.dataset->ItemId(item));
  }
  return checkpoints::WriteSasrecFolder(path, folder);
}

}  // namespace openp5::trainers
