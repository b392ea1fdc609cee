#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "platform/base/file.h"
#include "platform/models/t5/t5.h"
#include "platform/tensor/safetensors.h"
#include "tests/testing/testing.h"
#include "trainers/loss.h"
#include "trainers/optimizer.h"
#include "trainers/schedule.h"

namespace openp5::trainers {
namespace {

using Json = nlohmann::json;
using ::openp5::testing::Shared;

// The rows of padded [batch, length] `values`, as far as `mask` reaches, one after another.
models::PackedBatch Packed(const at::Tensor& values, const at::Tensor& mask,
                           const at::Tensor* whole_words) {
  models::PackedBatch batch;
  const at::Tensor kept = mask.to(torch::kBool);
  batch.tokens = values.masked_select(kept);
  if (whole_words != nullptr) batch.whole_words = whole_words->masked_select(kept);
  for (int64_t row = 0; row < mask.size(0); ++row) {
    batch.lengths.push_back(mask[row].sum().item<int64_t>());
  }
  return batch;
}

models::TrainingBatch StepBatch(const NamedTensors& batches, int64_t step) {
  const auto get = [&](const char* name) -> const at::Tensor& {
    const at::Tensor* tensor = FindTensor(batches, StrCat("step", step, ".", name));
    OPENP5_CHECK(tensor != nullptr);
    return *tensor;
  };
  return {Packed(get("input_ids"), get("attention_mask"), &get("whole_word_ids")),
          Packed(get("output_ids"), get("output_attention"), nullptr), at::Tensor()};
}

void ExpectClose(const NamedTensors& expected, const NamedTensors& got, double tolerance,
                 const std::string& suffix = "") {
  for (const auto& [name, tensor] : expected) {
    const at::Tensor* own = FindTensor(got, name + suffix);
    ASSERT_NE(own, nullptr) << name;
    EXPECT_LE((own->detach() - tensor).abs().max().item<double>(), tolerance) << name;
  }
}

class GoldenTrainingTest : public ::testing::TestWithParam<std::pair<const char*, double>> {};

TEST_P(GoldenTrainingTest, TenStepsEqualOpenP5s) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const auto [name, tolerance] = GetParam();
  const std::string folder = Shared(StrCat("golden/04_training/", name, "/"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(folder + "trajectory.json"));
  const Json trajectory = Json::parse(text);
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string config, ReadFile(folder + "config.json"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto shape,
                              models::T5Config::FromHuggingFace(Json::parse(config)));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto initial, ReadSafetensors(folder + "initial.safetensors"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto batches, ReadSafetensors(folder + "batches.safetensors"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto model, models::T5Model::FromStateDict(shape, initial));
  model->SetTraining(true, /*dropout=*/0.0);
  AdamW optimizer(model->parameters(), {.beta1 = trajectory["betas"][0].get<double>(),
                                        .beta2 = trajectory["betas"][1].get<double>(),
                                        .epsilon = trajectory["eps"].get<double>(),
                                        .weight_decay = trajectory["weight_decay"].get<double>(),
                                        .clip = trajectory["clip"].get<double>()});
  for (const auto& [parameter, tensor] : model->parameters()) {
    const Json& listed = trajectory["parameters_without_weight_decay"];
    const bool without = std::find(listed.begin(), listed.end(), parameter) != listed.end();
    EXPECT_EQ(AdamWOptions().IsDecayed(parameter), !without) << parameter;
  }
  Registry<ScheduleFunction> schedules("schedule");
  OPENP5_ASSERT_OK(RegisterBuiltinSchedules(&schedules));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto* schedule, schedules.Find("linear-from-zero"));
  const ScheduleLength length{.warmup_steps = trajectory["warmup_steps"].get<int64_t>(),
                              .total_steps = trajectory["total_steps"].get<int64_t>()};
  EXPECT_EQ(static_cast<int64_t>(trajectory["warmup_prop"].get<double>() *
                                 static_cast<double>(length.total_steps)),
            length.warmup_steps);
  for (const Json& step : trajectory["steps"]) {
    const int64_t number = step["step"].get<int64_t>();
    SCOPED_TRACE(StrCat("step ", number));
    const models::TrainingBatch batch = StepBatch(batches, number);
    const at::Tensor loss = MeanOfExampleMeans(model->TokenLosses(batch), batch.labels.lengths);
    loss.backward();
    const double expected_loss = step["loss"].get<double>();
    EXPECT_NEAR(loss.item<double>(), expected_loss, 1e-5 * expected_loss);
    const double rate = trajectory["lr"].get<double>() * (*schedule)(number, length);
    EXPECT_NEAR(rate, step["lr_used"].get<double>(), 1e-12);
    const double norm = optimizer.Step(rate);
    const double expected_norm = step["grad_norm_before_clip"].get<double>();
    EXPECT_NEAR(norm, expected_norm, 1e-4 * expected_norm);
    optimizer.ZeroGradients();
  }
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto final, ReadSafetensors(folder + "final.safetensors"));
  ExpectClose(final, model->parameters(), tolerance);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto moments,
                              ReadSafetensors(folder + "final_optimizer_state.safetensors"));
  ExpectClose(moments, optimizer.State(), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Runs, GoldenTrainingTest,
                         ::testing::Values(std::pair{"a_relu_tied", 2e-5},
                                           std::pair{"c_resized", 2e-5},
                                           std::pair{"a_relu_tied_large_lr", 2e-4}),
                         [](const auto& info) { return std::string(info.param.first); });

}  // namespace
}  // namespace openp5::trainers
