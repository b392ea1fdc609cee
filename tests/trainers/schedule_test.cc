#include "trainers/schedule.h"

#include <cmath>

#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

std::vector<double> Rates(const std::string& name, const ScheduleLength& length) {
  Registry<ScheduleFunction> registry("schedule");
  EXPECT_TRUE(RegisterBuiltinSchedules(&registry).ok());
  const auto schedule = registry.Find(name);
  EXPECT_TRUE(schedule.ok());
  std::vector<double> rates;
  for (int64_t step = 0; step < length.total_steps; ++step) {
    rates.push_back((**schedule)(step, length));
  }
  return rates;
}

TEST(ScheduleTest, LinearWastesNoStep) {
  EXPECT_EQ(Rates("linear", {.warmup_steps = 1, .total_steps = 5}),
            (std::vector<double>{0.5, 1.0, 0.75, 0.5, 0.25}));
  EXPECT_EQ(Rates("linear", {.warmup_steps = 0, .total_steps = 2}),
            (std::vector<double>{1.0, 0.5}));
}

TEST(ScheduleTest, LinearFromZeroIsHuggingFaces) {
  EXPECT_EQ(Rates("linear-from-zero", {.warmup_steps = 2, .total_steps = 6}),
            (std::vector<double>{0.0, 0.5, 1.0, 0.75, 0.5, 0.25}));
}

TEST(ScheduleTest, ConstantStaysUp) {
  EXPECT_EQ(Rates("constant", {.warmup_steps = 1, .total_steps = 4}),
            (std::vector<double>{0.5, 1.0, 1.0, 1.0}));
}

TEST(ScheduleTest, CosineFallsSlowlyAtBothEnds) {
  const std::vector<double> rates = Rates("cosine", {.warmup_steps = 1, .total_steps = 5});
  const std::vector<double> expected = {0.5, 1.0, (1 + std::sqrt(0.5)) / 2, 0.5,
                                        (1 - std::sqrt(0.5)) / 2};
  for (size_t i = 0; i < rates.size(); ++i) EXPECT_NEAR(rates[i], expected[i], 1e-12) << i;
}

TEST(ScheduleTest, InverseSquareRootHalvesInFourTimesTheSteps) {
  const std::vector<double> rates = Rates("inverse-sqrt", {.warmup_steps = 1, .total_steps = 8});
  EXPECT_EQ(rates[0], 0.5);
  EXPECT_EQ(rates[1], 1.0);
  EXPECT_NEAR(rates[7], 0.5, 1e-12);
}

TEST(ScheduleTest, AllStayWithinBounds) {
  for (const char* name : {"linear", "linear-from-zero", "constant", "cosine", "inverse-sqrt"}) {
    for (const ScheduleLength length : {ScheduleLength{0, 1}, ScheduleLength{1, 1},
                                        ScheduleLength{7, 7}, ScheduleLength{3, 50}}) {
      for (const double rate : Rates(name, length)) {
        EXPECT_GE(rate, 0.0) << name;
        EXPECT_LE(rate, 1.0) << name;
      }
    }
  }
}

}  // namespace
}  // namespace openp5::trainers
