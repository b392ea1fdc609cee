#include "datasets/plugin/plugin.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "datasets/plugin/plugin_check.h"
#include "datasets/plugin/plugin_records.h"
#include "datasets/prepare.h"
#include "datasets/sequences.h"
#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::ProgramResult;
using ::openp5::testing::RunProgram;
using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

std::string PluginFile(const std::string& name) {
  return StrCat(OPENP5_PLUGIN_DIR, "/", name, ".so");
}

// Four customers who buy three of three products, and one whom the 3-core drops.
constexpr const char* kPurchases =
    "ann;tea;30;4.5\nbob;tea;10;4\nann;jam;10;2\nann;rye;20;1\nbob;rye;30;1\nbob;jam;20;2\n"
    "cid;jam;5;2\ncid;rye;6;1\ncid;tea;7;4\ndan;tea;8;4\n";

class ShopPlugin : public ::testing::Test {
 protected:
  void SetUp() override {
    OPENP5_ASSERT_OK(WriteFileAtomic(raw_, kPurchases));
    OPENP5_ASSERT_OK(WriteFileAtomic(folder_.File("products.txt"), "rye;Rye bread\nham;Ham\n"));
  }
  const openp5_dataset& Dataset() {
    auto plugin = LoadPlugin(PluginFile("shop"));
    EXPECT_THAT(plugin, testing::IsOk());
    return *plugin->datasets.front();
  }
  absl::Status ReadText(const std::string& text) {
    EXPECT_THAT(WriteFileAtomic(raw_, text), testing::IsOk());
    return ReadPluginDataset(Dataset(), raw_).status();
  }
  TemporaryFolder folder_;
  const std::string raw_ = folder_.File("purchases.txt");
};

TEST_F(ShopPlugin, IsPreparedLikeABuiltinDataset) {
  const std::string out = folder_.File("Shop");
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const auto json,
      PrepareDataset("shop", PresetOf(Dataset(), PluginFile("shop")), {.raw = raw_, .out = out}));
  EXPECT_EQ(*ReadFile(out + "/user_sequence.txt"),
            "cid jam rye tea\nbob tea jam rye\nann jam rye tea\n");
  EXPECT_EQ(*ReadFile(out + "/item_metadata.jsonl"),
            "{\"item\":\"rye\",\"title\":\"Rye bread\"}\n");
  EXPECT_EQ(json["comparison"], "not a dataset of OpenP5's");
  EXPECT_EQ(json["source"]["files"][0]["name"], "shop.so");
  EXPECT_EQ(json["source"]["files"][1]["name"], "purchases.txt");
  EXPECT_EQ(json["time_span"].dump(), "{\"first\":5,\"last\":30,\"units_per_second\":1}");
  OPENP5_EXPECT_OK(SequenceDataset::Open(out));
}

TEST_F(ShopPlugin, ReportsWhatIsWrongInItsFile) {
  EXPECT_THAT(ReadText("ann;tea;30;4.5\nann;tea\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("plugin dataset shop: "),
                             EndsWith("purchases.txt: interaction 2: line 2: expected 4 fields, "
                                      "got 2"))));
  EXPECT_THAT(ReadText("ann;tea;noon;4.5\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       EndsWith("interaction 1: line 1: expected seconds, got 'noon'")));
  EXPECT_THAT(ReadPluginDataset(Dataset(), folder_.File("none")),
              StatusIs(absl::StatusCode::kInvalidArgument, EndsWith("No such file or directory")));
}

TEST(RadioPlugin, TellsItsTwoDatasetsApart) {
  const TemporaryFolder folder;
  const std::string raw = folder.File("log.tsv");
  OPENP5_ASSERT_OK(WriteFileAtomic(raw, "-5\tu\tA\n0\tu\tB\n0\tv\tA\n7\tu\tA\n"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const Plugin plugin, LoadPlugin(PluginFile("radio")));
  ASSERT_EQ(plugin.datasets.size(), 2u);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto plays, ReadPluginDataset(*plugin.datasets[0], raw));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto firsts, ReadPluginDataset(*plugin.datasets[1], raw));
  EXPECT_THAT(plays.interactions.time, ElementsAre(-5, 0, 0, 7));
  EXPECT_THAT(firsts.interactions.time, ElementsAre(-5, 0, 0));
  ASSERT_EQ(plays.items.size(), 2u);
  EXPECT_EQ(plays.items[1].title, "B");
  EXPECT_THAT(plays.items[1].more, ElementsAre(::testing::Pair("first_listener", "u")));
}

