#include "trainers/train_options.h"

#include <limits>
#include <numeric>

#include "platform/base/numbers.h"

namespace openp5::trainers {
namespace {

constexpr double kMany = 1e9;  // epochs, steps or minutes

// One number a task from a list that has one for each or one for all.
template <class Number>
absl::StatusOr<std::vector<Number>> NumbersByTask(const char* option,
                                                  const std::vector<std::string>& texts,
                                                  size_t tasks) {
  std::vector<Number> numbers;
  for (const std::string& text : texts) {
    const Number number = ParseNumber<Number>(text).value_or(0);
    if (!(number > 0) || number > 1e6) {
      return UsageError(StrCat("--", option, ": expected a number above 0, got '", text, "'"));
    }
    numbers.push_back(number);
  }
  if (numbers.size() == 1) numbers.resize(tasks, numbers.front());
  if (numbers.size() != tasks) {
    return UsageError(StrCat("--", option, ": expected one number or one for each of ", tasks,
                             " tasks, got ", texts.size()));
  }
  return numbers;
}

}  // namespace

SelectBy SelectByOf(const std::string& valid_select) {
  if (valid_select == "none") return SelectBy::kNothing;
  return valid_select == "loss" ? SelectBy::kLoss : SelectBy::kMetric;
}

void ScheduleOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "epochs",
                 .help = "passes over the largest dataset and task",
                 .minimum = 1,
                 .maximum = kMany},
                &epochs);
  visitor.Visit({.name = "max-steps",
                 .help = "stop after N steps; 0: after the epochs",
                 .minimum = 0,
                 .maximum = kMany},
                &max_steps);
  visitor.Visit({.name = "lr", .help = "largest learning rate", .minimum = 0, .maximum = 1e3}, &lr);
  visitor.Visit({.name = "schedule",
                 .help = "course of the learning rate",
                 .choices = {"linear", "linear-from-zero", "constant", "cosine", "inverse-sqrt"}},
                &name);
  visitor.Visit({.name = "warmup-prop",
                 .help = "share of the steps in which the learning rate grows",
                 .minimum = 0,
                 .maximum = 1},
                &warmup_prop);
}

void OptimizerOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "gradient-accumulation-steps",
                 .help = "batches that make one step",
                 .minimum = 1,
                 .maximum = 1e6},
                &gradient_accumulation_steps);
  visitor.Visit({.name = "weight-decay",
                 .help = "share of a weight taken off a step, times the learning rate",
                 .minimum = 0,
                 .maximum = 1e3},
                &weight_decay);
  visitor.Visit({.name = "adam-eps",
                 .help = "added to the root of Adam's second moment",
                 .minimum = 0,
                 .maximum = 1},
                &adam_eps);
  visitor.Visit(
      {.name = "clip", .help = "largest norm of the gradients; 0: not clipped", .minimum = 0},
      &clip);
}

void SamplingOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "batch-size", .help = "samples a batch", .minimum = 1, .maximum = 1e6},
                &batch_size);
  visitor.Visit({.name = "sample-prompt",
                 .help = "draw --sample-num templates a sample each epoch instead of using all"},
                &sample_prompt);
  visitor.Visit({.name = "sample-num", .help = "templates drawn, one number or one a task"},
                &sample_num);
  visitor.Visit({.name = "alpha",
                 .help = "weights of the tasks' losses in the order of --tasks, scaled to mean 1"},
                &alpha);
  visitor.Visit({.name = "max-input-tokens",
                 .help = "prompts are cut to this many tokens",
                 .minimum = 1,
                 .maximum = 1e6},
                &max_input_tokens);
  visitor.Visit({.name = "pack-targets",
                 .help = "train N targets in a row of a user in one pass over the history they "
                         "share; a batch then counts such runs (causal models; N up to "
                         "--max-history)",
                 .minimum = 1,
                 .maximum = 1e6},
                &pack_targets);
}

void SelectionOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "valid-prompt", .help = "template of the validation loss"}, &valid_prompt);
  visitor.Visit(
      {.name = "valid-select",
       .help = "what the best checkpoint is chosen by after an epoch: loss, a metric such "
               "as hit@10 (both of the validation split), or none"},
      &valid_select);
  visitor.Visit({.name = "keep-best",
                 .help = "keep the checkpoints of the N best epochs, as checkpoints/epoch-<number> "
                         "if more than one; the best is always checkpoints/best",
                 .minimum = 1,
                 .maximum = 1e6,
                 .affects = Affects::kMeasurement},
                &keep_best);
  visitor.Visit({.name = "patience",
                 .help = "stop after N epochs without a better one by --valid-select; 0: never",
                 .minimum = 0,
                 .maximum = kMany,
                 .affects = Affects::kMeasurement},
                &patience);
  visitor.Visit({.name = "test-before-train",
                 .help = "evaluate the test split before training",
                 .affects = Affects::kMeasurement},
                &test_before_train);
  visitor.Visit({.name = "test-epoch",
                 .help = "evaluate the test split after every N epochs; 0: never",
                 .minimum = 0,
                 .maximum = kMany,
                 .affects = Affects::kMeasurement},
                &test_epoch);
  visitor.Visit({.name = "test-after-train",
                 .help = "evaluate the best checkpoint on the test split after training",
                 .affects = Affects::kMeasurement},
                &test_after_train);
}

void SavingOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "save-steps",
                 .help = "save the state every N steps, not only after epochs; 0: off",
                 .minimum = 0,
                 .maximum = kMany,
                 .affects = Affects::kMeasurement},
                &save_steps);
  visitor.Visit({.name = "save-minutes",
                 .help = "save the state when the last one is N minutes old, too; 0: off",
                 .minimum = 0,
                 .maximum = kMany,
                 .affects = Affects::kMeasurement},
                &save_minutes);
  visitor.Visit({.name = "logging-step",
                 .help = "steps between two lines of metrics.jsonl",
                 .minimum = 1,
                 .maximum = kMany,
                 .affects = Affects::kMeasurement},
                &logging_step);
  visitor.Visit({.name = "resume",
                 .help = "go on with the run in --run-dir where it stopped; starts one if there is "
                         "none",
                 .affects = Affects::kPlace},
                &resume);
}

void TrainOptions::ForEach(OptionVisitor& visitor) {
  visitor.Heading("Length and learning rate");
  schedule.ForEach(visitor);
  visitor.Heading("Optimizer");
  optimizer.ForEach(visitor);
  visitor.Heading("Samples and batches");
  sampling.ForEach(visitor);
  visitor.Heading("Choice of the best epoch, and tests");
  selection.ForEach(visitor);
  visitor.Heading("Saving and logging");
  saving.ForEach(visitor);
  visitor.Heading("Training");
  visitor.Visit(
      {.name = "dropout",
       .help = "share of the activations zeroed in training; -1: the model's own (T5: its "
               "config's, a Llama: none, SASRec: 0.5)",
       .minimum = -1,
       .maximum = 0.99},
      &dropout);
  visitor.Visit({.name = "attention-dropout",
                 .help = "dropout of the attention's weights; below 0: the model's own, which is "
                         "--dropout for T5 and SASRec and none for Llama",
                 .minimum = -1,
                 .maximum = 1},
                &attention_dropout);
  visitor.Visit({.name = "loss-tokens",
                 .help = "tokens of an answer that are learned: all, or those where the tree of "
                         "items leaves a choice, which needs --score-normalization allowed"},
                &loss_tokens);
  visitor.Visit({.name = "label-smoothing",
                 .help = "share of every label that is spread evenly over all tokens in training",
                 .minimum = 0,
                 .maximum = 0.99},
                &label_smoothing);
  visitor.Visit({.name = "random-initialize",
                 .help = "draw the embeddings of number tokens anew, so that identifiers start "
                         "without a meaning; a pretrained model forgets its numbers by it; "
                         "--openp5-compat turns it on"},
                &random_initialize);
  visitor.Visit({.name = "gradient-checkpointing",
                 .help = "compute every layer's activations again in the backward pass instead of "
                         "keeping them: less memory, more time, the same result"},
                &gradient_checkpointing);
  visitor.Visit({.name = "seed", .help = "of every random choice", .minimum = 0, .maximum = 1e15},
                &seed);
  visitor.Visit(
      {.name = "openp5-compat", .help = "reproduce the original's quirks that change numbers"},
      &openp5_compat);
}

absl::StatusOr<std::vector<double>> TrainOptions::TaskWeights(size_t tasks) const {
  OPENP5_ASSIGN_OR_RETURN(std::vector<double> weights,
                          NumbersByTask<double>("alpha", sampling.alpha, tasks));
  const double mean =
      std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(tasks);
  for (double& weight : weights) weight /= mean;
  return weights;
}

absl::StatusOr<std::vector<int64_t>> TrainOptions::SampleNumbers(size_t tasks) const {
  // The default has OpenP5's two tasks in mind.
  std::vector<std::string> texts = sampling.sample_num;
  if (texts == SamplingOptions().sample_num) texts.resize(1);
  return NumbersByTask<int64_t>("sample-num", texts, tasks);
}

std::string TrainOptions::ScheduleName() const {
  return openp5_compat && schedule.name == "linear" ? "linear-from-zero" : schedule.name;
}

}  // namespace openp5::trainers
