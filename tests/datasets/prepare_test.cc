#include "datasets/prepare.h"

#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "datasets/loaders/movielens.h"
#include "datasets/sequences.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::Shared;
using ::openp5::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two users who took the same two items twice, and a third who falls.
absl::StatusOr<RawDataset> LoadToy(const LoadOptions& options) {
  if (options.raw != "raw") return NotFound("toy: ", options.raw);
  RawDataset result;
  for (const auto& [user, item, time] :
       std::vector<std::tuple<const char*, const char*, int64_t>>{{"1", "a", 9},
                                                                  {"2", "b", 3},
                                                                  {"1", "b", 8},
                                                                  {"3", "a", 1},
                                                                  {"2", "a", 4},
                                                                  {"1", "a", 7},
                                                                  {"2", "a", 5}}) {
    result.interactions.Add(user, item, time);
  }
  for (const char* item : {"c", "b", "a"}) {
    result.items.push_back({.item = item, .title = "T", .more = {}, .categories = {}});
  }
  result.files.push_back({"toy.txt", 10, "00"});
  return result;
}

constexpr const char* kToySequences = "2 b a a\n1 a b a\n";

DatasetPreset Toy() {
  DatasetPreset preset;
  preset.title = "Toy";
  preset.rule = "all";
  preset.user_core = preset.item_core = 2;
  preset.known = {.counts = {.users = 2, .items = 2, .interactions = 6},
                  .sha256 = Sha256Of(kToySequences),
                  .git_blob = ""};
  preset.load = LoadToy;
  return preset;
}

// While it lives no file may grow beyond a few bytes, as on a full disk.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit limit = {.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~SmallFiles() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

class Prepare : public ::testing::Test {
 protected:
  absl::StatusOr<nlohmann::ordered_json> Run(const DatasetPreset& preset,
                                             const std::string& raw = "raw") {
    return PrepareDataset("toy", preset, {.raw = raw, .out = out_});
  }
  testing::TemporaryFolder folder_;
  const std::string out_ = folder_.File("Toy");
};

TEST_F(Prepare, WritesSequencesItemsAndWhereTheyComeFrom) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto json, Run(Toy()));
  EXPECT_EQ(*ReadFile(out_ + "/user_sequence.txt"), kToySequences);
  EXPECT_EQ(*ReadFile(out_ + "/item_metadata.jsonl"),
            "{\"item\":\"b\",\"title\":\"T\"}\n{\"item\":\"a\",\"title\":\"T\"}\n");
  EXPECT_EQ(json["name"], "Toy");
  EXPECT_EQ(json["source"].dump(),
            "{\"dataset\":\"toy\",\"title\":\"Toy\",\"files\":[{\"name\":\"toy.txt\",\"bytes\":10,"
            "\"sha256\":\"00\"}]}");
  EXPECT_EQ(json["rule"], "all");
  EXPECT_EQ(json["order"], "global");
  EXPECT_EQ(json["ties"], "numpy");
  EXPECT_EQ(json["users"], 2);
  EXPECT_EQ(json["items"], 2);
  EXPECT_EQ(json["interactions"], 6);
  EXPECT_EQ(json["sha256"], Sha256Of(kToySequences));
  EXPECT_EQ(json["comparison"], "same bytes as OpenP5's");
}

TEST_F(Prepare, WritesWhenItsInteractionsWere) {
  DatasetPreset preset = Toy();
  const auto times = [&](int64_t units_per_second) {
    preset.time_units_per_second = units_per_second;
    const auto json = Run(preset);
    EXPECT_THAT(json, testing::IsOk());
    return std::pair(json->value("first_time", nlohmann::json()).dump(),
                     json->value("last_time", nlohmann::json()).dump());
  };
  EXPECT_EQ(times(1), std::pair(std::string("3"), std::string("9")))
      << "the row at 1 is one that falls";
  EXPECT_EQ(times(2), std::pair(std::string("1"), std::string("4")));
  EXPECT_EQ(times(0), std::pair(std::string("null"), std::string("null")));
  preset.load = [](const LoadOptions&) -> absl::StatusOr<RawDataset> {
    RawDataset result;
    for (const int64_t time : {-1500, -1000, -999}) result.interactions.Add("u", "i", time);
    return result;
  };
  EXPECT_EQ(times(1000), std::pair(std::string("-2"), std::string("-1")));
}

TEST_F(Prepare, SaysHowTheResultDiffers) {
  DatasetPreset preset = Toy();
  preset.known.sha256 = "00";
  EXPECT_EQ((*Run(preset))["comparison"], "same counts, other order");
  preset.known.counts.users = 3;
  EXPECT_EQ((*Run(preset))["comparison"],
            "other counts: expected 3 users, 2 items, 6 interactions; got 2 users, 2 items, 6 "
            "interactions");
}

