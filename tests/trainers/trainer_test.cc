#include "trainers/trainer.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <filesystem>
#include <sstream>
#include <thread>

#include "checkpoints/checkpoint.h"
#include "platform/base/file.h"
#include "platform/base/parallel.h"
#include "platform/text/number_tokens.h"
#include "tests/testing/tiny_world.h"
#include "trainers/sharded_gradients.h"
#include "trainers/tasks/generative_task.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::TinyWorld;
using ::testing::HasSubstr;

TrainOptions FastOptions() {
  return {.schedule = {.epochs = 2, .lr = 5e-3},
          .sampling = {.batch_size = 16, .sample_prompt = true, .sample_num = {"2"}},
          .saving = {.logging_step = 1}};
}

class TrainerTest : public ::testing::Test {
 protected:
  absl::StatusOr<TrainingSummary> Train(TinyWorld* world, const TrainOptions& options,
                                        const std::string& run, ProcessGroup* group = nullptr) {
    const GenerativeSetup setup{.model = world->model.get(),
                                .tokenizer = world->tokenizer.get(),
                                .datasets = {world->dataset.get()},
                                .prompts = &world->prompts,
                                .tasks = {"sequential", "straightforward"},
                                .description = {{"epochs", options.schedule.epochs}}};
    OPENP5_ASSIGN_OR_RETURN(const auto task, GenerativeTask::Create(setup, options));
    if (group != nullptr && group->rank() > 0) {
      return trainers::Train(task.get(), options, nullptr, group);
    }
    OPENP5_ASSIGN_OR_RETURN(const RunFolder folder,
                            RunFolder::Open(temporary_.File(run), "", options.saving.resume));
    return trainers::Train(task.get(), options, &folder, group);
  }
  // A world whose model is large enough for batches of 16 to be computed in shards.
  static std::unique_ptr<TinyWorld> LargerWorld(bool causal) {
    auto world = std::make_unique<TinyWorld>();
    const int64_t rows = world->tokenizer->vocabulary_size();
    if (causal) {
      world->model = models::LlamaModel::Create({.vocab_size = rows,
                                                 .hidden_size = 128,
                                                 .intermediate_size = 1024,
                                                 .num_hidden_layers = 2,
                                                 .num_attention_heads = 4,
                                                 .num_key_value_heads = 4,
                                                 .head_dim = 32},
                                                /*seed=*/3);
    } else {
      world->model = models::T5Model::Create({.vocab_size = rows,
                                              .d_model = 128,
                                              .d_kv = 32,
                                              .d_ff = 1024,
                                              .num_layers = 2,
                                              .num_decoder_layers = 2,
                                              .num_heads = 4},
                                             /*seed=*/3);
    }
    return world;
  }
  // Into how many shards the first samples of `world` are cut.
  static size_t Shards(const TinyWorld& world, const TrainOptions& options) {
    const auto task = GenerativeTask::Create({.model = world.model.get(),
                                              .tokenizer = world.tokenizer.get(),
                                              .datasets = {world.dataset.get()},
                                              .prompts = &world.prompts,
                                              .tasks = {"sequential"}},
                                             options);
    EXPECT_TRUE(task.ok());
    (*task)->StartEpoch(0);
    std::vector<int32_t> samples(static_cast<size_t>(options.sampling.batch_size));
    const auto batch = (*task)->MakeBatch(0, samples);
    EXPECT_TRUE(batch.ok());
    return CountShards(**task, options, *batch);
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
  options.schedule.name = "constant";  // does not depend on the number of epochs
  options.schedule.warmup_prop = 0;
  TinyWorld whole;
  OPENP5_ASSERT_OK(Train(&whole, options, "whole"));
  TinyWorld first;
  options.schedule.epochs = 1;
  OPENP5_ASSERT_OK(Train(&first, options, "parts"));
  TinyWorld second;
  options.schedule.epochs = 2;
  options.saving.resume = true;
  OPENP5_ASSERT_OK(Train(&second, options, "parts"));
  EXPECT_EQ(Weights("parts"), Weights("whole"));
}

// Batches that are computed in shards, with dropout: any number of threads gives the same bytes,
// and so does a run that stopped in between.
TEST_F(TrainerTest, ThreadsDoNotChangeTheResult) {
  for (const bool causal : {false, true}) {
    SCOPED_TRACE(causal);
    TrainOptions options = FastOptions();
    options.schedule.name = "constant";
    options.schedule.warmup_prop = 0;
    options.dropout = 0.2;
    options.sampling.sample_num = {"1"};
    options.sampling.pack_targets = causal ? 3 : 1;
    EXPECT_GT(Shards(*LargerWorld(causal), options), 1u);
    std::string expected;
    for (const int threads : {1, 2, 5}) {
      at::set_num_threads(threads);
      SetParallelThreads(static_cast<size_t>(threads));
      const auto world = LargerWorld(causal);
      const std::string run = StrCat("threads", threads, causal);
      OPENP5_ASSERT_OK(Train(world.get(), options, run));
      if (expected.empty()) expected = Weights(run);
      EXPECT_TRUE(Weights(run) == expected) << threads;
    }
    for (const int threads : {2, 5}) {
      at::set_num_threads(threads);
      const auto world = LargerWorld(causal);
      options.schedule.epochs = options.saving.resume ? 2 : 1;
      OPENP5_ASSERT_OK(Train(world.get(), options, StrCat("parts", causal)));
      options.saving.resume = true;
    }
    EXPECT_TRUE(Weights(StrCat("parts", causal)) == expected);
  }
}

// The test after the training is of the best checkpoint's weights, whatever was trained since.
TEST_F(TrainerTest, TestsTheBestCheckpoint) {
  TinyWorld world;
  TrainOptions options = FastOptions();
  options.selection.valid_select = "hit@5";  // as good again is not better
  options.schedule.epochs = 30;
  options.selection.patience = 2;  // so the last epoch is not the best
  options.selection.test_after_train = true;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto summary, Train(&world, options, "run"));
  ASSERT_LT(summary.best_epoch, summary.epochs - 1);
  ASSERT_EQ(summary.test.size(), 2u);  // tasks
  EXPECT_EQ(summary.test[0].split, "test");
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto best,
                              checkpoints::ReadWeights(temporary_.File("run/checkpoints/best")));
  for (const auto& [name, tensor] : world.model->parameters()) {
    EXPECT_TRUE(torch::equal(tensor.detach(), *FindTensor(best, name))) << name;
  }
  EXPECT_NE(Weights("run", "best"), Weights("run", "last"));
}