TEST(RadioPlugin, IsHeldToTheOrderItPromised) {
  const TemporaryFolder folder;
  const std::string raw = folder.File("log.tsv");
  OPENP5_ASSERT_OK(WriteFileAtomic(raw, "5\tu\tA\n4\tu\tB\n"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const Plugin plugin, LoadPlugin(PluginFile("radio")));
  EXPECT_THAT(ReadPluginDataset(*plugin.datasets[0], raw),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       EndsWith("interaction 2: time: expected at least 5 since the plugin says "
                                "it sorts by time, got 4")));
}

// What the host says of every dataset of misbehaving.cc.
TEST(MisbehavingPlugin, IsToldWhatItBroke) {
  const std::map<std::string, std::string> expected = {
      {"invalid-utf8", "interaction 2: user: expected UTF-8, got another byte at 3 of 'caf\\351'"},
      {"empty-user", "interaction 2: user: expected an id, got nothing"},
      {"absent-item", "interaction 2: item: expected an id, got nothing"},
      {"null-with-size", "interaction 2: item: expected bytes, got NULL with size 7"},
      {"absurd-size", "interaction 2: item: expected at most 1024 bytes, got 18446744073709551615"},
      {"long-id", "interaction 2: item: expected at most 1024 bytes, got 1025"},
      {"blank-in-id",
       "item: expected an id without blanks and control characters, got 'two words'"},
      {"control-in-id", "item: expected an id without blanks and control characters, got 'a\\nb'"},
      {"absurd-event", "interaction 2: event: expected at most 1048576 bytes, got 1099511627776"},
      {"bad-rating", "interaction 2: rating: expected a finite number, got nan"},
      {"bad-flag", "interaction 2: has_rating: expected 0 or 1, got 2"},
      {"decreasing-time",
       "interaction 2: time: expected at least 0 since the plugin says it sorts by time, got -1"},
      {"writes-beyond", "interaction 2: the plugin wrote beyond the fields of the record"},
      {"resizes-record", "interaction 2: the plugin wrote beyond the fields of the record"},
      {"unknown-return", "interaction 2: next: expected 0, 1 or -1, got 7"},
      {"error-in-mid-stream", "interaction 2: row 2:\\nbroken"},
      {"throws", "interaction 2: an exception left the plugin; catch it and return an error"},
      {"fails-silently", "interaction 2: the plugin failed and gave no reason"},
      {"no-next", "reader: expected next, last_error and release, got NULL"},
      {"no-last-error", "reader: expected next, last_error and release, got NULL"},
      {"no-release", "reader: expected next, last_error and release, got NULL"},
      {"resizes-reader", "reader: expected struct_size 40 as the host set it, got 8"},
      {"never-the-same", ""},  // every record is right: see CheckFindsRecordsThatDiffer
      {"opens-strangely", "open: expected 0 or -1, got 42"},
      {"throws-at-open", "open: an exception left the plugin; catch it and return an error"}};
  OPENP5_ASSERT_OK_AND_ASSIGN(const Plugin plugin, LoadPlugin(PluginFile("misbehaving")));
  EXPECT_EQ(plugin.datasets.size(), expected.size());
  for (const openp5_dataset* dataset : plugin.datasets) {
    const auto result = ReadPluginDataset(*dataset, "raw");
    const std::string& message = expected.at(dataset->name);
    if (message.empty()) {
      OPENP5_EXPECT_OK(result);
      continue;
    }
    EXPECT_FALSE(result.ok()) << dataset->name;
    EXPECT_THAT(std::string(result.status().message()),
                AllOf(HasSubstr(StrCat("plugin dataset ", dataset->name, ": raw: ")),
                      EndsWith(message), Not(HasSubstr("\n"))));
  }
}

TEST(LoadPlugin, RefusesWhatIsNoPlugin) {
  const TemporaryFolder folder;
  EXPECT_THAT(LoadPlugin(folder.File("x.so")),
              StatusIs(absl::StatusCode::kNotFound, EndsWith("x.so: no such file")));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("text.so"), "not a library\n"));
  EXPECT_THAT(LoadPlugin(folder.File("text.so")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cannot be loaded: ")));
  EXPECT_THAT(LoadPlugin(PluginFile("no_entry")),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("expected a symbol openp5_plugin_entry, got none")));
  EXPECT_THAT(LoadPlugin(PluginFile("wrong_version")),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("abi_version: expected 1, got 2; build the plugin with")));
  EXPECT_THAT(LoadPlugin(PluginFile("refuses")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("refuses to work")));
}

