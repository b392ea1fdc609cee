#include "trainers/run_report.h"

#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

RunReportContent TwoEpochs() {
  return {.title = "demo",
          .config = "lr=0.001\n",
          .metrics = ReadMetrics(
              R"({"event":"step","step":10,"loss":3.0,"learning_rate":0.001}
{"event":"step","step":20,"loss":2.0,"learning_rate":0.0005}
{"event":"epoch","step":20,"train_loss":2.0,"validation_loss":2.5,"validation_metric":0.25})")};
}

TEST(RunReportTest, DrawsACurveOfEverythingMeasured) {
  const std::string page = RunReport(TwoEpochs());
  EXPECT_THAT(page, AllOf(HasSubstr("Loss after each epoch"), HasSubstr("validation loss"),
                          HasSubstr("Learning rate"), HasSubstr("chooses the best epoch")));
  EXPECT_THAT(page, Not(HasSubstr("Samples per second")));
  EXPECT_THAT(page, HasSubstr("<title>step 20: 2.5</title>"));
  EXPECT_THAT(page, HasSubstr("lr=0.001"));
}

TEST(RunReportTest, PutsPointsWhereTheAxesSay) {
  // Steps 0 to 20 lie between x = 62 and 446, losses 2 to 3 between y = 206 and 30.
  EXPECT_THAT(RunReport(TwoEpochs()), HasSubstr("points=\"254.0,30.0 446.0,206.0 \""));
}

TEST(RunReportTest, ListsTestResults) {
  RunReportContent content = TwoEpochs();
  content.metrics.push_back(TestMetrics{.epoch = 1,
                                        .results = {{{"dataset", "Toy"},
                                                     {"task", "sequential"},
                                                     {"users", 24},
                                                     {"metrics", {{"hit@10", 0.5}}}}}});
  EXPECT_THAT(RunReport(content),
              AllOf(HasSubstr("<th>hit@10</th>"), HasSubstr("<td class=\"number\">0.5000</td>"),
                    HasSubstr("<td>24</td>")));
}

TEST(RunReportTest, EscapesTextAndPassesOverWhatItCannotDraw) {
  const std::string page =
      RunReport({.title = "<b>&\"run\"",
                 .config = "history-separator=<script>\n",
                 .metrics = ReadMetrics("{\"event\":\"step\",\"step\":1,\"loss\":null}")});
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;&amp;&quot;run&quot;"));
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, HasSubstr("Nothing has been measured yet."));
}

TEST(RunReportTest, HoldsNoControlCharactersAndNoMarkupOfNames) {
  const std::string name = "\x1b[2J<i>'\u009b\n";
  const std::string page = RunReport(
      {.title = name,
       .config = "datasets=" + name + "next=1\n",
       .metrics = {TestMetrics{
           .results = {{{"dataset", name}, {"metrics", {{name, name}}}}, "no result", 3}}}});
  EXPECT_THAT(page, HasSubstr("<td>\\x1b[2J&lt;i&gt;&#39;\\xc2\\x9b\\n</td>"));
  EXPECT_THAT(page, HasSubstr("datasets=\\x1b[2J&lt;i&gt;&#39;\\xc2\\x9b\nnext=1\n"));
  EXPECT_THAT(page, Not(HasSubstr("<i>")));
  EXPECT_EQ(page.find_first_of("\x1b\x9b"), std::string::npos);
}

TEST(RunReportTest, DrawsASinglePoint) {
  const std::string page =
      RunReport({.title = "x", .config = "", .metrics = {StepMetrics{.step = 0, .loss = 0.0}}});
  EXPECT_THAT(page, AllOf(HasSubstr("<polyline"), Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
}

}  // namespace
}  // namespace openp5::trainers
