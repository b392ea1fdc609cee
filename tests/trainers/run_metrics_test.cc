#include "trainers/run_metrics.h"

#include <cmath>

#include "platform/base/json.h"
#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const StepMetrics kStep{.epoch = 1,
                        .step = 7,
                        .loss = 2,
                        .losses = {{"Toy/sequential", 1.5}},
                        .learning_rate = 0.5,
                        .gradient_norm = 3,
                        .throughput = {.samples_per_second = 10, .tokens_per_second = 99},
                        .resident_memory_bytes = 1 << 20,
                        .seconds_left = 60};

Json ToyResults() {
  return {{{"dataset", "Toy"}, {"task", "sequential"}, {"metrics", {{"hit@10", 0.5}}}}};
}

EpochMetrics MetricEpoch() {
  return {.epoch = 2,
          .step = 7,
          .train_loss = 2,
          .validation_loss = 3,
          .train_losses = {{"Toy/sequential", 1.5}},
          .validation_losses = {{{"Toy/sequential", 2.5}}},
          .validation_metric = 0.25,
          .validation_results = ToyResults(),
          .seconds = 8,
          .best = true};
}

TEST(MetricsLineTest, WritesTheFieldsInTheirOrder) {
  EXPECT_EQ(MetricsLine(kStep),
            "{\"event\":\"step\",\"epoch\":1,\"step\":7,\"loss\":2.0,"
            "\"losses\":{\"Toy/sequential\":1.5},\"learning_rate\":0.5,\"gradient_norm\":3.0,"
            "\"samples_per_second\":10.0,\"tokens_per_second\":99.0,\"padding_share\":0.0,"
            "\"resident_memory_bytes\":1048576,\"seconds_left\":60.0}\n");
  EXPECT_EQ(MetricsLine(EpochMetrics{.epoch = 1, .step = 7, .train_loss = 2, .seconds = 8}),
            "{\"event\":\"epoch\",\"epoch\":1,\"step\":7,\"train_loss\":2.0,"
            "\"train_losses\":{},\"seconds\":8.0,\"best\":false}\n");
  EXPECT_EQ(MetricsLine(MetricEpoch()),
            "{\"event\":\"epoch\",\"epoch\":2,\"step\":7,\"train_loss\":2.0,"
            "\"validation_loss\":3.0,\"train_losses\":{\"Toy/sequential\":1.5},"
            "\"validation_losses\":{\"Toy/sequential\":2.5},\"validation_metric\":0.25,"
            "\"validation_results\":" +
                DumpJson(ToyResults()) + ",\"seconds\":8.0,\"best\":true}\n");
  EXPECT_EQ(MetricsLine(TestMetrics{.checkpoint = "best",
                                    .epoch = 2,
                                    .step = 7,
                                    .results = ToyResults(),
                                    .users_per_second = 4}),
            "{\"event\":\"test\",\"checkpoint\":\"best\",\"epoch\":2,\"step\":7,\"results\":" +
                DumpJson(ToyResults()) + ",\"users_per_second\":4.0}\n");
}

TEST(ReadMetricsTest, ReadsWhatWasWritten) {
  const std::vector<RunMetrics> all = {kStep, MetricEpoch(),
                                       TestMetrics{.epoch = 1, .results = ToyResults()}};
  std::string text;
  for (const RunMetrics& metrics : all) text += MetricsLine(metrics);
  const std::vector<RunMetrics> read = ReadMetrics(text);
  ASSERT_THAT(read, SizeIs(3));
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(read[i].index(), all[i].index());
    EXPECT_EQ(MetricsLine(read[i]), MetricsLine(all[i]));
  }
}

TEST(ReadMetricsTest, PassesOverOtherLinesAndFields) {
  const std::vector<RunMetrics> read = ReadMetrics(
      "[]\n5\n\n{\"event\":\"start\",\"step\":7}\n"
      "{\"event\":\"step\",\"step\":3,\"loss\":null,\"losses\":[1],\"later\":1}\n"
      "{\"event\":\"step\",\"ste");
  ASSERT_THAT(read, SizeIs(1));
  const auto& step = std::get<StepMetrics>(read[0]);
  EXPECT_EQ(step.step, 3);
  EXPECT_TRUE(std::isnan(step.loss));
  EXPECT_TRUE(std::isnan(step.gradient_norm));
  EXPECT_THAT(step.losses, IsEmpty());
}

TEST(ScalarsOfTest, NamesWhatAStepMeasured) {
  EXPECT_THAT(ScalarsOf(kStep),
              ElementsAre(Scalar{"train_loss", 2.0}, Scalar{"train_loss/Toy/sequential", 1.5},
                          Scalar{"learning_rate", 0.5}, Scalar{"gradient_norm", 3},
                          Scalar{"samples_per_second", 10}, Scalar{"tokens_per_second", 99},
                          Scalar{"padding_share", 0}, Scalar{"resident_memory_bytes", 1 << 20},
                          Scalar{"seconds_left", 60}));
}

TEST(ScalarsOfTest, NamesWhatAnEpochMeasured) {
  EXPECT_THAT(
      ScalarsOf(MetricEpoch()),
      ElementsAre(Scalar{"epoch_train_loss", 2.0}, Scalar{"validation_loss", 3.0},
                  Scalar{"epoch_train_loss/Toy/sequential", 1.5},
                  Scalar{"validation_loss/Toy/sequential", 2.5}, Scalar{"validation_metric", 0.25},
                  Scalar{"validation/hit@10/Toy/sequential", 0.5}, Scalar{"epoch_seconds", 8}));
  EXPECT_THAT(ScalarsOf(TestMetrics{.results = ToyResults()}),
              ElementsAre(Scalar{"test/hit@10/Toy/sequential", 0.5}));
  EXPECT_THAT(ScalarsOf(TestMetrics{.checkpoint = "best", .results = ToyResults()}),
              ElementsAre(Scalar{"best_test/hit@10/Toy/sequential", 0.5}));
}

}  // namespace
}  // namespace openp5::trainers
