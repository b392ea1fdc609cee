#include "trainers/run_saver.h"

#include <c10/core/GradMode.h>

#include <cmath>
#include <memory>
#include <utility>

#include "checkpoints/checkpoint.h"
#include "platform/base/log.h"
#include "platform/models/common/language_model.h"

namespace openp5::trainers {
namespace {

constexpr char kBest[] = "best";
constexpr char kLast[] = "last";
constexpr char kEpochPrefix[] = "epoch-";

// The checkpoint of an epoch, counted from 1.
std::string EpochName(int64_t epoch) { return StrCat(kEpochPrefix, epoch); }

bool EndsEpoch(const TrainingPosition& position) { return position.batch == 0; }

// What a checkpoint's manifest says was measured: a function of the position, so that a checkpoint
// that is written again has the same bytes.
nlohmann::json MetricsAt(const TrainingPosition& position) {
  nlohmann::json metrics = {{"epoch", position.epoch}, {"step", position.step}};
  if (!EndsEpoch(position)) return metrics;
  metrics["train_loss"] = position.train_loss;
  if (std::isfinite(position.validation_loss)) {
    metrics["validation_loss"] = position.validation_loss;
  }
  return metrics;
}

bool IsBest(const TrainingPosition& position) {
  return !position.best.empty() && position.best.front().epoch + 1 == position.epoch;
}

// The epoch that the manifest of a checkpoint names; 0 if there is no whole checkpoint.
int64_t EpochOf(const std::string& path) {
  const absl::StatusOr<checkpoints::Manifest> manifest = checkpoints::ReadManifest(path);
  if (!manifest.ok() || !manifest->metrics.contains("epoch")) return 0;
  const nlohmann::json& epoch = manifest->metrics["epoch"];
  return epoch.is_number_integer() ? epoch.get<int64_t>() : 0;
}

}  // namespace

std::vector<std::string> RunSaver::EpochCheckpoints(const TrainingPosition& position) const {
  std::vector<std::string> names;
  if (!EndsEpoch(position)) return names;
  if (IsBest(position)) names.push_back(kBest);
  for (const std::string& kept : KeptEpochs(position)) {
    if (kept == EpochName(position.epoch)) names.push_back(kept);
  }
  return names;
}

std::vector<std::string> RunSaver::KeptEpochs(const TrainingPosition& position) const {
  std::vector<std::string> names;
  const auto keep = static_cast<size_t>(options_.selection.keep_best);
  if (keep == 1) return names;  // `best` is that one
  for (const EpochValue& one : position.best) names.push_back(EpochName(one.epoch + 1));
  if (names.size() > keep) names.resize(keep);
  return names;
}

absl::Status RunSaver::Begin(AdamW* optimizer, TrainingPosition* position) {
  if (folder_ == nullptr) return absl::OkStatus();
  if (folder_->HasState()) {
    const NamedTensors trained = models::TrainedParameters(task_.parameters());
    OPENP5_ASSIGN_OR_RETURN(*position, LoadTrainingState(folder_->StatePath(), trained, optimizer));
    OPENP5_RETURN_IF_ERROR(CheckFrozen(position));
    OPENP5_RETURN_IF_ERROR(folder_->CutLog(position->log_bytes));
    OPENP5_RETURN_IF_ERROR(Repair(*position));
  } else {
    OPENP5_RETURN_IF_ERROR(folder_->ClearLog());
  }
  return folder_->BeginEvents(position->step);
}

// The state of an adapter says nothing to another backbone.
absl::Status RunSaver::CheckFrozen(TrainingPosition* position) const {
  const std::string before = std::exchange(position->frozen, task_.FrozenDigest());
  if (before.empty() || before == position->frozen) return absl::OkStatus();
  return FailedPrecondition(folder_->StatePath(), ": trained on a backbone of digest ", before,
                            ", got one of ", position->frozen,
                            "; hint: its weights have changed since the run began");
}

bool RunSaver::IsDue(int64_t step) const {
  const SavingOptions& saving = options_.saving;
  if (saving.save_steps > 0 && step % saving.save_steps == 0) return true;
  return saving.save_minutes > 0 &&
         Clock::now() - saved_ >=
             std::chrono::duration<double, std::ratio<60>>(saving.save_minutes);
}

absl::Status RunSaver::Save(const AdamW& optimizer, TrainingPosition* position) {
  saved_ = Clock::now();
  if (folder_ == nullptr) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(writer_.Wait());
  position->log_bytes = folder_->LogBytes();
  auto state = std::make_shared<const NamedTensors>(
      CopyTrainingState(models::TrainedParameters(task_.parameters()), optimizer, *position));
  return writer_.Start([this, state, metrics = MetricsAt(*position),
                        checkpoints = EpochCheckpoints(*position),
                        kept = KeptEpochs(*position)]() -> absl::Status {
    const NamedTensors weights = WeightsOfState(*state);
    for (const std::string& name : checkpoints) {
      OPENP5_RETURN_IF_ERROR(task_.Save(folder_->CheckpointPath(name), weights, metrics));
    }
    // The state says how long the log is: no crash may leave a longer state than log.
    OPENP5_RETURN_IF_ERROR(folder_->SyncLog());
    OPENP5_RETURN_IF_ERROR(WriteTrainingState(folder_->StatePath(), *state));
    OPENP5_RETURN_IF_ERROR(task_.Save(folder_->CheckpointPath(kLast), weights, metrics));
    return folder_->RemoveCheckpoints(kEpochPrefix, kept);
  });
}

// True if checkpoint `name` is whole, byte for byte, and was made where `metrics` says.
bool RunSaver::Stands(const std::string& name, const nlohmann::json& metrics) const {
  const std::string path = folder_->CheckpointPath(name);
  const absl::StatusOr<checkpoints::Manifest> manifest = checkpoints::ReadManifest(path);
  return manifest.ok() && manifest->metrics == metrics && checkpoints::VerifyCheckpoint(path).ok();
}

absl::Status RunSaver::Repair(const TrainingPosition& position) {
  NamedTensors weights;
  for (const auto& [name, tensor] : models::TrainedParameters(task_.parameters())) {
    weights.emplace_back(name, tensor.detach());
  }
  const nlohmann::json metrics = MetricsAt(position);
  std::vector<std::string> names = EpochCheckpoints(position);
  names.push_back(kLast);
  for (const std::string& name : names) {
    if (Stands(name, metrics)) continue;
    const std::string path = folder_->CheckpointPath(name);
    LogInfo(StrCat(path, ": written again, the last save did not get so far"));
    OPENP5_RETURN_IF_ERROR(task_.Save(path, weights, metrics));
  }
  return folder_->RemoveCheckpoints(kEpochPrefix, KeptEpochs(position));
}

absl::Status RunSaver::LoadBest() const {
  if (folder_ == nullptr) return absl::OkStatus();
  const std::string path = folder_->CheckpointPath(kBest);
  OPENP5_ASSIGN_OR_RETURN(const NamedTensors best, checkpoints::ReadWeights(path));
  const c10::AutoGradMode no_gradients(false);
  for (const auto& [name, parameter] : models::TrainedParameters(task_.parameters())) {
    const at::Tensor* weight = FindTensor(best, name);
    if (weight == nullptr || weight->sizes() != parameter.sizes()) {
      return DataLoss(path, ": tensor '", name, "' is missing or of another shape");
    }
    parameter.copy_(*weight);
  }
  return absl::OkStatus();
}

absl::Status RunSaver::CheckComplete(const TrainingPosition& position) const {
  if (folder_ == nullptr) return absl::OkStatus();
  const std::string hint = "; hint: train again in another folder";
  const std::string last = folder_->CheckpointPath(kLast);
  if (EpochOf(last) != position.epoch) {
    return DataLoss(last, ": expected the checkpoint of epoch ", position.epoch, hint);
  }
  if (position.best.empty()) return absl::OkStatus();
  const std::string best = folder_->CheckpointPath(kBest);
  const int64_t epoch = position.best.front().epoch + 1;
  if (EpochOf(best) != epoch) {
    return DataLoss(best, ": expected the checkpoint of epoch ", epoch, ", the best one", hint);
  }
  return absl::OkStatus();
}

}  // namespace openp5::trainers
