#ifndef OPENP5_TRAINERS_TRAINING_DATA_H_
#define OPENP5_TRAINERS_TRAINING_DATA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/prompts.h"
#include "datasets/samples.h"
#include "indexing/indexed_dataset.h"
#include "trainers/task_sampler.h"

namespace openp5::trainers {

struct TrainingDataOptions {
  bool sample_prompt = false;
  std::vector<int64_t> sample_numbers = {};  // by task; templates a run, if sample_prompt
  std::string valid_prompt = "seen:0";
  uint64_t seed = 1;
  int64_t run_length = 1;  // > 0
};

// The samples of every (dataset, task) group, made when asked for: in runs of up to
// `run_length` positions in a row of one user (SampleWriter::WriteRun), so that every position is
// in one run. Group g is dataset g / tasks, task g % tasks; within a group runs go user by user,
// position by position, and template by template. Keeps references. Run and ValidationSamples are
// thread-safe, StartEpoch is not.
class TrainingData {
 public:
  // NotFound if a task has no seen template or no `valid_prompt`; InvalidArgument for a dataset
  // without training samples.
  static absl::StatusOr<TrainingData> Create(std::vector<const indexing::IndexedDataset*> datasets,
                                             const datasets::PromptSet& prompts,
                                             const std::vector<std::string>& tasks,
                                             const TrainingDataOptions& options);

  // With the number of runs as their size.
  std::vector<TaskGroup> groups() const;
  // Draws the epoch's templates (with repeats, as OpenP5), if templates are sampled: a function of
  // seed and epoch only.
  void StartEpoch(int64_t epoch);
  std::vector<datasets::Sample> Run(int64_t group, int32_t number) const;
  // Every user has one validation sample a group; those of [begin, end).
  int64_t ValidationSize(int64_t group) const;
  std::vector<datasets::Sample> ValidationSamples(int64_t group, int64_t begin, int64_t end) const;

 private:
  struct Group {
    const indexing::IndexedDataset* dataset;
    int32_t dataset_number, task_number;
    std::string name;
    const std::vector<datasets::Position>*positions, *validation;  // the former: a run's first
    std::vector<const datasets::PromptTemplate*> templates;
    const datasets::PromptTemplate* valid_template = nullptr;
    int64_t per_position = 1;           // runs a position makes
    std::vector<uint16_t> choice = {};  // [runs] template of each, if they are sampled
  };
  TrainingData() = default;

  TrainingDataOptions options_;
  // By dataset.
  std::vector<std::unique_ptr<std::vector<datasets::Position>>> positions_, validation_;
  std::vector<Group> groups_;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TRAINING_DATA_H_
