#include "platform/config/command_line.h"

#include <array>
#include <nlohmann/json.hpp>

#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::IsOk;
using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Options {
  std::string order = "original";
  std::string separator = " , ";
  int64_t beams = 10;
  double rate = 0.5;
  bool filtered = false;
  std::vector<std::string> tasks = {"sequential"};

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "order", .help = "order", .choices = {"original", "short2long"}},
                  &order);
    visitor.Visit({.name = "separator", .help = "text"}, &separator);
    visitor.Visit({.name = "beams", .help = "beams", .minimum = 1, .maximum = 100}, &beams);
    visitor.Visit({.name = "rate", .help = "rate"}, &rate);
    visitor.Visit({.name = "filtered", .help = "filter"}, &filtered);
    visitor.Visit({.name = "tasks", .help = "tasks", .choices = {"sequential", "straightforward"}},
                  &tasks);
  }
};

absl::StatusOr<bool> Parse(Options* options, const std::vector<std::string>& arguments) {
  CommandLine line("evaluate", "Evaluates.");
  line.Add(options);
  return line.Parse(arguments);
}

TEST(CommandLineTest, ReadsEveryType) {
  Options options;
  OPENP5_ASSERT_OK(Parse(&options, {"--order", "short2long", "--beams=20", "--rate", "1e-3",
                                    "--filtered", "--tasks", "sequential,straightforward"}));
  EXPECT_EQ(options.order, "short2long");
  EXPECT_EQ(options.beams, 20);
  EXPECT_EQ(options.rate, 1e-3);
  EXPECT_TRUE(options.filtered);
  EXPECT_THAT(options.tasks, ElementsAre("sequential", "straightforward"));
}

TEST(CommandLineTest, BoolTakesAValue) {
  Options options;
  options.filtered = true;
  OPENP5_ASSERT_OK(Parse(&options, {"--filtered", "0"}));
  EXPECT_FALSE(options.filtered);
}

TEST(CommandLineTest, ValuesAreUtf8) {
  Options options;
  const auto is_refused = [](const std::string& message) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message));
  };
  EXPECT_THAT(Parse(&options, {"--separator", "D\xff"}),
              is_refused("openp5 evaluate: --separator: expected UTF-8, got 'D\\xff'"));
  EXPECT_TRUE(IsUsageError(Parse(&options, {"--tasks", "\xc3"}).status()));
  OPENP5_ASSERT_OK(Parse(&options, {"--separator", "é"}));
  EXPECT_EQ(options.separator, "é");

  TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("c.ini"), "separator=caf\xe9\n"));
  EXPECT_THAT(Parse(&options, {"--config", folder.File("c.ini")}),
              is_refused("c.ini: --separator: expected UTF-8, got 'caf\\xe9'"));

  std::string name;
  CommandLine line("plugin check", "Checks.");
  line.AddPositional("FILE", "a file", &name);
  EXPECT_THAT(line.Parse({"\xff.so"}),
              is_refused("openp5 plugin check: FILE: expected UTF-8, got '\\xff.so'"));
}

