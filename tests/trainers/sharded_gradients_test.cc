#include "trainers/sharded_gradients.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include "platform/base/parallel.h"
#include "platform/models/common/language_model.h"
#include "tests/testing/tiny_world.h"
#include "trainers/tasks/generative_task.h"
#include "trainers/tasks/sasrec_task.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::TinyWorld;

// A task of each kind with a batch of its own.
class ShardedGradientsTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string kind = GetParam();
    if (kind.starts_with("sasrec")) {
      sasrec_ = models::SasrecModel::Create({.item_count = world_.dataset->dataset().item_count(),
                                             .hidden_size = 16,
                                             .num_layers = 2,
                                             .max_length = 5},
                                            /*seed=*/1);
      auto task = SasrecTask::Create({.model = sasrec_.get(),
                                      .dataset = &world_.dataset->dataset(),
                                      .negatives = kind == "sasrec_sampled" ? 4 : 0});
      OPENP5_ASSERT_OK(task);
      task_ = *std::move(task);
    } else {
      if (kind != "t5") world_.UseLlama(/*with_lora=*/kind == "llama_lora");
      auto task = GenerativeTask::Create(
          {.model = world_.model.get(),
           .tokenizer = world_.tokenizer.get(),
           .datasets = {world_.dataset.get()},
           .prompts = &world_.prompts,
           .tasks = {"sequential", "straightforward"}},
          {.sampling = {.pack_targets = kind == "llama_packed" ? 3 : 1}, .label_smoothing = 0.1});
      OPENP5_ASSERT_OK(task);
      task_ = *std::move(task);
    }
    task_->StartEpoch(0);
    std::vector<int32_t> samples(8);
    const auto size = static_cast<int32_t>(task_->groups()[0].size);
    for (int32_t i = 0; i < 8; ++i) samples[static_cast<size_t>(i)] = (5 * i + 1) % size;
    auto batch = task_->MakeBatch(0, samples);
    OPENP5_ASSERT_OK(batch);
    batch_ = *std::move(batch);
  }

  NamedTensors Trained() const { return models::TrainedParameters(task_->parameters()); }

  TinyWorld world_;
  std::unique_ptr<models::SasrecModel> sasrec_;
  std::unique_ptr<TrainingTask> task_;
  models::TrainingBatch batch_;
};

TEST_P(ShardedGradientsTest, AreThoseOfTheWholeBatch) {
  task_->SetTraining(false, {.hidden = 0});  // without dropout, of an adapter too
  const at::Tensor loss = task_->Loss(batch_);
  (loss * 0.75).backward();
  for (const size_t shards : {2, 8}) {
    const LossGradients found =
        ComputeSharded(task_.get(), batch_, {.shards = shards, .factor = 0.75});
    EXPECT_NEAR(found.loss, loss.item<double>(), 1e-5);
    const NamedTensors trained = Trained();
    ASSERT_EQ(found.gradients.size(), trained.size());
    for (size_t i = 0; i < trained.size(); ++i) {
      const auto& [name, parameter] = trained[i];
      EXPECT_TRUE(at::allclose(found.gradients[i], parameter.grad(), 1e-4, 1e-6)) << name;
    }
  }
}

TEST_P(ShardedGradientsTest, DoNotDependOnThreads) {
  task_->SetTraining(true, {.hidden = 0.2});
  const auto compute = [&](int threads, uint64_t seed) {
    at::set_num_threads(threads);
    SetParallelThreads(static_cast<size_t>(threads));
    return ComputeSharded(task_.get(), batch_, {.shards = 8, .seed = seed});
  };
  const LossGradients one = compute(1, 3);
  EXPECT_NE(compute(1, 4).loss, one.loss);
  for (const int threads : {1, 2, 5}) {
    const LossGradients other = compute(threads, 3);
    EXPECT_EQ(other.loss, one.loss) << threads;
    for (size_t i = 0; i < one.gradients.size(); ++i) {
      EXPECT_TRUE(at::equal(other.gradients[i], one.gradients[i]))
          << threads << " threads: " << Trained()[i].first;
    }
  }
}

TEST_P(ShardedGradientsTest, AreAddedToTheParameters) {
  const NamedTensors trained = Trained();
  const auto add = [&] {
    const LossGradients found = ComputeSharded(task_.get(), batch_, {.shards = 4});
    AddShardedGradients(trained, found.gradients, /*reducer=*/nullptr);
  };
  add();
  std::vector<at::Tensor> once;
  for (const auto& [name, parameter] : trained) once.push_back(parameter.grad().clone());
  add();
  for (size_t i = 0; i < trained.size(); ++i) {
    EXPECT_TRUE(at::equal(trained[i].second.grad(), 2 * once[i])) << trained[i].first;
    EXPECT_TRUE(trained[i].second.grad().is_contiguous());
  }
}

// A rule of the batch, whatever the threads.
TEST_P(ShardedGradientsTest, AreForBatchesThatAreWorthIt) {
  EXPECT_EQ(CountShards(*task_, {}, batch_), 1u);  // a tiny model
  models::TrainingBatch large = batch_;
  large.input.tokens = at::zeros({1}, at::kLong).expand({int64_t{1} << 26});
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    EXPECT_EQ(CountShards(*task_, {}, large), 8u);
  }
  EXPECT_EQ(CountShards(*task_, {.gradient_checkpointing = true}, large), 1u);
  EXPECT_EQ(CountShards(*task_, {.openp5_compat = true}, large), 1u);
  large.input.lengths.resize(3);
  EXPECT_EQ(CountShards(*task_, {}, large), 2u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ShardedGradientsTest,
                         ::testing::Values("t5", "llama", "llama_packed", "llama_lora", "sasrec",
                                           "sasrec_sampled"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace openp5::trainers
