#include "trainers/tasks/sasrec_task.h"

#include <torch/types.h>

#include <filesystem>
#include <set>

#include "checkpoints/checkpoint.h"
#include "checkpoints/sasrec_folder.h"
#include "platform/base/file.h"
#include "tests/testing/testing.h"
#include "trainers/trainer.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Items a … h are 0 … 7. u2 has one training item only.
constexpr char kSequences[] =
    "u1 a b c d e f g h\n"
    "u2 c b a\n"
    "u3 b c d e f g\n"
    "u4 e f g h a b c\n";

datasets::SequenceDataset Parse(const std::string& text = kSequences,
                                const std::string& name = "toy") {
  auto dataset = datasets::SequenceDataset::Parse(name, text, name);
  EXPECT_TRUE(dataset.ok());
  return *std::move(dataset);
}

using checkpoints::RowsOf;
using checkpoints::SasrecFolder;
using checkpoints::WriteSasrecFolder;

absl::StatusOr<SasrecFolder> ReadSasrecFolder(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const auto manifest, checkpoints::ReadManifest(path));
  return checkpoints::ReadSasrecFolder(path, manifest);
}

class SasrecTaskTest : public ::testing::Test {
 protected:
  // A fresh model and a task that trains it.
  std::unique_ptr<SasrecTask> Make(int64_t negatives = 0) {
    model_ = models::SasrecModel::Create(
        {.item_count = 8, .hidden_size = 16, .num_layers = 1, .max_length = 4}, /*seed=*/1);
    auto task = SasrecTask::Create({.model = model_.get(),
                                    .dataset = &dataset_,
                                    .negatives = negatives,
                                    .seed = 5,
                                    .description = {{"epochs", 3}}});
    EXPECT_TRUE(task.ok());
    return *std::move(task);
  }
  absl::StatusOr<TrainingSummary> Train(SasrecTask* task, const TrainOptions& options,
                                        const std::string& run) {
    OPENP5_ASSIGN_OR_RETURN(const RunFolder folder,
                            RunFolder::Open(temporary_.File(run), "", options.saving.resume));
    return trainers::Train(task, options, &folder);
  }
  std::string Weights(const std::string& run) {
    return *ReadFile(temporary_.File(run + "/checkpoints/last/model.safetensors"));
  }

  const datasets::SequenceDataset dataset_ = Parse();
  std::unique_ptr<models::SasrecModel> model_;
  TemporaryFolder temporary_;
};

std::vector<int64_t> Numbers(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<int64_t>(), tensor.const_data_ptr<int64_t>() + tensor.numel()};
}

TEST_F(SasrecTaskTest, EveryPositionOfTheLatestItemsPredictsTheNext) {
  const auto task = Make();
  ASSERT_EQ(task->groups().size(), 1u);
  EXPECT_EQ(task->groups()[0].size, 3);         // without u2
  const std::vector<int32_t> samples = {1, 0};  // u3: b c d e; u1: (a) b c d e f
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto batch, task->MakeBatch(0, samples));
  EXPECT_THAT(batch.input.lengths, ElementsAre(4, 3));
  EXPECT_THAT(Numbers(batch.input.tokens), ElementsAre(1, 2, 3, 4, 1, 2, 3));
  EXPECT_THAT(Numbers(batch.labels.tokens), ElementsAre(2, 3, 4, 5, 2, 3, 4));
  EXPECT_THAT(Numbers(batch.label_positions), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_EQ(task->Weight(batch), 7);
}

TEST_F(SasrecTaskTest, ValidationAsksForTheLastButOneItemOfAllUsers) {
  const auto task = Make(/*negatives=*/2);
  ASSERT_EQ(task->ValidationSize(0), 4);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto batch, task->MakeValidationBatch(0, 1, 4));
  EXPECT_THAT(Numbers(batch.input.tokens), ElementsAre(2, 1, 2, 3, 4, 5, 6, 7, 0));
  EXPECT_THAT(batch.input.lengths, ElementsAre(1, 4, 4));
  EXPECT_THAT(Numbers(batch.labels.tokens), ElementsAre(1, 5, 1));
  EXPECT_THAT(Numbers(batch.label_positions), ElementsAre(0, 4, 8));
}

