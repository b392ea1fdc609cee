#include "trainers/tasks/generative_task.h"

#include <torch/types.h>

#include <numeric>

#include "tests/testing/tiny_world.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TinyWorld;
using ::testing::HasSubstr;

class GenerativeTaskTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<GenerativeTask>> Make(const TrainOptions& options,
                                                       const std::string& task = "sequential") {
    const GenerativeSetup setup{.model = world_.model.get(),
                                .tokenizer = world_.tokenizer.get(),
                                .datasets = {world_.dataset.get()},
                                .prompts = &world_.prompts,
                                .tasks = {task}};
    return GenerativeTask::Create(setup, options);
  }
  // The mean loss of all samples of the first group, whose gradients the parameters then have.
  double WholeLoss(GenerativeTask* task) {
    task->StartEpoch(0);
    std::vector<int32_t> all(static_cast<size_t>(task->groups()[0].size));
    std::iota(all.begin(), all.end(), 0);
    const auto batch = task->MakeBatch(0, all);
    EXPECT_THAT(batch, testing::IsOk());
    tokens_ = batch->input.tokens.size(0);
    examples_ = task->Examples(*batch);
    for (const auto& [name, tensor] : task->parameters()) tensor.mutable_grad().reset();
    const at::Tensor loss = task->Loss(*batch);
    loss.backward();
    return loss.item<double>();
  }
  TinyWorld world_;
  int64_t tokens_ = 0, examples_ = 0;
};

// No user of the dataset has more items than --max-history, so the targets' histories are the same.
TEST_F(GenerativeTaskTest, PackedTargetsHaveTheLossAndTheGradientsOfSingleOnes) {
  for (const bool lora : {false, true}) {
    for (const char* name : {"sequential", "straightforward"}) {
      SCOPED_TRACE(StrCat(name, " ", lora));
      world_.UseLlama(lora);
      OPENP5_ASSERT_OK_AND_ASSIGN(const auto single, Make({}, name));
      const double expected = WholeLoss(single.get());
      const int64_t tokens = tokens_, examples = examples_;
      NamedTensors wanted;
      for (const auto& [parameter, tensor] : models::TrainedParameters(world_.model->parameters()))
        wanted.emplace_back(parameter, tensor.grad().clone());
      OPENP5_ASSERT_OK_AND_ASSIGN(const auto packed, Make({.sampling = {.pack_targets = 4}}, name));
      EXPECT_NEAR(WholeLoss(packed.get()), expected, 1e-6 * expected);
      EXPECT_EQ(examples_, examples);
      EXPECT_LT(4 * tokens_, 3 * tokens);
      for (const auto& [parameter, gradient] : wanted) {
        const at::Tensor got = FindTensor(world_.model->parameters(), parameter)->grad();
        EXPECT_TRUE(at::allclose(got, gradient, 1e-3, 1e-6)) << parameter;
      }
    }
  }
}

TEST_F(GenerativeTaskTest, RefusesToPackWhatCannotBe) {
  EXPECT_THAT(Make({.sampling = {.pack_targets = 4}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--pack-targets: expected a causal model")));
  world_.UseLlama(/*with_lora=*/false);
  EXPECT_THAT(Make({.sampling = {.pack_targets = 21}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--pack-targets: expected at most --max-history (20), got 21")));
}

TEST_F(GenerativeTaskTest, SmoothsTheLabelsOfTrainingOnly) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto task, Make({.label_smoothing = 0.1}));
  task->StartEpoch(0);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto training, task->MakeBatch(0, std::vector<int32_t>{0, 1}));
  EXPECT_EQ(training.label_smoothing, 0.1);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto validation, task->MakeValidationBatch(0, 0, 2));
  EXPECT_EQ(validation.label_smoothing, 0);
}

}  // namespace
}  // namespace openp5::trainers
