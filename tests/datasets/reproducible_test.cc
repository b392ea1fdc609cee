// Prepared data are the same bytes whatever lies around the raw files.
#include <clocale>
#include <locale>
#include <thread>

#include "datasets/loaders/amazon.h"
#include "datasets/loaders/movielens.h"
#include "datasets/table/table.h"
#include "platform/base/random.h"
#include "tests/datasets/loaders/archives.h"
#include "tests/datasets/loaders/raw_test.h"

namespace openp5::datasets {
namespace {

// Sequences, metadata and description of a prepared dataset.
using Files = std::vector<std::string>;

class ReproducibleTest : public RawTest {
 protected:
  // Written by hand: 40 users, 30 items, ties.
  static std::string Ratings(const std::string& separator) {
    Random random(8);
    std::string text;
    for (int i = 0; i < 900; ++i) {
      text += StrCat(1 + random.Below(40), separator, 1 + random.Below(30), separator,
                     1 + random.Below(5), separator, 900'000'000 + random.Below(200), "\n");
    }
    return text;
  }
  static std::string Movies() {
    std::string text;
    for (int i = 1; i <= 30; ++i) text += StrCat(i, "::Film ", i, ": Caf\xe9::Drama|War\n");
    return text;
  }
  absl::StatusOr<Files> Prepared(const DatasetPreset& preset, const std::string& raw,
                                 const std::string& out = "out") const {
    const std::string folder = folder_.File(out + "/Toy");
    OPENP5_RETURN_IF_ERROR(PrepareDataset("toy", preset, {.raw = raw, .out = folder}).status());
    Files files;
    for (const char* name : {"user_sequence.txt", "item_metadata.jsonl", "dataset.json"}) {
      OPENP5_ASSIGN_OR_RETURN(files.emplace_back(), ReadFile(JoinPath(folder, name)));
    }
    return files;
  }
  // Numbers with fractions wherever raw files have them.
  absl::StatusOr<Files> PreparedWithFractions() const {
    TableOptions options;
    options.rating_col = "stars";
    options.min_rating = 1234.5;
    options.k_core_user = options.k_core_item = 0;
    options.items = Raw("items");
    OPENP5_ASSIGN_OR_RETURN(const DatasetPreset table, TablePreset("jsonl", options));
    OPENP5_ASSIGN_OR_RETURN(Files files, Prepared(table, Raw("rows")));
    DatasetPreset beauty = AmazonBeauty();
    beauty.user_core = beauty.item_core = 1;
    OPENP5_ASSIGN_OR_RETURN(const Files more, Prepared(beauty, Raw("beauty"), "more"));
    files.insert(files.end(), more.begin(), more.end());
    return files;
  }
  void WriteFractions() {
    std::string rows;
    for (int i = 0; i < 4; ++i) {
      rows += StrCat("{\"user_id\": 1.5, \"item_id\": ", 10'000 + i, ", \"timestamp\": 1.6e9, ",
                     "\"stars\": 1234.5}\n{\"user_id\": 1.5, \"item_id\": \"no\", \"timestamp\": ",
                     1'600'000'000 - i, ".25, \"stars\": 1234.25}\n");
    }
    Write("rows", rows);
    Write("items", "{\"item_id\": 10000, \"title\": 2.5}\n");
    Write("beauty/reviews_Beauty_5.json",
          "{\"reviewerID\": \"A\", \"asin\": \"1\", \"unixReviewTime\": 1.6e9}\n"
          "{'reviewerID': 'A', 'asin': '2', 'unixReviewTime': 1600000.0}\n");
    Write("beauty/meta_Beauty.json",
          "{\"asin\": \"1\", \"price\": 12345.75}\n{'asin': '2', 'price': 5.5}\n");
  }
};

TEST_F(ReproducibleTest, TheOrderInAnArchiveDoesNotMatter) {
  const Members members = {
      {"ml-1m/movies.dat", Movies()}, {"ml-1m/ratings.dat", Ratings("::")}, {"ml-1m/README", "x"}};
  for (const auto& [name, text] : members) Write(name, text);
  OPENP5_ASSERT_OK_AND_ASSIGN(const Files expected, Prepared(MovieLens1M(), Raw()));
  std::vector<size_t> order = {0, 1, 2};
  do {
    const Members moved = {members[order[0]], members[order[1]], members[order[2]]};
    for (const std::string& archive : {Zip(moved), Tar(moved), Gzip(Tar(moved))}) {
      const std::string path = folder_.File("archive");
      OPENP5_ASSERT_OK(WriteFileAtomic(path, archive));
      OPENP5_ASSERT_OK_AND_ASSIGN(const Files files, Prepared(MovieLens1M(), path));
      EXPECT_EQ(files[0], expected[0]);
      EXPECT_EQ(files[1], expected[1]);  // dataset.json names the files that were read
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

// A program that embeds openp5 may set the locale of C++.
TEST_F(ReproducibleTest, TheLocaleOfStreamsDoesNotMatter) {
  struct Commas : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  WriteFractions();
  OPENP5_ASSERT_OK_AND_ASSIGN(const Files expected, PreparedWithFractions());
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Commas));
  const auto files = PreparedWithFractions();
  std::locale::global(before);
  OPENP5_ASSERT_OK(files);
  EXPECT_EQ(*files, expected);
}

TEST_F(ReproducibleTest, TheLocaleOfCDoesNotMatter) {
  WriteFractions();
  OPENP5_ASSERT_OK_AND_ASSIGN(const Files expected, PreparedWithFractions());
  const std::string before = std::setlocale(LC_ALL, nullptr);
  const char* found = nullptr;
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "da_DK.UTF-8", "de_DE"}) {
    if (found == nullptr) found = std::setlocale(LC_ALL, name);
  }
  if (found == nullptr) GTEST_SKIP() << "needs a locale with decimal commas, e.g. de_DE.UTF-8";
  EXPECT_STREQ(std::localeconv()->decimal_point, ",");
  const auto files = PreparedWithFractions();
  std::setlocale(LC_ALL, before.c_str());
  OPENP5_ASSERT_OK(files);
  EXPECT_EQ(*files, expected);
}

TEST_F(ReproducibleTest, TheNumberOfThreadsDoesNotMatter) {
  Write("ratings.dat", Ratings("::"));
  Write("movies.dat", Movies());
  const DatasetPreset preset = MovieLens1M();
  OPENP5_ASSERT_OK_AND_ASSIGN(const Files expected, Prepared(preset, Raw()));
  std::vector<absl::StatusOr<Files>> results(4, absl::UnknownError(""));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] { results[i] = Prepared(preset, Raw(), StrCat("out", i)); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& files : results) {
    OPENP5_ASSERT_OK(files);
    EXPECT_EQ(*files, expected);
  }
}

}  // namespace
}  // namespace openp5::datasets
