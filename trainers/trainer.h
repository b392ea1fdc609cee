#ifndef OPENP5_TRAINERS_TRAINER_H_
#define OPENP5_TRAINERS_TRAINER_H_

#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "checkpoints/checkpoint.h"
#include "datasets/prompts.h"
#include "evaluators/evaluation_options.h"
#include "evaluators/indexed_dataset.h"
#include "platform/models/language_model.h"
#include "platform/text/tokenizer.h"
#include "trainers/run_folder.h"
#include "trainers/train_options.h"

namespace openp5::trainers {

// What a training works with. Everything is kept by reference and must outlive the training.
struct TrainingSetup {
  models::LanguageModel* model = nullptr;  // on `device`, with a row for each of the tokens
  const text::Tokenizer* tokenizer = nullptr;
  std::vector<const evaluators::IndexedDataset*> datasets = {};
  const datasets::PromptSet* prompts = nullptr;
  std::vector<std::string> tasks = {};
  c10::Device device = c10::Device(c10::kCPU);
  evaluators::EvaluationOptions evaluation =
      {};                           // of valid-select, test-before-train and test-epoch
  nlohmann::json description = {};  // goes into the manifests as "training"
};

struct TrainingSummary {
  int64_t epochs = 0, steps = 0;
  double train_loss = 0;       // of the last epoch
  double validation_loss = 0;  // after it
  int64_t best_epoch = -1;     // from 0
};

// Trains `setup.model` (OpenP5: Xu et al., 2024, section 3) and keeps `folder`'s checkpoints,
// state and metrics. With a state in `folder` it goes on from there: on a CPU the result is bit for
// bit that of a run that never stopped. Cancelled, with the state saved, after SIGINT or SIGTERM
// where they are caught (CatchTermination); FailedPrecondition if the loss stops being a number;
// else failures of the data, the model or the disk.
absl::StatusOr<TrainingSummary> Train(const TrainingSetup& setup, const TrainOptions& options,
                                      const RunFolder& folder);

// Redraws the embeddings of number tokens (--random-initialize) as widely as the model's others are
// drawn. OpenP5 draws all from N(0, 1), which is fifty times as wide as a Llama's.
void RandomInitialize(models::LanguageModel& model, const text::Tokenizer& tokenizer, uint64_t seed,
                      bool openp5_compat);

// Writes the model with its tokenizer and item indexes as a checkpoint that stands alone.
absl::Status SaveModel(const std::string& path, const TrainingSetup& setup, nlohmann::json metrics);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TRAINER_H_