TEST_F(Prepare, ExplainsWhyNothingIsLeft) {
  DatasetPreset preset = Toy();
  preset.user_core = preset.item_core = 4;
  EXPECT_THAT(Run(preset),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "toy: raw: no interactions: read 3 users, 2 items, 7 interactions; after a "
                       "round of the 4-core 0 users, 0 items, 0 interactions"));
  EXPECT_FALSE(FileExists(out_));
}

TEST_F(Prepare, WritesNothingIfLoadingFails) {
  EXPECT_THAT(Run(Toy(), "elsewhere"), StatusIs(absl::StatusCode::kNotFound, "toy: elsewhere"));
  EXPECT_FALSE(FileExists(out_));
}

TEST_F(Prepare, RefusesAForeignFolderBeforeItLoads) {
  OPENP5_ASSERT_OK(MakeDirectories(out_));
  OPENP5_ASSERT_OK(WriteFileAtomic(out_ + "/x", ""));
  EXPECT_THAT(Run(Toy(), "elsewhere"), StatusIs(absl::StatusCode::kInvalidArgument,
                                                HasSubstr("got a folder with other files")));
}

TEST_F(Prepare, AFailureLeavesTheOldDataset) {
  OPENP5_ASSERT_OK(Run(Toy()));
  DatasetPreset preset = Toy();
  preset.user_core = 9;
  EXPECT_FALSE(Run(preset).ok());
  EXPECT_FALSE(Run(Toy(), "elsewhere").ok());
  {
    const SmallFiles full(10);
    EXPECT_THAT(Run(Toy()),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("user_sequence.txt")));
  }
  EXPECT_EQ(*ReadFile(out_ + "/user_sequence.txt"), kToySequences);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(Prepare, NothingIsLeftOfWhatCannotBeWritten) {
  {
    const SmallFiles full(10);
    EXPECT_FALSE(Run(Toy()).ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

// Seconds taken for milliseconds, or times before 1990.
TEST_F(Prepare, WarnsOfTimesThatCannotBe) {
  const auto warning = [&](int64_t units_per_second) {
    DatasetPreset preset = Toy();
    preset.time_units_per_second = units_per_second;
    ::testing::internal::CaptureStderr();
    OPENP5_EXPECT_OK(Run(preset));
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_THAT(warning(1), HasSubstr("warning: toy: 6 of 6 times lie outside 1990 to 2100 (1 units "
                                    "a second); they are kept as they are"));
  EXPECT_THAT(warning(1000), HasSubstr("(1000 units a second)"));
  EXPECT_THAT(warning(0), ::testing::Not(HasSubstr("outside")));
}

TEST(BuiltinDatasets, AreFoundByName) {
  Registry<DatasetPreset> registry("dataset");
  OPENP5_ASSERT_OK(RegisterBuiltinDatasets(&registry));
  EXPECT_THAT(registry.Names(),
              ElementsAre("beauty", "cds", "clothing", "electronics", "lastfm", "ml-100k", "ml-1m",
                          "movies", "taobao", "yelp", "yelp-2019"));
  EXPECT_THAT(
      registry.Find("ml-1k"),
      StatusIs(
          absl::StatusCode::kNotFound,
          "dataset: expected one of beauty, cds, clothing, electronics, lastfm, ml-100k, ml-1m, "
          "movies, taobao, yelp, yelp-2019; got 'ml-1k'"));
}

TEST(PrepareMovieLens100K, MakesTheBytesOfOpenP5) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const testing::TemporaryFolder folder;
  const std::string out = folder.File("ML100K");
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const auto json,
      PrepareDataset("ml-100k", MovieLens100K(), {.raw = Shared("data/raw/ml-100k"), .out = out}));
  EXPECT_EQ(json["comparison"], "same bytes as OpenP5's");
  EXPECT_TRUE(*ReadFile(out + "/user_sequence.txt") ==
              *ReadFile(Shared("data/ML100K/user_sequence.txt")));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto titles, ReadItemTitles(out));
  EXPECT_EQ(titles.size(), 1349u);
  EXPECT_EQ(titles.at("50"), "Star Wars (1977)");
}

TEST(PrepareMovieLens100K, WithStableTiesHasTheSameCountsInAnotherOrder) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const testing::TemporaryFolder folder;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto json, PrepareDataset("ml-100k", MovieLens100K(),
                                                              {.raw = Shared("data/raw/ml-100k"),
                                                               .out = folder.File("ML100K"),
                                                               .ties = "stable"}));
  EXPECT_EQ(json["comparison"], "same counts, other order");
  EXPECT_EQ(json["ties"], "stable");
}

}  // namespace
}  // namespace openp5::datasets
