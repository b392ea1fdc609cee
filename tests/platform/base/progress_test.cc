#include "platform/base/progress.h"

#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

ProgressState Half() {
  return {.title = "epoch 1/2",
          .unit = "samples",
          .note = "loss 2.5000, 900 tokens/s, 12% padding",
          .done = 50,
          .total = 100,
          .seconds = 10};
}

TEST(ProgressLineTest, SaysAllWhereThereIsRoom) {
  EXPECT_EQ(ProgressLine(Half(), 200),
            "epoch 1/2 [############............]  50% 50/100 samples, 5.0/s, left 0:10, "
            "loss 2.5000, 900 tokens/s, 12% padding");
  EXPECT_EQ(ProgressLine(Half(), 0),
            "epoch 1/2  50% 50/100 samples, 5.0/s, left 0:10, loss 2.5000, 900 tokens/s, 12% "
            "padding");
}

TEST(ProgressLineTest, NeverWiderThanTheTerminal) {
  for (int columns = 1; columns < 200; ++columns) {
    EXPECT_LE(ProgressLine(Half(), columns).size(), static_cast<size_t>(columns));
  }
}

TEST(ProgressLineTest, DropsTheLeastImportantFirst) {
  EXPECT_THAT(ProgressLine(Half(), 100), AllOf(HasSubstr("[####"), EndsWith("12% padding")));
  EXPECT_THAT(ProgressLine(Half(), 80), AllOf(HasSubstr("[####"), EndsWith("loss 2.5000")));
  EXPECT_THAT(ProgressLine(Half(), 60), AllOf(HasSubstr("["), EndsWith("left 0:10")));
  EXPECT_THAT(ProgressLine(Half(), 50),
              AllOf(StartsWith("epoch 1/2  50%"), Not(HasSubstr("[")), EndsWith("left 0:10")));
}

TEST(ProgressLineTest, TimeLeftIsThatOfTheWholeWork) {
  ProgressState state = Half();
  state.after = 300;  // three more jobs like this one
  EXPECT_THAT(ProgressLine(state, 0), HasSubstr("50/100 samples, 5.0/s, left 1:10"));
}

TEST(ProgressLineTest, TheLastLineSaysWhatItTook) {
  ProgressState state = Half();
  state.done = 120;
  state.ended = true;
  EXPECT_THAT(ProgressLine(state, 0),
              AllOf(HasSubstr("100% 120/100"), HasSubstr("took 0:10"), HasSubstr("12.0/s")));
}

TEST(FormatDurationTest, UsesHoursWhereThereAreAny) {
  EXPECT_EQ(FormatDuration(0), "0:00");
  EXPECT_EQ(FormatDuration(123), "2:03");
  EXPECT_EQ(FormatDuration(3723), "1:02:03");
}

}  // namespace
}  // namespace openp5