TEST(CommandLineTest, WrongUsageNamesWhatIsExpected) {
  Options options;
  const auto unknown = Parse(&options, {"--beam", "3"});
  EXPECT_THAT(unknown, StatusIs(absl::StatusCode::kInvalidArgument,
                                AllOf(HasSubstr("'beam'"), HasSubstr("did you mean --beams?"),
                                      HasSubstr("--tasks"))));
  EXPECT_TRUE(IsUsageError(unknown.status()));
  EXPECT_THAT(Parse(&options, {"--beams", "x"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--beams: expected a whole number, got 'x'")));
  EXPECT_THAT(Parse(&options, {"--beams", "0"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("from 1 to 100")));
  EXPECT_THAT(
      Parse(&options, {"--order", "x"}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("one of original, short2long")));
  EXPECT_THAT(Parse(&options, {"--beams"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--beams")));
  EXPECT_THAT(Parse(&options, {"stray"}), StatusIs(absl::StatusCode::kInvalidArgument,
                                                   HasSubstr("unexpected argument 'stray'")));
}

TEST(CommandLineTest, FlagWinsOverConfigFileAndDumpReadsBack) {
  TemporaryFolder folder;
  Options dumped;
  dumped.beams = 7;
  dumped.order = "short2long";
  dumped.separator = " ; ";
  CommandLine dumper("evaluate", "Evaluates.");
  dumper.Add(&dumped);
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("c.ini"), dumper.Dump()));

  Options options;
  OPENP5_ASSERT_OK(Parse(&options, {"--config", folder.File("c.ini"), "--beams", "9"}));
  EXPECT_EQ(options.beams, 9);
  EXPECT_EQ(options.order, "short2long");
  EXPECT_EQ(options.separator, " ; ");
}

// Boost would look for its mark in the line, and put the line in its place, without end.
TEST(CommandLineTest, ConfigLinesWithoutAValueAreNamed) {
  const TemporaryFolder folder;
  Options options;
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("c.ini"), "# x\n[part]\n %invalid_line%\xffy\n"));
  EXPECT_THAT(Parse(&options, {"--config", folder.File("c.ini")}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("c.ini:3: expected 'option = value', got "
                                 "'%invalid_line%\\xffy'")));
}

TEST(CommandLineTest, ConfigFileErrorsNameTheFile) {
  TemporaryFolder folder;
  Options options;
  EXPECT_THAT(Parse(&options, {"--config", folder.File("absent.ini")}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent.ini")));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("c.ini"), "nonsense=1\n"));
  EXPECT_THAT(Parse(&options, {"--config", folder.File("c.ini")}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("c.ini"), HasSubstr("nonsense"))));
}

TEST(CommandLineTest, HelpShowsWhatHoldsWithoutAnOption) {
  Options options;
  options.tasks.clear();
  options.separator = " ";
  CommandLine line("evaluate", "Evaluates.");
  line.Add(&options);
  line.Require("order");
  EXPECT_THAT(line.Help(),
              AllOf(HasSubstr("--order original|short2long\n      order (required)\n"),
                    HasSubstr("--separator S\n      text (' ')\n"),
                    HasSubstr("--beams N\n      beams (10)\n"),
                    HasSubstr("--filtered\n      filter (off)\n"),
                    HasSubstr("--tasks A,B\n      tasks (none)\n"), HasSubstr("--switch=false")));
  options.filtered = true;
  EXPECT_THAT(line.Help(), HasSubstr("--filtered\n      filter (on)\n"));
}

enum class Color { kRed, kGreen, kBlue };
constexpr auto EnumNames(Color) { return std::to_array<const char*>({"red", "green", "blue"}); }

struct Painting {
  Color sky = Color::kBlue;
  Color grass = Color::kGreen;
  bool frame = false;

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "sky", .help = "above"}, &sky);
    visitor.Heading("Below");
    visitor.Visit({.name = "grass", .help = "below", .choices = {"green", "blue"}}, &grass);
    visitor.Visit({.name = "frame", .help = "around"}, &frame);
  }
};

TEST(CommandLineTest, ReadsEnumerationsByTheirNames) {
  Painting painting;
  CommandLine line("paint", "Paints.");
  line.Add(&painting);
  OPENP5_ASSERT_OK(line.Parse({"--sky", "red", "--grass=blue"}));
  EXPECT_EQ(painting.sky, Color::kRed);
  EXPECT_EQ(painting.grass, Color::kBlue);
  EXPECT_THAT(line.Dump(), HasSubstr("sky=red\ngrass=blue\n"));
  EXPECT_THAT(line.Set("sky", "black", "here"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("here: --sky: expected one of red, green, blue, got 'black'")));
  EXPECT_THAT(line.Set("grass", "red", "here"), StatusIs(absl::StatusCode::kInvalidArgument,
                                                         HasSubstr("expected one of green, blue")));
  EXPECT_EQ(painting.grass, Color::kBlue);
}

TEST(OptionsJsonTest, HoldsEnumerationsByTheirNames) {
  nlohmann::json json;
  ToJson(Painting{.sky = Color::kRed}, &json);
  EXPECT_EQ(json, (nlohmann::json{{"sky", "red"}, {"grass", "green"}, {"frame", false}}));
  Painting painting;
  OPENP5_ASSERT_OK(FromJson(json, &painting));
  EXPECT_EQ(painting.sky, Color::kRed);
  json["sky"] = "black";
  EXPECT_THAT(FromJson(json, &painting),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("sky: expected one of red")));
  json["sky"] = 1;
  EXPECT_THAT(FromJson(json, &painting),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("sky: expected a string")));
  EXPECT_EQ(painting.sky, Color::kRed);
}