// A causal model, its weights and an adapter's alike: it learns, and resumes bit for bit.
TEST_F(TrainerTest, TrainsCausalModelsAndAdapters) {
  for (const bool lora : {false, true}) {
    SCOPED_TRACE(lora);
    const std::string name = lora ? "lora" : "full";
    TrainOptions options = FastOptions();
    options.schedule.name = "constant";
    options.schedule.warmup_prop = 0;
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
      options.schedule.epochs = epochs;
      options.saving.resume = epochs > 1;
      OPENP5_ASSERT_OK(Train(&part, options, name + "_parts"));
    }
    EXPECT_EQ(Weights(name + "_parts"), Weights(name));
  }
}

TEST_F(TrainerTest, TrainsOnPackedTargets) {
  TrainOptions options = FastOptions();
  options.sampling.pack_targets = 3;
  TinyWorld world;
  world.UseLlama(/*with_lora=*/false);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto summary, Train(&world, options, "run"));
  EXPECT_LT(summary.train_loss, 5.0);
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string log,
                              ReadFile(temporary_.File("run/metrics.jsonl")));
  EXPECT_THAT(log, HasSubstr("samples_per_second"));
}

// Two processes (threads here; tests/cli has real ones) that share every batch end with the weights
// of one whose batches are as large as theirs together, to rounding; with two groups, accumulation,
// and losses that are means over tokens.
TEST_F(TrainerTest, RanksTrainAsOneProcess) {
  for (const bool causal : {false, true}) {
    SCOPED_TRACE(causal);
    TrainOptions options = FastOptions();
    options.dropout = 0;
    options.optimizer.gradient_accumulation_steps = 2;
    options.selection.valid_select = "hit@5";
    TinyWorld one;
    if (causal) one.UseLlama(false);
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto alone, Train(&one, options, causal ? "one_c" : "one"));
    options.sampling.batch_size /= 2;
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto meeting, MeetingPoint::Open());
    TinyWorld worlds[2];
    std::vector<std::thread> ranks;
    for (int64_t rank = 0; rank < 2; ++rank) {
      TinyWorld* world = &worlds[rank];
      if (causal) world->UseLlama(false);
      if (rank == 1) world->model->embeddings().detach().zero_();  // rank 0's weights are taken
      ranks.emplace_back([&, rank, world] {
        const auto group = ProcessGroup::Create({.world = {.rank = rank,
                                                           .size = 2,
                                                           .local_size = 2,
                                                           .port = meeting->port(),
                                                           .has_host = true}});
        OPENP5_ASSERT_OK(group);
        const auto summary = Train(world, options, causal ? "two_c" : "two", group->get());
        OPENP5_ASSERT_OK(summary);
        EXPECT_EQ(summary->steps, alone.steps);
        EXPECT_NEAR(summary->train_loss, alone.train_loss, 1e-5);
        EXPECT_NEAR(summary->validation_loss, alone.validation_loss, 1e-5);
      });
    }
    for (std::thread& rank : ranks) rank.join();
    for (const auto& [name, tensor] : one.model->parameters()) {
      const at::Tensor first = FindTensor(worlds[0].model->parameters(), name)->detach();
      EXPECT_TRUE(torch::equal(first, FindTensor(worlds[1].model->parameters(), name)->detach()))
          << name;
      EXPECT_TRUE(torch::allclose(first, tensor.detach(), 1e-4, 1e-5)) << name;
    }
  }
}

