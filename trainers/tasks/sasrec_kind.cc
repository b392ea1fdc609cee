#include <utility>

#include "platform/base/memory.h"
#include "trainers/tasks/sasrec_task.h"
#include "trainers/tasks/task_kinds.h"

namespace openp5::trainers {
namespace {

// What the task refers to.
struct Made {
  datasets::SequenceDataset dataset;
  std::unique_ptr<models::SasrecModel> model;
};

absl::StatusOr<std::unique_ptr<TrainingTask>> Make(TaskRequest request,
                                                   const OptionGroup& options) {
  const auto& sasrec = OptionsOf<SasrecOptions>(options);
  auto made = std::make_shared<Made>(Made{std::move(request.datasets.front()), nullptr});
  const models::SasrecConfig config = sasrec.Config(made->dataset.item_count());
  constexpr int64_t kTrainingBytes = 4 * sizeof(float);  // weight, gradient and two moments
  OPENP5_RETURN_IF_ERROR(CheckMemory("SASRec", config.CountParameters() * kTrainingBytes));
  const auto seed = static_cast<uint64_t>(request.train.seed);
  OPENP5_RETURN_IF_ERROR(CatchTorch("SASRec", [&] {
    made->model = models::SasrecModel::Create(config, seed);
    made->model->To(request.runtime.device);
    made->model->SetComputeType(request.runtime.compute_type);
    return absl::OkStatus();
  }));
  nlohmann::json description = DescribeTraining(request.train);
  ToJson(sasrec, &description);
  return SasrecTask::Create({.model = made->model.get(),
                             .dataset = &made->dataset,
                             .device = request.runtime.device,
                             .negatives = sasrec.SampledNegatives(),
                             .seed = seed,
                             .evaluation = request.evaluation,
                             .sharding = request.sharding,
                             .description = std::move(description),
                             .owner = made});
}

}  // namespace

TaskKind SasrecTaskKind() {
  TaskKind kind{.help = "a SASRec, which needs neither identifiers nor prompts nor tokenizer",
                .make_options = MakeOptionGroup<SasrecOptions>,
                .make = Make};
  for (const std::string& name : OptionNames(datasets::HistoryOptions())) kind.ignored[name] = "";
  for (const char* name : {"label-smoothing", "pack-targets", "gradient-checkpointing",
                           "sample-prompt", "openp5-compat", "loss-tokens", "response-mark"}) {
    kind.ignored[name] = "";
  }
  kind.ignored["max-history"] = "sasrec-max-length";
  return kind;
}

}  // namespace openp5::trainers