TEST(CommandLineTest, HelpShowsOptionsUnderTheirHeadings) {
  Painting painting;
  Options options;
  CommandLine line("paint", "Paints.");
  line.Add(&painting);
  line.Add(&options, "Orders");
  EXPECT_THAT(line.Help(), HasSubstr("Paints.\n\n  --sky red|green|blue\n      above (blue)\n"
                                     "\nBelow:\n  --grass green|blue\n      below (green)\n"
                                     "  --frame\n      around (off)\n\nOrders:\n  --order "));
  EXPECT_THAT(line.Help(), HasSubstr("\nEvery command:\n  --config FILE\n"));
}

struct Implying {
  bool compat = false, redraw = false;
  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "compat", .help = "as the original"}, &compat);
    visitor.Visit({.name = "redraw", .help = "part of it"}, &redraw);
  }
};

TEST(CommandLineTest, ASwitchMayImplyAnotherThatIsNotGiven) {
  const TemporaryFolder folder;
  const auto redraws = [](const std::vector<std::string>& arguments) {
    Implying options;
    CommandLine line("train", "Trains.");
    line.Add(&options);
    line.Imply("compat", "redraw");
    EXPECT_THAT(line.Parse(arguments), IsOk());
    return options.redraw;
  };
  EXPECT_FALSE(redraws({}));
  EXPECT_FALSE(redraws({"--compat=false"}));
  EXPECT_TRUE(redraws({"--compat"}));
  EXPECT_TRUE(redraws({"--redraw"}));
  EXPECT_FALSE(redraws({"--compat", "--redraw=false"}));
  EXPECT_FALSE(redraws({"--redraw", "false", "--compat"}));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("on.ini"), "compat = true\n"));
  EXPECT_TRUE(redraws({"--config", folder.File("on.ini")}));
  EXPECT_FALSE(redraws({"--config", folder.File("on.ini"), "--redraw=off"}));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("off.ini"), "compat = yes\nredraw = no\n"));
  EXPECT_FALSE(redraws({"--config", folder.File("off.ini")}));
}

TEST(CommandLineTest, TakesAnyNumberOfPositionalsButNone) {
  std::vector<std::string> files;
  CommandLine line("compare", "");
  line.AddPositionals("RESULT...", "result files", &files);
  EXPECT_THAT(line.Parse({}), StatusIs(absl::StatusCode::kInvalidArgument,
                                       HasSubstr("missing RESULT... (result files)")));
  ASSERT_TRUE(line.Parse({"a", "b", "c"}).value());
  EXPECT_THAT(files, ::testing::ElementsAre("a", "b", "c"));
}

TEST(CommandLineTest, RequiredOptionAndPositional) {
  Options options;
  std::string name;
  CommandLine line("dataset prepare", "Prepares.");
  line.AddPositional("NAME", "dataset", &name);
  line.Add(&options);
  line.Require("order");
  EXPECT_THAT(line.Parse({"--order", "original"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("missing NAME")));
  EXPECT_THAT(line.Parse({"ml-100k"}), IsOk());  // --order was given before
  EXPECT_EQ(name, "ml-100k");
}

}  // namespace
}  // namespace openp5
