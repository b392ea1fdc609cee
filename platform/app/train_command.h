#ifndef OPENP5_PLATFORM_APP_TRAIN_COMMAND_H_
#define OPENP5_PLATFORM_APP_TRAIN_COMMAND_H_

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "datasets/samples.h"
#include "evaluators/evaluation_options.h"
#include "indexing/item_index.h"
#include "platform/app/data_options.h"
#include "platform/app/load_model.h"
#include "platform/app/processes.h"
#include "platform/config/command_line.h"
#include "platform/config/options.h"
#include "platform/tensor/runtime.h"
#include "trainers/sasrec_task.h"
#include "trainers/train_options.h"

namespace openp5::app {

struct RunOptions {
  std::string model = "generative";  // or "sasrec"
  std::string run_dir;
  std::string format = "text";

  void ForEach(OptionVisitor& visitor);
};

// All options of `train`, of which `sweep` varies some.
struct TrainCommandOptions {
  RunOptions run;
  DataOptions data;
  indexing::IndexParameters index;
  datasets::HistoryOptions history;
  BackboneOptions backbone;
  trainers::SasrecOptions sasrec;
  trainers::TrainOptions train;
  evaluators::EvaluationOptions evaluation;
  RuntimeOptions runtime;
  ProcessOptions processes;

  void AddTo(CommandLine* line);
  bool is_sasrec() const;
  // A usage error for options that do not go together, or have no effect with the kind of model,
  // and for names of metrics that do not exist. Fails as DataOptions::LoadPrompts and CheckPrompt;
  // nothing but the prompt file is read.
  absl::Status Check() const;
  // What the checkpoint's manifest says of the training: the options that are part of the result.
  nlohmann::json Describe() const;
  // INI text of all options, for a run folder; whether the run goes on is no part of it.
  std::string ConfigText() const;

 private:
  template <class Options>
  absl::Status CheckUnchanged(const Options& options,
                              const std::set<std::string>& names = {}) const;
};

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_TRAIN_COMMAND_H_
