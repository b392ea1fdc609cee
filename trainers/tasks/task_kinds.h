#ifndef OPENP5_TRAINERS_TASKS_TASK_KINDS_H_
#define OPENP5_TRAINERS_TASKS_TASK_KINDS_H_

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoints/reading.h"
#include "datasets/prompts.h"
#include "datasets/sequences.h"
#include "evaluators/evaluation_options.h"
#include "evaluators/sharding.h"
#include "platform/config/options.h"
#include "platform/recommenders/checkpoint_index.h"
#include "platform/registry/registry.h"
#include "platform/tensor/runtime.h"
#include "trainers/train_options.h"
#include "trainers/training_task.h"

namespace openp5::trainers {

// What a training works on, whatever is trained.
struct TaskRequest {
  std::vector<datasets::SequenceDataset> datasets;
  datasets::PromptSet prompts;
  recommenders::IndexRequest index;
  checkpoints::Reading reading;
  TrainOptions train;
  evaluators::EvaluationOptions evaluation;
  Runtime runtime;
  evaluators::Sharding sharding;  // of evaluations
};

// A kind of recommender as it is trained. What opens its checkpoints is the kind of the same name
// in platform/recommenders.
struct TaskKind {
  std::string help;  // what it is, for --model
  bool reads_prompts = false;
  bool several_datasets = false;  // may be trained on more than one
  // Options of other structs that have no effect, each with the option that does the same, or "".
  std::map<std::string, std::string> ignored = {};
  std::unique_ptr<OptionGroup> (*make_options)() = nullptr;
  // The task, which keeps all it needs. Fails for what cannot be trained.
  absl::StatusOr<std::unique_ptr<TrainingTask>> (*make)(TaskRequest request,
                                                        const OptionGroup& options) = nullptr;
};

// "generative", "sasrec".
absl::Status RegisterBuiltinTasks(Registry<TaskKind>* kinds);

// What a checkpoint's manifest says of its training: the options that are part of the result.
nlohmann::json DescribeTraining(const TrainOptions& options);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TASKS_TASK_KINDS_H_
