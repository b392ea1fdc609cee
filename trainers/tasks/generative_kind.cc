#include <utility>

#include "checkpoints/adapter_backbone.h"
#include "platform/recommenders/load_model.h"
#include "platform/text/number_tokens.h"
#include "trainers/tasks/generative_task.h"
#include "trainers/tasks/task_kinds.h"

namespace openp5::trainers {
namespace {

using recommenders::BackboneOptions;

// What the task refers to.
struct Made {
  datasets::PromptSet prompts;
  recommenders::LoadedModel loaded;
  std::vector<std::unique_ptr<indexing::IndexedDataset>> datasets;
};

nlohmann::json Describe(const TaskRequest& request, const BackboneOptions& backbone) {
  nlohmann::json json = DescribeTraining(request.train);
  ToJson(request.reading.history, &json);
  json["backbone"] = backbone.backbone;
  json["tasks"] = request.reading.tasks;
  return json;
}

// An adapter's checkpoints hold what is trained, and name the model that has the rest.
absl::Status NameBackbone(const BackboneOptions& backbone, const TrainOptions& train,
                          const recommenders::LoadedModel& loaded, GenerativeSetup* setup) {
  if (!backbone.lora) return absl::OkStatus();
  std::vector<int64_t> drawn;
  if (train.random_initialize) {
    const std::vector<int32_t> ids = text::NumberTokenIds(*loaded.tokenizer);
    drawn.assign(ids.begin(), ids.end());
  }
  OPENP5_ASSIGN_OR_RETURN(setup->backbone, checkpoints::NameFrozenWeights(
                                               backbone.backbone, train.seed, *loaded.model));
  setup->replaced_rows =
      checkpoints::ReplacedRows(*loaded.model, std::move(drawn), loaded.backbone_rows);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<TrainingTask>> Make(TaskRequest request,
                                                   const OptionGroup& options) {
  const auto& backbone = OptionsOf<BackboneOptions>(options);
  const auto seed = static_cast<uint64_t>(request.train.seed);
  const bool compat = request.train.openp5_compat;
  if (request.train.loss_tokens == LossTokens::kChoices &&
      request.reading.score_normalization != "allowed") {
    return UsageError(
        "--loss-tokens choices: expected --score-normalization allowed with it, since the model "
        "never learns the other tokens' scores");
  }
  auto made = std::make_shared<Made>(
      Made{.prompts = std::move(request.prompts), .loaded = {}, .datasets = {}});
  recommenders::LoadedModel& loaded = made->loaded;
  OPENP5_ASSIGN_OR_RETURN(
      loaded, recommenders::CreateModel(backbone, request.datasets, request.index,
                                        {.seed = seed, .openp5_compat = compat}, request.runtime));
  if (request.train.random_initialize) {
    RandomInitialize(*loaded.model, *loaded.tokenizer, seed, compat);
  }
  OPENP5_ASSIGN_OR_RETURN(made->datasets, recommenders::JoinIndexes(std::move(request.datasets),
                                                                    std::move(loaded.indexes),
                                                                    request.reading.history));
  GenerativeSetup setup{.model = loaded.model.get(),
                        .tokenizer = loaded.tokenizer.get(),
                        .prompts = &made->prompts,
                        .tasks = request.reading.tasks,
                        .device = request.runtime.device,
                        .response_mark = request.reading.response_mark,
                        .score_normalization = request.reading.score_normalization,
                        .evaluation = request.evaluation,
                        .sharding = request.sharding,
                        .description = Describe(request, backbone),
                        .reading = request.reading.Json(),
                        .owner = made};
  for (const auto& dataset : made->datasets) setup.datasets.push_back(dataset.get());
  if (request.sharding.index == 0) {
    OPENP5_RETURN_IF_ERROR(NameBackbone(backbone, request.train, loaded, &setup));
  }
  return GenerativeTask::Create(setup, request.train);
}

}  // namespace

TaskKind GenerativeTaskKind() {
  return {.help = "a language model that writes items' identifiers",
          .reads_prompts = true,
          .several_datasets = true,
          .make_options = MakeOptionGroup<BackboneOptions>,
          .make = Make};
}

}  // namespace openp5::trainers