int32_t NeverOpens(const openp5_dataset*, const char*, openp5_interaction_reader*) {
  return OPENP5_ERROR;
}

// A description that is right, to break one field at a time.
class Description : public ::testing::Test {
 protected:
  void Expect(const std::string& message) {
    EXPECT_THAT(DescribePlugin(&plugin_, "f"),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(message)));
  }
  openp5_dataset dataset_ = {.struct_size = sizeof(openp5_dataset),
                             .name = "d",
                             .title = "D",
                             .rule = "r",
                             .flags = 0,
                             .core = 0,
                             .time_units_per_second = 0,
                             .private_data = nullptr,
                             .open_interactions = NeverOpens,
                             .open_items = nullptr};
  const openp5_dataset* datasets_[2] = {&dataset_, &dataset_};
  openp5_plugin plugin_ = {.struct_size = sizeof(openp5_plugin),
                           .abi_version = OPENP5_PLUGIN_ABI_VERSION,
                           .dataset_count = 1,
                           .name = "p",
                           .version = "1",
                           .datasets = datasets_};
};

TEST_F(Description, IsAcceptedWhenRightAlsoWhenItHasGrown) {
  OPENP5_EXPECT_OK(DescribePlugin(&plugin_, "f"));
  plugin_.struct_size += 64;
  dataset_.struct_size += 64;
  OPENP5_EXPECT_OK(DescribePlugin(&plugin_, "f"));
}

TEST_F(Description, OfThePluginIsChecked) {
  EXPECT_THAT(DescribePlugin(nullptr, "f"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("plugin: f: ")));
  const openp5_plugin right = plugin_;
  plugin_.struct_size = 4;
  Expect("struct_size: expected at least 40, got 4");
  plugin_ = right;
  plugin_.dataset_count = 0;
  Expect("dataset_count: expected 1 to 256, got 0");
  plugin_.dataset_count = UINT32_MAX;
  Expect("dataset_count: expected 1 to 256, got 4294967295");
  plugin_ = right;
  plugin_.datasets = nullptr;
  Expect("datasets: expected 1 of them, got NULL");
  plugin_ = right;
  plugin_.name = nullptr;
  Expect("f: name: expected a text, got NULL");
  plugin_ = right;
  plugin_.version = "1\n2";
  Expect("f: version: expected one line of UTF-8, got '1\\n2'");
  plugin_ = right;
  plugin_.dataset_count = 2;
  Expect("datasets[1]: name: expected every name once, got 'd' again");
}

TEST_F(Description, OfADatasetIsChecked) {
  const openp5_dataset right = dataset_;
  dataset_.struct_size = 8;
  Expect("datasets[0]: struct_size: expected at least 72, got 8");
  dataset_ = right;
  dataset_.name = "Big Name";
  Expect("datasets[0]: name: expected 1 to 64 of a-z 0-9 - _, got 'Big Name'");
  dataset_.name = "";
  Expect("datasets[0]: name: expected 1 to 1000 bytes, got none");
  dataset_ = right;
  dataset_.title = "caf\xe9";
  Expect("datasets[0]: title: expected one line of UTF-8, got 'caf\\351'");
  dataset_ = right;
  dataset_.rule = nullptr;
  Expect("datasets[0]: rule: expected a text, got NULL");
  dataset_ = right;
  dataset_.flags = 6;
  Expect("datasets[0]: flags: expected only known ones, got 6");
  dataset_ = right;
  dataset_.core = 2;
  Expect("datasets[0]: core: expected 0, or 3 to 1000, got 2");
  dataset_ = right;
  dataset_.time_units_per_second = -1;
  Expect("datasets[0]: time_units_per_second: expected 0 to 1000000000, got -1");
  dataset_ = right;
  dataset_.open_interactions = nullptr;
  Expect("datasets[0]: open_interactions: expected a function, got NULL");
  datasets_[0] = nullptr;
  Expect("datasets[0]: expected a dataset, got NULL");
}

// Item records that each break one rule; `step` is which.
int item_step = 0;
openp5_item_field item_fields[] = {{{"k", 1}, {"v", 1}}, {{"k", 1}, {"w", 1}}};

