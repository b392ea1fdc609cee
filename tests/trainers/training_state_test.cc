#include "trainers/training_state.h"

#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

TEST(TrainingPosition, ComesBackFromItsText) {
  TrainingPosition position;
  position.epoch = 3;
  position.step = 40;
  position.world_size = 2;
  position.losses = {{.sum = 1.5, .weight = 2}};
  position.best = {{.epoch = 2, .value = 0.25}};
  OPENP5_ASSERT_OK_AND_ASSIGN(const TrainingPosition read,
                              TrainingPosition::FromText(position.ToText()));
  EXPECT_EQ(read.ToText(), position.ToText());
}

TEST(TrainingPosition, RefusesOtherTexts) {
  const std::string deep = "{\"best\":" + std::string(3'000'000, '[');
  EXPECT_THAT(TrainingPosition::FromText(deep),
              StatusIs(Code::kDataLoss, HasSubstr("training position: expected JSON nested at")));
  for (const char* text : {"", "[]", "{}", "{\"epoch\": \"x\"}", "{\"epoch\": -1}"}) {
    EXPECT_THAT(TrainingPosition::FromText(text),
                StatusIs(Code::kDataLoss, HasSubstr("training position: ")))
        << text;
  }
}

}  // namespace
}  // namespace openp5::trainers
