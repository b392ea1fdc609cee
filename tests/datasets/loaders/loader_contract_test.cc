// What every loader owes its user, whatever the format.
#include "datasets/table/table.h"
#include "tests/datasets/loaders/archives.h"
#include "tests/datasets/loaders/raw_test.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

struct Loader {
  std::string name, file, good;  // a file it reads, two lines at least
};

const std::vector<Loader>& Loaders() {
  static const std::string ratings = "A1,01,5.0,7\nA2,01,5.0,8\n";
  static const std::string reviews =
      "{\"reviewerID\":\"A\",\"asin\":\"1\",\"unixReviewTime\":7}\n"
      "{\"reviewerID\":\"B\",\"asin\":\"1\",\"unixReviewTime\":8}\n";
  static const std::string yelp =
      "{\"user_id\":\"a\",\"business_id\":\"x\",\"date\":\"2019-01-01\"}\n"
      "{\"user_id\":\"b\",\"business_id\":\"x\",\"date\":\"2019-01-02\"}\n";
  static const auto* const loaders = new std::vector<Loader>{
      {"beauty", "reviews_Beauty_5.json", reviews},
      {"cds", "ratings_CDs_and_Vinyl.csv", ratings},
      {"clothing", "ratings_Clothing_Shoes_and_Jewelry.csv", ratings},
      {"csv", "raw", "user_id,item_id,timestamp\nu,i,5\n"},
      {"electronics", "ratings_Electronics.csv", ratings},
      {"inter", "raw", "user_id:token\titem_id:token\ttimestamp:float\nu\ti\t5\n"},
      {"jsonl", "raw",
       "{\"user_id\":\"u\",\"item_id\":\"i\",\"timestamp\":5}\n"
       "{\"user_id\":\"u\",\"item_id\":\"j\",\"timestamp\":5}\n"},
      {"lastfm", "user_taggedartists-timestamps.dat",
       "userID\tartistID\ttagID\ttimestamp\n2\t3\t4\t5\n"},
      {"ml-100k", "u.data", "1\t2\t3\t4\n1\t3\t3\t4\n"},
      {"ml-1m", "ratings.dat", "1::2::3::4\n1::3::3::4\n"},
      {"movies", "ratings_Movies_and_TV.csv", ratings},
      {"taobao", "UserBehavior.csv", "1,2,3,buy,4\n1,3,3,buy,4\n"},
      {"tsv", "raw", "user_id\titem_id\ttimestamp\nu\ti\t5\n"},
      {"yelp", "yelp_academic_dataset_review.json", yelp},
      {"yelp-2019", "yelp_academic_dataset_review.json", yelp}};
  return *loaders;
}

Registry<DatasetPreset> AllPresets() {
  Registry<DatasetPreset> registry("dataset");
  OPENP5_EXPECT_OK(RegisterBuiltinDatasets(&registry));
  for (const std::string& format : TableFormats()) {
    OPENP5_EXPECT_OK(registry.Register(format, *TablePreset(format, {})));
  }
  return registry;
}

class LoaderContractTest : public RawTest {
 protected:
  // Calls `check(loader, preset)` for every loader there is, with an empty raw folder.
  template <class Check>
  void ForEachLoader(const Check& check) {
    const Registry<DatasetPreset> presets = AllPresets();
    std::vector<std::string> checked;
    for (const Loader& loader : Loaders()) {
      SCOPED_TRACE(loader.name);
      std::filesystem::remove_all(Raw());
      check(loader, **presets.Find(loader.name));
      checked.push_back(loader.name);
    }
    EXPECT_EQ(checked, presets.Names()) << "a loader without a file to test it with";
  }
  void ExpectLine(const Loader& loader, const DatasetPreset& preset, const std::string& text,
                  int line, const std::string& message) {
    Write(loader.file, text);
    EXPECT_THAT(Load(preset),
                StatusIs(Code::kInvalidArgument,
                         StrCat(loader.name, ": ", Raw(loader.file), ":", line, ": ", message)));
  }
};

