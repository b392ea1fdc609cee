#include "trainers/trainer.h"

#include <torch/types.h>

#include <filesystem>
#include <sstream>

#include "checkpoints/checkpoint.h"
#include "platform/base/file.h"
#include "platform/text/number_tokens.h"
#include "tests/evaluators/tiny_world.h"
#include "trainers/generative_task.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::TinyWorld;
using ::testing::HasSubstr;

TrainOptions FastOptions() {
  return {.epochs = 2,
          .batch_size = 16,
          .lr = 5e-3,
          .sample_prompt = true,
          .sample_num = {"2"},
          .logging_step = 1};
}

class TrainerTest : public ::testing::Test {
 protected:
  absl::StatusOr<TrainingSummary> Train(TinyWorld* world, const TrainOptions& options,
                                        const std::string& run) {
    const GenerativeSetup setup{.model = world->model.get(),
                                .tokenizer = world->tokenizer.get(),
                                .datasets = {world->dataset.get()},
                                .prompts = &world->prompts,
                                .tasks = {"sequential", "straightforward"},
                                .description = {{"epochs", options.epochs}}};
    OPENP5_ASSIGN_OR_RETURN(const RunFolder folder,
                            RunFolder::Open(temporary_.File(run), "", options.resume));
    OPENP5_ASSIGN_OR_RETURN(const auto task, GenerativeTask::Create(setup, options));
    return trainers::Train(task.get(), options, &folder);
  }
  std::string Weights(const std::string& run, const std::string& name = "last") {
    const auto bytes =
        ReadFile(temporary_.File(run + "/checkpoints/" + name + "/model.safetensors"));
    EXPECT_TRUE(bytes.ok());
    return bytes.value_or("");
  }
  static NamedTensors Copies(const models::LanguageModel& model) {
    NamedTensors copies;
    for (const auto& [name, tensor] : model.parameters())
      copies.emplace_back(name, tensor.detach().clone());
    return copies;
  }
  TemporaryFolder temporary_;
};

TEST_F(TrainerTest, LearnsAndLeavesCheckpointsThatStandAlone) {
  TinyWorld world;
  OPENP5_ASSERT_OK_AND_ASSIGN(const TrainingSummary summary, Train(&world, FastOptions(), "run"));
  EXPECT_EQ(summary.epochs, 2);
  EXPECT_LT(summary.train_loss, 6.0);
  for (const char* name : {"best", "last"}) {
    const std::string path = temporary_.File(StrCat("run/checkpoints/", name));
    OPENP5_ASSERT_OK(checkpoints::VerifyCheckpoint(path));
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto indexes,
                                indexing::ReadItemIndexFile(path + "/items.index"));
    ASSERT_EQ(indexes.size(), 1u);
    EXPECT_EQ(indexes[0].Digest(), world.dataset->index().Digest());
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto manifest, checkpoints::ReadManifest(path));
    EXPECT_EQ(manifest.indexes[0]["index_digest"], indexes[0].Digest());
    OPENP5_EXPECT_OK(text::OpenTokenizer(path + "/tokenizer", manifest.tokenizer_family));
  }
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string log,
                              ReadFile(temporary_.File("run/metrics.jsonl")));
  std::istringstream lines(log);
  int64_t steps = 0, epochs = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    steps += json["event"] == "step";
    epochs += json["event"] == "epoch";
  }
  EXPECT_EQ(steps, summary.steps);
  EXPECT_EQ(epochs, 2);
}

TEST_F(TrainerTest, ASeedDecidesEverything) {
  for (const char* run : {"one", "two"}) {
    TinyWorld world;
    OPENP5_ASSERT_OK(Train(&world, FastOptions(), run));
  }
  EXPECT_EQ(Weights("one"), Weights("two"));
}

// Stopped after the first epoch and gone on with: bit for bit the run that never stopped. (Stopping
// inside an epoch: tests/cli.)
TEST_F(TrainerTest, ResumesExactly) {
  TrainOptions options = FastOptions();
  options.schedule = "constant";  // does not depend on the number of epochs
  options.warmup_prop = 0;
  TinyWorld whole;
  OPENP5_ASSERT_OK(Train(&whole, options, "whole"));
  TinyWorld first;
  options.epochs = 1;
  OPENP5_ASSERT_OK(Train(&first, options, "parts"));
  TinyWorld second;
  options.epochs = 2;
  options.resume = true;
  OPENP5_ASSERT_OK(Train(&second, options, "parts"));
  EXPECT_EQ(Weights("parts"), Weights("whole"));
}

