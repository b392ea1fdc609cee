#include "trainers/training_data.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "platform/base/random.h"

namespace openp5::trainers {
namespace {

// Where the runs of a dataset's training positions begin.
std::vector<datasets::Position> RunStarts(const indexing::IndexedDataset& dataset,
                                          int64_t run_length) {
  const bool skip_empty = dataset.history().skip_empty_history;
  std::vector<datasets::Position> positions =
      datasets::SplitPositions(dataset.dataset(), datasets::Split::kTrain, skip_empty);
  std::erase_if(positions, [&](const datasets::Position& position) {
    return (position.target - (skip_empty ? 1 : 0)) % run_length != 0;
  });
  return positions;
}

}  // namespace

absl::StatusOr<TrainingData> TrainingData::Create(
    std::vector<const indexing::IndexedDataset*> datasets, const datasets::PromptSet& prompts,
    const std::vector<std::string>& tasks, const TrainingDataOptions& options) {
  TrainingData data;
  data.options_ = options;
  for (size_t d = 0; d < datasets.size(); ++d) {
    const indexing::IndexedDataset* dataset = datasets[d];
    data.positions_.push_back(
        std::make_unique<std::vector<datasets::Position>>(RunStarts(*dataset, options.run_length)));
    if (data.positions_.back()->empty()) {
      return InvalidArgument(dataset->name(),
                             ": no training samples; expected a user with at least four items");
    }
    data.validation_.push_back(
        std::make_unique<std::vector<datasets::Position>>(datasets::SplitPositions(
            dataset->dataset(), datasets::Split::kValidation, /*skip_empty_history=*/true)));
    for (size_t t = 0; t < tasks.size(); ++t) {
      Group group{.dataset = dataset,
                  .dataset_number = static_cast<int32_t>(d),
                  .task_number = static_cast<int32_t>(t),
                  .name = StrCat(dataset->name(), "/", tasks[t]),
                  .positions = data.positions_.back().get(),
                  .validation = data.validation_.back().get(),
                  .templates = prompts.Seen(tasks[t])};
      if (group.templates.empty() ||
          group.templates.size() > std::numeric_limits<uint16_t>::max()) {
        return NotFound("prompts: expected seen templates of task '", tasks[t], "', got ",
                        group.templates.size());
      }
      OPENP5_ASSIGN_OR_RETURN(group.valid_template, prompts.Find(tasks[t], options.valid_prompt));
      group.per_position = options.sample_prompt ? options.sample_numbers[t]
                                                 : static_cast<int64_t>(group.templates.size());
      data.groups_.push_back(std::move(group));
    }
  }
  return data;
}

std::vector<TaskGroup> TrainingData::groups() const {
  std::vector<TaskGroup> groups;
  for (const Group& group : groups_) {
    groups.push_back({.dataset = group.dataset_number,
                      .size = static_cast<int64_t>(group.positions->size()) * group.per_position,
                      .task = group.task_number,
                      .name = group.name});
  }
  return groups;
}

void TrainingData::StartEpoch(int64_t epoch) {
  if (!options_.sample_prompt) return;
  // Far apart, so that epoch e of one seed is not epoch e - 1 of the next.
  Random random(options_.seed + 0x9E3779B97F4A7C15u * static_cast<uint64_t>(epoch + 1));
  for (Group& group : groups_) {
    group.choice.resize(group.positions->size() * static_cast<size_t>(group.per_position));
    for (uint16_t& choice : group.choice) {
      choice = static_cast<uint16_t>(random.Below(group.templates.size()));
    }
  }
}

std::vector<datasets::Sample> TrainingData::Run(int64_t group_number, int32_t number) const {
  const Group& group = groups_[static_cast<size_t>(group_number)];
  const datasets::Position& first =
      (*group.positions)[static_cast<size_t>(number / group.per_position)];
  const auto length = static_cast<int64_t>(group.dataset->dataset().Sequence(first.user).size());
  const int64_t count = std::min(options_.run_length, length - 2 - first.target);
  const size_t choice = options_.sample_prompt ? group.choice[static_cast<size_t>(number)]
                                               : static_cast<size_t>(number % group.per_position);
  return group.dataset->writer().WriteRun(*group.templates[choice], first, count);
}

int64_t TrainingData::ValidationSize(int64_t group) const {
  return static_cast<int64_t>(groups_[static_cast<size_t>(group)].validation->size());
}

std::vector<datasets::Sample> TrainingData::ValidationSamples(int64_t group_number, int64_t begin,
                                                              int64_t end) const {
  const Group& group = groups_[static_cast<size_t>(group_number)];
  std::vector<datasets::Sample> samples;
  for (int64_t i = begin; i < end; ++i) {
    samples.push_back(group.dataset->writer().Write(*group.valid_template,
                                                    (*group.validation)[static_cast<size_t>(i)]));
  }
  return samples;
}

}  // namespace openp5::trainers
