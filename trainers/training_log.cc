#include "trainers/training_log.h"

#include "absl/strings/str_format.h"
#include "evaluators/report.h"
#include "platform/base/log.h"
#include "platform/base/memory.h"

namespace openp5::trainers {

std::string TrainingLog::Note(const TrainingPosition& position, const Throughput& throughput) {
  return absl::StrFormat("loss %.4f, %.0f tokens/s, %s, padding %.0f%%",
                         Joined(position.losses).Value(), throughput.tokens_per_second,
                         MemoryText(ResidentMemory().value_or(0)), throughput.padding_share * 100);
}

// The means of the groups that have one, by their names.
GroupValues TrainingLog::ByGroup(const std::vector<LossMean>& losses) const {
  GroupValues values;
  for (size_t group = 0; group < losses.size(); ++group) {
    if (losses[group].weight > 0) values.emplace_back(groups_[group].name, losses[group].Value());
  }
  return values;
}

absl::Status TrainingLog::Step(const TrainingPosition& position, const StepNote& note) const {
  if (folder_ == nullptr) return absl::OkStatus();
  return folder_->Log(StepMetrics{.epoch = position.epoch + 1,
                                  .step = position.step,
                                  .loss = Joined(position.losses).Value(),
                                  .losses = ByGroup(position.losses),
                                  .learning_rate = note.learning_rate,
                                  .gradient_norm = note.gradient_norm,
                                  .throughput = note.throughput,
                                  .resident_memory_bytes = ResidentMemory().value_or(0),
                                  .seconds_left = note.seconds_left});
}

absl::Status TrainingLog::Epoch(const TrainingPosition& position, const EpochNote& note) const {
  Show(position, note);
  EpochMetrics metrics{.epoch = position.epoch,
                       .step = position.step,
                       .train_loss = position.train_loss,
                       .train_losses = ByGroup(position.losses),
                       .seconds = note.seconds,
                       .best = note.is_best};
  if (selection_.by() != SelectBy::kNothing) {
    metrics.validation_loss = position.validation_loss;
    metrics.validation_losses = ByGroup(note.validation.losses);
  }
  if (selection_.by() == SelectBy::kMetric) {
    metrics.validation_metric = selection_.Measured(note.validation.value);
    metrics.validation_results = evaluators::ResultsToJson(note.validation.rankings)["results"];
  }
  return Write(metrics);
}

void TrainingLog::Show(const TrainingPosition& position, const EpochNote& note) const {
  const auto validated = [this](double loss) {
    if (selection_.by() == SelectBy::kNothing) return std::string();
    return absl::StrFormat(", validation loss %.4f", loss);
  };
  LogInfo(absl::StrFormat("epoch %d: train loss %.4f%s%s", position.epoch, position.train_loss,
                          validated(position.validation_loss), note.is_best ? " (best)" : ""));
  if (groups_.size() == 1) return;
  for (size_t group = 0; group < groups_.size(); ++group) {
    LogInfo(absl::StrFormat("  %s: train loss %.4f%s", groups_[group].name,
                            position.losses[group].Value(),
                            validated(note.validation.losses[group].Value())));
  }
}

absl::Status TrainingLog::Test(const TrainingPosition& position, const std::string& checkpoint,
                               int64_t epoch,
                               const std::vector<evaluators::RankingResult>& results) const {
  const nlohmann::ordered_json json = evaluators::ResultsToJson(results);
  // The results of the best checkpoint are what the command prints.
  if (checkpoint.empty()) LogInfoLines(evaluators::ResultsTable(results));
  return Write(TestMetrics{.checkpoint = checkpoint,
                           .epoch = epoch,
                           .step = position.step,
                           .results = json["results"],
                           .users_per_second = json["users_per_second"]});
}

absl::Status TrainingLog::Write(const RunMetrics& metrics) const {
  if (folder_ == nullptr) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(folder_->Log(metrics));
  return folder_->WriteReport();
}

}  // namespace openp5::trainers