TEST_F(LoaderContractTest, AnEmptyFileHasNoInteractions) {
  ForEachLoader([&](const Loader& loader, const DatasetPreset& preset) {
    Write(loader.file, "");
    EXPECT_THAT(Sequences(preset, 5),
                StatusIs(Code::kInvalidArgument,
                         AllOf(HasSubstr(Raw() + ": no interactions: "),
                               HasSubstr("read 0 users, 0 items, 0 interactions"))));
  });
}

TEST_F(LoaderContractTest, AMissingFileIsNamed) {
  ForEachLoader([&](const Loader& loader, const DatasetPreset& preset) {
    EXPECT_THAT(Load(preset),
                StatusIs(Code::kNotFound, loader.name + ": " + Raw() + ": no such file or folder"));
    Write("x", "");
    Write("y", "");
    EXPECT_THAT(Load(preset), StatusIs(Code::kNotFound,
                                       AllOf(HasSubstr(loader.name + ": " + Raw() + ": expected "),
                                             HasSubstr(loader.file), HasSubstr(", got x, y"))));
  });
}

TEST_F(LoaderContractTest, WhatIsNotTextIsRefused) {
  ForEachLoader([&](const Loader& loader, const DatasetPreset& preset) {
    std::string broken = loader.good;
    broken[broken.find('\n') + 2] = '\0';
    ExpectLine(loader, preset, broken, 2,
               "expected text, got a NUL byte in column 2; is the file complete?");
    broken[broken.find('\n') + 2] = '\r';
    ExpectLine(loader, preset, broken, 2,
               "expected lines that end in LF or CRLF, got a lone CR in column 2");
    ExpectLine(loader, preset, "\xff\xfe" + loader.good, 1, "expected UTF-8, got UTF-16");
  });
}

TEST_F(LoaderContractTest, MarksLineEndsAndCompressionDoNotMatter) {
  ForEachLoader([&](const Loader& loader, const DatasetPreset& preset) {
    Write(loader.file, loader.good);
    const auto expected = Rows(*Load(preset));
    EXPECT_FALSE(expected.empty());
    const auto expect_same = [&](const char* what) {
      const auto raw = Load(preset);
      ASSERT_THAT(raw, testing::IsOk()) << what;
      EXPECT_EQ(Rows(*raw), expected) << what;
    };
    std::string crlf = loader.good;
    for (size_t at = 0; (at = crlf.find('\n', at)) != std::string::npos; at += 2) {
      crlf.insert(at, "\r");
    }
    Write(loader.file, "\xef\xbb\xbf" + crlf);
    expect_same("mark and CRLF");
    Write(loader.file, loader.good.substr(0, loader.good.size() - 1));
    expect_same("no final line end");
    Write(loader.file, Gzip(loader.good));
    expect_same("gzip of a plain name");
    std::filesystem::remove_all(Raw());
    Write(loader.file + ".gz", Gzip(loader.good));
    expect_same("gzip");
    std::filesystem::remove_all(Raw());
    Write("all.zip", Zip({{"folder/" + loader.file, loader.good}, {"folder/README", "x"}}));
    expect_same("zip");
  });
}

TEST_F(LoaderContractTest, ADownloadCutOffIsRefused) {
  ForEachLoader([&](const Loader& loader, const DatasetPreset& preset) {
    const std::string packed = Gzip(loader.good);
    Write(loader.file + ".gz", packed.substr(0, packed.size() - 4));
    EXPECT_THAT(
        Load(preset),
        StatusIs(Code::kDataLoss,
                 StrCat(loader.name, ": ", Raw(loader.file + ".gz"), ": offset ", packed.size() - 4,
                        ": gzip: expected more compressed data, got the end; is the file "
                        "complete?")));
  });
}

}  // namespace
}  // namespace openp5::datasets