int32_t NextBadItem(openp5_item_reader*, openp5_item* record) {
  record->item = {"i", 1};
  record->fields = item_fields;
  switch (item_step) {
    case 0:
      record->title = {"\xff", 1};
      break;
    case 1:
      record->field_count = UINT64_MAX;
      break;
    case 2:
      record->field_count = 1;
      record->fields = nullptr;
      break;
    case 3:
      record->field_count = 2;
      break;
    case 4:
      record->item = {"", 0};
      break;
    default:
      break;  // the same item over and over
  }
  return OPENP5_OK;
}

TEST_F(Description, OfItemsIsCheckedRecordByRecord) {
  dataset_.open_interactions = [](const openp5_dataset*, const char*,
                                  openp5_interaction_reader* reader) -> int32_t {
    reader->next = [](openp5_interaction_reader*, openp5_interaction*) -> int32_t {
      return OPENP5_END;
    };
    reader->last_error = [](openp5_interaction_reader*) -> const char* { return ""; };
    reader->release = [](openp5_interaction_reader*) {};
    return OPENP5_OK;
  };
  dataset_.open_items = [](const openp5_dataset*, const char*,
                           openp5_item_reader* reader) -> int32_t {
    reader->next = NextBadItem;
    reader->last_error = [](openp5_item_reader*) -> const char* { return ""; };
    reader->release = [](openp5_item_reader*) {};
    return OPENP5_OK;
  };
  const char* const expected[] = {
      "item 1: title: expected UTF-8, got another byte at 0 of '\\377'",
      "item 1: field_count: expected at most 1024, got 18446744073709551615",
      "item 1: fields: expected 1 of them, got NULL",
      "item 1: key: expected every key once and none of item, title, categories; got 'k'",
      "item 1: item: expected an id, got nothing",
      "item 2: item: expected every item once, got 'i' again"};
  for (item_step = 0; item_step < 6; ++item_step) {
    EXPECT_THAT(ReadPluginDataset(dataset_, "raw"),
                StatusIs(absl::StatusCode::kInvalidArgument, EndsWith(expected[item_step])));
  }
}

std::vector<std::string> Failures(const std::vector<PluginFinding>& findings) {
  std::vector<std::string> failures;
  for (const PluginFinding& finding : findings) {
    if (!finding.passed) failures.push_back(finding.subject + ": " + finding.what);
  }
  return failures;
}

TEST_F(ShopPlugin, PassesItsCheck) {
  const auto findings = CheckPlugin(PluginFile("shop"), raw_, "");
  EXPECT_THAT(Failures(findings), ElementsAre());
  ASSERT_EQ(findings.size(), 6u);
  EXPECT_EQ(findings[4].what,
            "10 interactions of 4 users with 3 items, 10 with a rating, 10 purchase; 2 items "
            "described, 2 with a title, 1 of those that occur");
}

TEST(CheckPlugin, FindsRecordsThatDifferAndPathsThatAreNotRefused) {
  EXPECT_THAT(Failures(CheckPlugin(PluginFile("misbehaving"), "raw", "never-the-same")),
              ElementsAre(HasSubstr("a path that does not exist: expected an error, got 3 records"),
                          HasSubstr("reading again: expected the same records, got 3 ")));
  EXPECT_THAT(Failures(CheckPlugin(PluginFile("misbehaving"), "raw", "fails-silently")),
              ElementsAre(HasSubstr("a path that does not exist: expected a reason, got: "),
                          HasSubstr("interaction 2: the plugin failed and gave no reason")));
  EXPECT_THAT(Failures(CheckPlugin(PluginFile("misbehaving"), "", "error-in-mid-stream")),
              ElementsAre(HasSubstr("a path that does not exist: expected no records, got 1, "
                                    "then: ")));
  EXPECT_THAT(Failures(CheckPlugin(PluginFile("wrong_version"), "", "")),
              ElementsAre(HasSubstr("abi_version: expected 1, got 2")));
  EXPECT_THAT(Failures(CheckPlugin(PluginFile("shop"), "", "other")),
              ElementsAre("library: expected a dataset 'other', got none"));
}

TEST_F(ShopPlugin, FailsItsCheckWithoutInteractions) {
  OPENP5_ASSERT_OK(WriteFileAtomic(raw_, ""));
  EXPECT_THAT(Failures(CheckPlugin(PluginFile("shop"), raw_, "")),
              ElementsAre(HasSubstr("expected interactions, got none; is " + raw_)));
  EXPECT_THAT(Failures(CheckPlugin(PluginFile("shop"), folder_.File(""), "")),
              ElementsAre(HasSubstr("cannot be read to the end")));
}

