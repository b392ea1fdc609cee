#include "trainers/training_memory.h"

#include <torch/types.h>

#include "platform/models/common/language_model.h"
#include "platform/tensor/allocation_meter.h"
#include "tests/testing/tiny_world.h"
#include "trainers/tasks/generative_task.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::TinyWorld;

class TrainingMemoryTest : public ::testing::Test {
 protected:
  TrainingMemoryTest() { world_.UseLlama(/*with_lora=*/false); }

  std::unique_ptr<GenerativeTask> Task(const TrainOptions& options) {
    auto task = GenerativeTask::Create({.model = world_.model.get(),
                                        .tokenizer = world_.tokenizer.get(),
                                        .datasets = {world_.dataset.get()},
                                        .prompts = &world_.prompts,
                                        .tasks = {"sequential"},
                                        .description = {{"epochs", options.schedule.epochs}}},
                                       options);
    EXPECT_TRUE(task.ok()) << task.status();
    return *std::move(task);
  }
  TrainingMemory Measure(const TrainOptions& options, int64_t processes = 1) {
    const auto memory = MeasureTrainingMemory(Task(options).get(), options, processes);
    EXPECT_TRUE(memory.ok()) << memory.status();
    return *memory;
  }
  int64_t TrainedBytes() const {
    int64_t bytes = 0;
    for (const auto& [name, parameter] : models::TrainedParameters(world_.model->parameters())) {
      bytes += static_cast<int64_t>(parameter.nbytes());
    }
    return bytes;
  }

  TinyWorld world_;
};

// What a whole batch takes is close to what is concluded from a quarter of it.
TEST_F(TrainingMemoryTest, ConcludesAStepFromPartsOfABatch) {
  for (const bool checkpointing : {false, true}) {
    const TrainOptions options{.schedule = {.epochs = 1},
                               .sampling = {.batch_size = 64},
                               .gradient_checkpointing = checkpointing};
    const int64_t concluded = Measure(options).step;
    const auto task = Task(options);
    task->SetTraining(true, {});
    std::vector<int32_t> samples(64);
    for (int32_t i = 0; i < 64; ++i) {
      samples[static_cast<size_t>(i)] = i % static_cast<int32_t>(task->groups()[0].size);
    }
    const auto batch = task->MakeBatch(0, samples);
    ASSERT_TRUE(batch.ok());
    AllocationMeter meter;
    task->Loss(*batch).backward();
    const auto whole = static_cast<double>(meter.TakePeak());
    EXPECT_GT(static_cast<double>(concluded), 0.9 * whole);
    EXPECT_LT(static_cast<double>(concluded), 1.3 * whole);
  }
}

TEST_F(TrainingMemoryTest, CountsWhatTheOptionsTake) {
  const TrainOptions plain{.schedule = {.epochs = 1}, .sampling = {.batch_size = 16}};
  const TrainingMemory memory = Measure(plain);
  const int64_t trained = TrainedBytes();
  EXPECT_EQ(memory.moments, 2 * trained);
  EXPECT_EQ(memory.copies, 3 * trained);
  EXPECT_EQ(memory.evaluation, 0);

  TrainOptions checkpointing = plain, accumulating = plain, searching = plain, large = plain;
  checkpointing.gradient_checkpointing = true;
  EXPECT_LT(Measure(checkpointing).step, memory.step);
  accumulating.optimizer.gradient_accumulation_steps = 2;
  EXPECT_GT(Measure(accumulating).step, memory.step);
  EXPECT_LE(Measure(accumulating).step, memory.step + trained);
  EXPECT_EQ(Measure(plain, /*processes=*/2).step, memory.step + trained);
  searching.selection.valid_select = "hit@5";
  EXPECT_GT(Measure(searching).evaluation, 0);
  large.sampling.batch_size = 64;
  EXPECT_GT(Measure(large).step, 2 * memory.step);
}

TEST_F(TrainingMemoryTest, CopiesCountBesideAStepIfStepsFollowASave) {
  TrainingMemory memory{.moments = 10, .step = 100, .copies = 15, .file = 5, .evaluation = 20};
  const int64_t least = TrainingMemory().Most();
  EXPECT_EQ(memory.Most(), least + 10 + 5 + 100);
  memory.saves_beside_steps = true;
  EXPECT_EQ(memory.Most(), least + 10 + 5 + 100 + 15);
  memory.evaluation = 200;
  EXPECT_EQ(memory.Most(), least + 10 + 5 + 200 + 15);

  const TrainOptions one_epoch{.schedule = {.epochs = 1}, .sampling = {.batch_size = 4}};
  EXPECT_FALSE(Measure(one_epoch).saves_beside_steps);
  TrainOptions options = one_epoch;
  options.schedule.epochs = 2;
  EXPECT_TRUE(Measure(options).saves_beside_steps);
  options.schedule.max_steps = 1;
  EXPECT_FALSE(Measure(options).saves_beside_steps);
  options = one_epoch;
  options.saving.save_steps = 1;
  EXPECT_TRUE(Measure(options).saves_beside_steps);
}

TEST_F(TrainingMemoryTest, ABatchOfOne) {
  EXPECT_GT(Measure({.schedule = {.epochs = 1}, .sampling = {.batch_size = 1}}).step, 0);
  EXPECT_GT(Measure({.schedule = {.epochs = 1}, .sampling = {.batch_size = 2}}).step, 0);
}

TEST_F(TrainingMemoryTest, LeavesEverythingAsItWas) {
  const TrainOptions options{
      .schedule = {.epochs = 1}, .sampling = {.batch_size = 8}, .dropout = 0.5};
  std::vector<at::Tensor> before;
  for (const auto& [name, parameter] : world_.model->parameters()) {
    before.push_back(parameter.detach().clone());
  }
  torch::manual_seed(7);
  const at::Tensor drawn = at::rand({4});
  torch::manual_seed(7);
  Measure(options);
  EXPECT_TRUE(at::equal(at::rand({4}), drawn));
  for (size_t i = 0; i < before.size(); ++i) {
    const auto& [name, parameter] = world_.model->parameters()[i];
    EXPECT_TRUE(at::equal(parameter, before[i])) << name;
    EXPECT_FALSE(parameter.grad().defined()) << name;
  }
}

}  // namespace
}  // namespace openp5::trainers