// A causal model, its weights and an adapter's alike: it learns, and resumes bit for bit.
TEST_F(TrainerTest, TrainsCausalModelsAndAdapters) {
  for (const bool lora : {false, true}) {
    SCOPED_TRACE(lora);
    const std::string name = lora ? "lora" : "full";
    TrainOptions options = FastOptions();
    options.schedule = "constant";
    options.warmup_prop = 0;
    TinyWorld whole;
    whole.UseLlama(lora);
    const NamedTensors before = Copies(*whole.model);
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto summary, Train(&whole, options, name));
    EXPECT_LT(summary.train_loss, 5.0);
    OPENP5_ASSERT_OK(checkpoints::VerifyCheckpoint(temporary_.File(name + "/checkpoints/best")));
    for (const auto& [parameter, tensor] : before) {
      const bool moved =
          !torch::equal(FindTensor(whole.model->parameters(), parameter)->detach(), tensor);
      const bool trained = !lora || parameter.find(".lora_") != std::string::npos;
      EXPECT_EQ(moved, trained) << parameter;
    }
    for (int64_t epochs = 1; epochs <= 2; ++epochs) {
      TinyWorld part;
      part.UseLlama(lora);
      options.epochs = epochs;
      options.resume = epochs > 1;
      OPENP5_ASSERT_OK(Train(&part, options, name + "_parts"));
    }
    EXPECT_EQ(Weights(name + "_parts"), Weights(name));
  }
}

TEST_F(TrainerTest, AccumulationGathersBatchesIntoSteps) {
  TrainOptions options = FastOptions();
  options.epochs = 1;
  TinyWorld plain, gathered, compat;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto single, Train(&plain, options, "plain"));
  options.gradient_accumulation_steps = 2;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto half, Train(&gathered, options, "gathered"));
  EXPECT_EQ(half.steps, (single.steps + 1) / 2);
  options.openp5_compat = true;  // the original gathers nothing
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto original, Train(&compat, options, "compat"));
  EXPECT_EQ(original.steps, single.steps);
}

TEST_F(TrainerTest, ChoosesByAMetric) {
  TinyWorld world;
  TrainOptions options = FastOptions();
  options.valid_select = "hit@5";
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto summary, Train(&world, options, "run"));
  EXPECT_GE(summary.best_epoch, 0);
  options.valid_select = "accuracy";
  EXPECT_THAT(Train(&world, options, "other"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--valid-select")));
}

TEST_F(TrainerTest, StopsWhenTheLossIsNoNumber) {
  TinyWorld world;
  world.model->parameters()[0].second.detach().fill_(std::nanf(""));
  EXPECT_THAT(Train(&world, FastOptions(), "run"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("a lower --lr")));
}

TEST_F(TrainerTest, NamesADamagedState) {
  TinyWorld world;
  TrainOptions options = FastOptions();
  OPENP5_ASSERT_OK(Train(&world, options, "run"));
  const std::string state = temporary_.File("run/checkpoints/training_state.safetensors");
  std::filesystem::resize_file(state, std::filesystem::file_size(state) / 2);
  options.resume = true;
  EXPECT_THAT(Train(&world, options, "run"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("training_state.safetensors")));
}

TEST_F(TrainerTest, RandomInitializeTouchesNumberTokensOnly) {
  TinyWorld world;
  const at::Tensor* shared = FindTensor(world.model->parameters(), "shared.weight");
  const at::Tensor before = shared->detach().clone();
  RandomInitialize(*world.model, *world.tokenizer, 1, /*openp5_compat=*/false);
  const auto ids = text::NumberTokenIds(*world.tokenizer);
  ASSERT_FALSE(ids.empty());
  for (int64_t row = 0; row < before.size(0); ++row) {
    const bool number = std::find(ids.begin(), ids.end(), row) != ids.end();
    EXPECT_EQ(!torch::equal(before[row], shared->detach()[row]), number) << row;
  }
}

}  // namespace
}  // namespace openp5::trainers