// The commands as a user runs them.
TEST_F(ShopPlugin, WorksFromTheCommandLine) {
  const std::string plugin = PluginFile("shop");
  const ProgramResult check = RunProgram({"plugin", "check", plugin, "--raw", raw_});
  EXPECT_EQ(check.exit_code, 0) << check.err;
  EXPECT_THAT(check.out, AllOf(HasSubstr("PASS  library: shop 1.0"), Not(HasSubstr("FAIL"))));
  EXPECT_THAT(check.err, HasSubstr("plugin: shop 1.0 is ready"));

  const ProgramResult prepared = RunProgram({"dataset", "prepare", "shop", "--plugin", plugin,
                                             "--raw", raw_, "--out", folder_.File("Shop")});
  EXPECT_EQ(prepared.exit_code, 0) << prepared.err;
  EXPECT_THAT(prepared.out, HasSubstr("3 users, 3 items, 9 interactions"));

  const ProgramResult without =
      RunProgram({"dataset", "prepare", "shop", "--raw", raw_, "--out", folder_.File("Shop2")});
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_THAT(without.LastError(),
              AllOf(HasSubstr("got 'shop'"), HasSubstr("--plugin FILE brings more")));

  const ProgramResult skipping =
      RunProgram({"dataset", "prepare", "shop", "--plugin", plugin, "--raw", raw_, "--out",
                  folder_.File("Shop2"), "--max-bad-lines", "3"});
  EXPECT_EQ(skipping.exit_code, 2);
  EXPECT_THAT(skipping.LastError(), HasSubstr("--max-bad-lines: expected 0, got 3; a plugin"));
}

TEST_F(ShopPlugin, IsFoundThroughTheEnvironment) {
  const std::string path = StrCat(PluginFile("shop"), ":", PluginFile("radio"));
  ASSERT_EQ(setenv("OPENP5_PLUGIN_PATH", path.c_str(), 1), 0);
  const ProgramResult listed = RunProgram({"plugin", "list", "--plugin", PluginFile("shop")});
  const ProgramResult datasets = RunProgram({"dataset", "list"});
  ASSERT_EQ(setenv("OPENP5_PLUGIN_PATH", folder_.File("none").c_str(), 1), 0);
  const ProgramResult missing = RunProgram({"plugin", "list"});
  unsetenv("OPENP5_PLUGIN_PATH");
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_THAT(listed.out, AllOf(HasSubstr("radio-first"), HasSubstr("shop 1.0")));
  EXPECT_EQ(listed.out.find("shop 1.0"), listed.out.rfind("shop 1.0")) << listed.out;
  EXPECT_THAT(datasets.out, AllOf(HasSubstr("radio"), HasSubstr("shop")));
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.LastError(), HasSubstr("OPENP5_PLUGIN_PATH: "));
}

TEST(PluginCheckCommand, FailsWithOneLineAndExitCodeOne) {
  const ProgramResult check = RunProgram({"plugin", "check", PluginFile("wrong_version")});
  EXPECT_EQ(check.exit_code, 1);
  EXPECT_THAT(check.out, HasSubstr("FAIL  library: "));
  EXPECT_THAT(check.LastError(), EndsWith("1 of 1 checks failed"));
}

// Whatever a plugin does to its process, the check goes on and says so.
TEST(CheckPlugin, NamesWhatEndsThePlugin) {
  TemporaryFolder folder;
  const std::string raw = folder.File("raw");
  OPENP5_ASSERT_OK(WriteFileAtomic(raw, ""));
  const auto fails = [&](const std::string& dataset, const std::string& what) {
    EXPECT_THAT(Failures(CheckPlugin(PluginFile("hostile"), raw, dataset, std::chrono::seconds(2))),
                ElementsAre(what));
  };
  fails("crashes",
        "crashes: reading one record: the plugin was ended by signal 11 (Segmentation fault)");
  fails("aborts", "aborts: reading one record: the plugin was ended by signal 6 (Aborted)");
  fails("exits", "exits: reading one record: the plugin called exit(0)");
  fails("hangs",
        "hangs: reading one record: the plugin had not ended after 2 s; hint: --timeout, if it has "
        "more to read");
  fails("closes", "closes: reading one record: the plugin closed the descriptors of its parent");
  fails("endless",
        "endless: reading to the end: the plugin had not ended after 2 s; hint: --timeout, if it "
        "has more to read");
  EXPECT_THAT(Failures(CheckPlugin(PluginFile("hostile"), raw, "prints")),
              ElementsAre(HasSubstr("expected interactions, got none"),
                          "library: after all of it: the plugin wrote to standard output: "
                          "'hello\\nhello\\n'"));
  EXPECT_THAT(
      Failures(CheckPlugin(PluginFile("crashes_on_entry"), "", "")),
      ElementsAre("library: loading: the plugin was ended by signal 11 (Segmentation fault)"));
  EXPECT_THAT(Failures(CheckPlugin(PluginFile("exits_on_load"), "", "")),
              ElementsAre("library: loading: the plugin called exit(0)"));
}

