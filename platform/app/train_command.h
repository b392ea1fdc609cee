#ifndef OPENP5_PLATFORM_APP_TRAIN_COMMAND_H_
#define OPENP5_PLATFORM_APP_TRAIN_COMMAND_H_

#include <map>
#include <string>

#include "checkpoints/reading.h"
#include "evaluators/evaluation_options.h"
#include "indexing/item_index.h"
#include "platform/app/data_options.h"
#include "platform/config/command_line.h"
#include "platform/config/options.h"
#include "platform/distributed/processes.h"
#include "platform/registry/registry.h"
#include "platform/tensor/runtime.h"
#include "trainers/run_folder.h"
#include "trainers/tasks/task_kinds.h"
#include "trainers/train_options.h"

namespace openp5::app {

struct RunOptions {
  std::string model = "generative";  // a kind of task
  std::string run_dir;
  std::string format = "text";

  void ForEach(OptionVisitor& visitor);
};

// All options of `train`, of which `sweep` varies some.
struct TrainCommandOptions {
  TrainCommandOptions();

  RunOptions run;
  DataOptions data;
  indexing::IndexParameters index;
  checkpoints::Reading reading;
  trainers::TrainOptions train;
  evaluators::EvaluationOptions evaluation;
  RuntimeOptions runtime;
  ProcessOptions processes;
  // The kinds that can be trained, and each one's own options.
  Registry<trainers::TaskKind> kinds;
  std::map<std::string, AnyOptions> of_kinds;

  void AddTo(CommandLine* line);
  // --model, and the options of every kind.
  void ForEach(OptionVisitor& visitor);
  const trainers::TaskKind& kind() const { return **kinds.Find(run.model); }
  // A usage error for options that do not go together, or have no effect with the kind of model,
  // and for names of metrics that do not exist. Fails as DataOptions::LoadPrompts and CheckPrompt;
  // nothing but the prompt file is read.
  absl::Status Check() const;
  // All options, for a run folder; whether the run goes on is no part of it.
  trainers::RunConfig Config() const;

 private:
  // Fails for an option of `ignored` that has another value than its default.
  absl::Status CheckIgnored() const;
};

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_TRAIN_COMMAND_H_