TEST_F(SasrecTaskTest, NegativesAreAFunctionOfSeedEpochAndBatch) {
  const auto task = Make(/*negatives=*/4);
  const auto draw = [&](int64_t epoch, std::vector<int32_t> samples) {
    task->StartEpoch(epoch);
    return Numbers(task->MakeBatch(0, samples)->negatives);
  };
  const std::vector<int64_t> first = draw(0, {0, 1});
  EXPECT_EQ(std::set<int64_t>(first.begin(), first.end()).size(), 4u);
  std::set<std::vector<int64_t>> others;
  for (int64_t epoch = 1; epoch < 6; ++epoch) others.insert(draw(epoch, {0, 1}));
  for (const int32_t sample : {0, 1, 2}) others.insert(draw(0, {sample}));
  EXPECT_GT(others.size(), 5u);
  EXPECT_EQ(draw(0, {0, 1}), first);
}

// Every item is drawn as often as any other; all of them where there are no more.
TEST_F(SasrecTaskTest, NegativesAreUniform) {
  auto task = Make(/*negatives=*/3);
  const std::vector<int32_t> samples = {0, 2};
  std::vector<int> counts(8);
  constexpr int kEpochs = 4000;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    task->StartEpoch(epoch);
    for (const int64_t item : Numbers(task->MakeBatch(0, samples)->negatives)) {
      ++counts[static_cast<size_t>(item)];
    }
  }
  for (const int count : counts) EXPECT_NEAR(count, kEpochs * 3 / 8, 160);  // 5 deviations
  task = Make(/*negatives=*/100);
  EXPECT_EQ(task->MakeBatch(0, samples)->negatives.numel(), 8);
}

// The loss of training is over the negatives, that of the validation over all items.
TEST_F(SasrecTaskTest, OnlyTheTrainingLossIsSampled) {
  const std::vector<int32_t> samples = {0, 2};
  const auto full = Make();
  const double expected = full->Loss(*full->MakeBatch(0, samples)).item<double>();
  EXPECT_FALSE(full->MakeBatch(0, samples)->negatives.defined());
  const auto sampled = Make(/*negatives=*/2);
  EXPECT_NE(sampled->Loss(*sampled->MakeBatch(0, samples)).item<double>(), expected);
  EXPECT_FALSE(sampled->MakeValidationBatch(0, 0, 2)->negatives.defined());
}

TEST_F(SasrecTaskTest, DropoutIsHalfUnlessAsked) {
  const auto task = Make();
  const auto batch = *task->MakeBatch(0, std::vector<int32_t>{0, 1, 2});
  const auto loss = [&](double dropout) {
    at::manual_seed(1);
    task->SetTraining(true, {.hidden = dropout});
    return task->Loss(batch).item<double>();
  };
  EXPECT_EQ(loss(-1), loss(0.5));
  EXPECT_NE(loss(-1), loss(0));
}

TEST_F(SasrecTaskTest, LearnsAndLeavesCheckpointsThatStandAlone) {
  for (const int64_t negatives : {0, 3}) {
    const std::string run = StrCat("run", negatives);
    const auto task = Make(negatives);
    TrainOptions options{
        .schedule = {.epochs = 15, .lr = 2e-2}, .sampling = {.batch_size = 1}, .dropout = 0};
    options.selection.valid_select = "hit@1";
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto summary, Train(task.get(), options, run));
    EXPECT_LT(summary.train_loss, 1.5);  // of guesses: 2.1
    const std::string path = temporary_.File(run + "/checkpoints/best");
    OPENP5_ASSERT_OK(checkpoints::VerifyCheckpoint(path));
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto folder, ReadSasrecFolder(path));
    EXPECT_THAT(folder.item_ids, ElementsAre("a", "b", "c", "d", "e", "f", "g", "h"));
    EXPECT_EQ(folder.dataset, "toy");
    EXPECT_EQ(folder.dataset_digest, dataset_.digest());
    EXPECT_EQ(folder.training["epochs"], 3);
    OPENP5_EXPECT_OK(models::SasrecModel::FromStateDict(folder.config, folder.weights));
  }
}