TEST(PluginCheckCommand, FailsForAPluginThatExits) {
  const ProgramResult check = RunProgram({"plugin", "check", PluginFile("exits_on_load")});
  EXPECT_EQ(check.exit_code, 1);
  EXPECT_THAT(check.out, HasSubstr("FAIL  library: loading: the plugin called exit(0)"));
}

TEST(PluginCheckCommand, TakesATimeLimit) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("raw"), ""));
  const ProgramResult check =
      RunProgram({"plugin", "check", PluginFile("hostile"), "--raw", folder.File("raw"),
                  "--dataset", "hangs", "--timeout", "1"});
  EXPECT_EQ(check.exit_code, 1);
  EXPECT_THAT(check.out, HasSubstr("the plugin had not ended after 1 s"));
}

// Broken libraries on the path, before and after a good one.
TEST_F(ShopPlugin, BrokenOnesBesideItHarmNothing) {
  const std::vector<std::string> path = {StrCat(
      "OPENP5_PLUGIN_PATH=", PluginFile("crashes_on_entry"), ":", PluginFile("exits_on_load"), ":",
      PluginFile("shop"), ":", PluginFile("wrong_version"))};
  const auto broken = AllOf(HasSubstr("crashes_on_entry.so: loading: the library was ended by"),
                            HasSubstr("exits_on_load.so: loading: the library called exit(0)"),
                            HasSubstr("abi_version: expected 1, got 2"));
  const ProgramResult datasets = RunProgram({"dataset", "list"}, "", path);
  EXPECT_EQ(datasets.exit_code, 0) << datasets.err;
  EXPECT_THAT(datasets.out, AllOf(HasSubstr("ml-100k"), HasSubstr("shop")));
  EXPECT_THAT(datasets.err, broken);

  const ProgramResult plugins = RunProgram({"plugin", "list"}, "", path);
  EXPECT_EQ(plugins.exit_code, 0) << plugins.err;
  EXPECT_THAT(plugins.out, AllOf(HasSubstr("shop 1.0"), HasSubstr("broken: "), broken));

  const ProgramResult prepared = RunProgram(
      {"dataset", "prepare", "shop", "--raw", raw_, "--out", folder_.File("Shop")}, "", path);
  EXPECT_EQ(prepared.exit_code, 0) << prepared.err;
  EXPECT_THAT(prepared.out, HasSubstr("3 users, 3 items, 9 interactions"));

  // A dataset of openp5's own needs none of them: they are not even looked at.
  const ProgramResult own = RunProgram(
      {"dataset", "prepare", "ml-100k", "--raw", raw_, "--out", folder_.File("ML")}, "", path);
  EXPECT_EQ(own.exit_code, 1);
  EXPECT_THAT(own.err, AllOf(HasSubstr("purchases.txt"), Not(HasSubstr("plugin"))));
}

TEST_F(ShopPlugin, OfTwoWithTheSameDatasetNoneIsPicked) {
  const std::string copy = folder_.File("copy.so");
  std::filesystem::copy_file(PluginFile("shop"), copy);
  const std::vector<std::string> path = {
      StrCat("OPENP5_PLUGIN_PATH=", PluginFile("shop"), ":", copy)};
  const ProgramResult prepared = RunProgram(
      {"dataset", "prepare", "shop", "--raw", raw_, "--out", folder_.File("Shop")}, "", path);
  EXPECT_EQ(prepared.exit_code, 1);
  EXPECT_THAT(prepared.LastError(),
              AllOf(HasSubstr("dataset shop: "), HasSubstr("copy.so both have one")));
}

}  // namespace
}  // namespace openp5::datasets
