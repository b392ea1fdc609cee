#ifndef OPENP5_TRAINERS_TRAIN_OPTIONS_H_
#define OPENP5_TRAINERS_TRAIN_OPTIONS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/config/options.h"

namespace openp5::trainers {

// Rates of dropout; less than 0: the model's own.
struct DropoutRates {
  double hidden = -1;     // of embeddings and hidden states
  double attention = -1;  // of the attention's weights
};

// The tokens of an answer that are learned. kChoices: no loss at tokens that the tree of items
// forces (the dataset's name, an end token), which a search then must not ask for either
// (--score-normalization allowed).
enum class LossTokens { kAll, kChoices };
constexpr auto EnumNames(LossTokens) { return std::to_array<const char*>({"all", "choices"}); }

// How long a model is trained, and the learning rate of every step.
struct ScheduleOptions {
  int64_t epochs = 10;
  int64_t max_steps = 0;  // stop after so many steps; 0: after the epochs
  double lr = 1e-3;       // the largest
  std::string name = "linear";
  double warmup_prop = 0.05;  // rounded down to whole steps

  void ForEach(OptionVisitor& visitor);
};

struct OptimizerOptions {
  // Batches whose gradients make one step. In OpenP5 the option only shortens the schedule, which
  // openp5_compat reproduces.
  int64_t gradient_accumulation_steps = 1;
  double weight_decay = 0.01;
  double adam_eps = 1e-6;
  double clip = 1.0;

  void ForEach(OptionVisitor& visitor);
};

// What batches are made of.
struct SamplingOptions {
  int64_t batch_size = 64;
  bool sample_prompt = false;
  std::vector<std::string> sample_num = {"3", "3"};
  // Weights of the tasks' losses in the order of --tasks, scaled to mean 1, so that one number for
  // all changes nothing. OpenP5 has the option (default 2) and does not use it.
  std::vector<std::string> alpha = {"1"};
  int64_t max_input_tokens = 512;
  // Targets in a row of a user that are trained in one pass over the history they share (causal
  // models; 1: each with its own). Their histories begin at one item, where that of the last has
  // max_history: the last of n targets sees max_history items, the first max_history - n + 1, which
  // bounds n. Half of max_history computes little more a target than all of it. A sample of the
  // batches and of --sample-prompt is then such a run. OpenP5 has no such option.
  int64_t pack_targets = 1;

  void ForEach(OptionVisitor& visitor);
};

// What epochs are compared by.
enum class SelectBy { kNothing, kLoss, kMetric };

// What --valid-select names: "none", "loss", or anything else, which is to be a metric.
SelectBy SelectByOf(const std::string& valid_select);

// Which epoch is the best, which ones are kept, and what is tested.
struct SelectionOptions {
  std::string valid_prompt = "seen:0";
  // What `best` is chosen by; "none": the last epoch. OpenP5 knows the loss only (default off).
  std::string valid_select = "loss";
  int64_t keep_best = 1;  // epochs whose checkpoints are kept, by valid_select
  int64_t patience = 0;   // stop after so many epochs without a better one; 0: never
  // Of the test split; off by default (OpenP5: on), since each is as long as a whole evaluation.
  bool test_before_train = false;
  int64_t test_epoch = 0;
  bool test_after_train = false;  // the best checkpoint; not in OpenP5, which tests the last epoch

  void ForEach(OptionVisitor& visitor);
};

struct SavingOptions {
  int64_t save_steps = 0;   // save every so many steps, too; 0: only after epochs
  double save_minutes = 0;  // save when the last state is older than this, too; 0: off
  int64_t logging_step = 100;
  bool resume = false;

  void ForEach(OptionVisitor& visitor);
};

// How a model is trained. Names and defaults are OpenP5's, except where a comment says otherwise.
struct TrainOptions {
  ScheduleOptions schedule = {};
  OptimizerOptions optimizer = {};
  SamplingOptions sampling = {};
  SelectionOptions selection = {};
  SavingOptions saving = {};
  // Less than 0, and with openp5_compat: the model's own rate, T5's 0.1 as a rule, SASRec's 0.5, a
  // Llama's 0.
  double dropout = -1;
  double attention_dropout = -1;  // of the attention's weights; less than 0: the model's own
  LossTokens loss_tokens = LossTokens::kAll;
  double label_smoothing = 0;  // share of a label spread over all tokens, in training only
  // OpenP5 always redraws, which costs what a pretrained model knows of numbers.
  bool random_initialize = false;
  // Less memory for a second forward pass: a step takes about a third longer.
  bool gradient_checkpointing = false;
  int64_t seed = 1;
  bool openp5_compat = false;

  // All groups, each under its heading.
  void ForEach(OptionVisitor& visitor);

  // Numbers by task; a usage error for another count than `tasks` or 1, or what is no number > 0.
  absl::StatusOr<std::vector<double>> TaskWeights(size_t tasks) const;
  absl::StatusOr<std::vector<int64_t>> SampleNumbers(size_t tasks) const;
  DropoutRates Dropout() const {
    return openp5_compat ? DropoutRates() : DropoutRates{dropout, attention_dropout};
  }
  // Batches that make one step. OpenP5 has no such steps: there the option only shortens the
  // schedule.
  int64_t BatchesPerStep() const {
    return openp5_compat ? 1 : optimizer.gradient_accumulation_steps;
  }
  // The schedule's name, openp5_compat considered.
  std::string ScheduleName() const;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TRAIN_OPTIONS_H_