TEST_F(TrainerTest, KeepsTheBestEpochsAndStopsWhenNoneFollows) {
  TinyWorld world;
  TrainOptions options = FastOptions();
  options.schedule.epochs = 30;
  options.selection.valid_select = "hit@5";  // as good again is not better
  options.selection.keep_best = 2;
  options.selection.patience = 3;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto summary, Train(&world, options, "run"));
  EXPECT_LT(summary.epochs, 30);
  EXPECT_EQ(summary.epochs, summary.best_epoch + 1 + options.selection.patience);
  std::vector<std::string> kept;
  for (const auto& entry :
       std::filesystem::directory_iterator(temporary_.File("run/checkpoints"))) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("epoch-")) kept.push_back(name);
  }
  EXPECT_EQ(kept.size(), 2u);
  EXPECT_EQ(Weights("run", StrCat("epoch-", summary.best_epoch + 1)), Weights("run", "best"));
}

TEST_F(TrainerTest, AccumulationGathersBatchesIntoSteps) {
  TrainOptions options = FastOptions();
  options.schedule.epochs = 1;
  TinyWorld plain, gathered, compat;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto single, Train(&plain, options, "plain"));
  options.optimizer.gradient_accumulation_steps = 2;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto half, Train(&gathered, options, "gathered"));
  EXPECT_EQ(half.steps, (single.steps + 1) / 2);
  options.openp5_compat = true;  // the original gathers nothing
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto original, Train(&compat, options, "compat"));
  EXPECT_EQ(original.steps, single.steps);
}

TEST_F(TrainerTest, ChoosesByAMetric) {
  TinyWorld world;
  TrainOptions options = FastOptions();
  options.selection.valid_select = "hit@5";
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto summary, Train(&world, options, "run"));
  EXPECT_GE(summary.best_epoch, 0);
  options.selection.valid_select = "accuracy";
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
  options.saving.resume = true;
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