// Stopped after an epoch and gone on with: bit for bit the run that never stopped. (Stopping inside
// an epoch: tests/cli.)
TEST_F(SasrecTaskTest, ResumesExactly) {
  for (const int64_t negatives : {0, 3}) {
    TrainOptions options{.schedule = {.epochs = 3, .name = "constant"},
                         .sampling = {.batch_size = 2},
                         .dropout = 0.3};
    const std::string whole = StrCat("whole", negatives), parts = StrCat("parts", negatives);
    OPENP5_ASSERT_OK(Train(Make(negatives).get(), options, whole));
    options.schedule.epochs = 1;
    OPENP5_ASSERT_OK(Train(Make(negatives).get(), options, parts));
    options.schedule.epochs = 3;
    options.saving.resume = true;
    OPENP5_ASSERT_OK(Train(Make(negatives).get(), options, parts));
    EXPECT_EQ(Weights(parts), Weights(whole)) << negatives << " negatives";
  }
}

TEST(SasrecTaskCreateTest, DataWithoutSamplesAreRefused) {
  const auto dataset = Parse("u1 a b c\nu2 b c a\n");
  const auto model = models::SasrecModel::Create({.item_count = 3}, 1);
  EXPECT_THAT(SasrecTask::Create({.model = model.get(), .dataset = &dataset}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least four items")));
}

TEST_F(SasrecTaskTest, ItemsAreFoundByTheirIds) {
  const auto task = Make();
  const std::string path = temporary_.File("checkpoint");
  OPENP5_ASSERT_OK(task->Save(path, model_->parameters(), nlohmann::json::object()));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto folder, ReadSasrecFolder(path));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto rows, RowsOf(folder, path, Parse("u1 c a h\n")));
  EXPECT_THAT(rows, ElementsAre(2, 0, 7));
  EXPECT_THAT(RowsOf(folder, path, Parse("u1 c a novelty\n")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("novelty")));
  EXPECT_THAT(RowsOf(folder, path, Parse(kSequences, "other")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("trained on toy")));
}

TEST_F(SasrecTaskTest, DamagedFoldersAreNamed) {
  const auto task = Make();
  const std::string path = temporary_.File("checkpoint");
  const auto failure = [&](const std::string& file, const std::string& from,
                           const std::string& to) {
    EXPECT_TRUE(task->Save(path, model_->parameters(), nlohmann::json::object()).ok());
    std::string text = *ReadFile(path + "/" + file);
    text.replace(text.find(from), from.size(), to);
    if (file == "manifest.json") {
      auto manifest = nlohmann::json::parse(text);
      manifest.erase("manifest_sha256");  // as in a manifest of an older version
      text = manifest.dump();
    }
    EXPECT_TRUE(WriteFileAtomic(path + "/" + file, text).ok());
    return ReadSasrecFolder(path);
  };
  EXPECT_THAT(failure("items.txt", "c\n", "x\n"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("items.txt: not the items")));
  EXPECT_THAT(failure("items.txt", "c\n", ""),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("items.txt: expected 16 bytes")));
  EXPECT_THAT(failure("manifest.json", "dataset_digest", "dataset_figure"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("dataset_digest")));
  EXPECT_THAT(failure("manifest.json", "\"num_heads\": 1", "\"num_heads\": 3"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("num_heads")));
  EXPECT_THAT(failure("manifest.json", "items.txt\": {", "atoms.txt\": {"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("atoms.txt")));
}

TEST(SasrecOptionsTest, HeadsMustDivideTheHiddenSize) {
  SasrecOptions options{.hidden_size = 64, .heads = 4};
  OPENP5_EXPECT_OK(options.Check());
  options.heads = 5;
  EXPECT_THAT(options.Check(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--sasrec-heads")));
}

}  // namespace
}  // namespace openp5::trainers
