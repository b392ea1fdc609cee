#include "datasets/dataset_folder.h"

#include "datasets/sequences.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;

class DatasetFolder : public ::testing::Test {
 protected:
  DatasetContent Content(const std::string& sequences) {
    return {.sequences = sequences,
            .items = {{.item = "a",
                       .title = "Caf\u00e9",
                       .more = {{"year", "1999"}},
                       .categories = {"x"}},
                      {.item = "b", .title = "B", .more = {}, .categories = {}}},
            .description = {{"rule", "none"}}};
  }
  testing::TemporaryFolder folder_;
  const std::string out_ = folder_.File("new/Toy");
};

TEST_F(DatasetFolder, IsWrittenWhole) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto json,
                              WriteDatasetFolder(out_ + "/", Content("u a b a\n")));
  EXPECT_EQ(json.dump(),
            "{\"format\":\"openp5-dataset\",\"version\":1,\"name\":\"Toy\",\"rule\":"
            "\"none\",\"sha256\":\"" +
                Sha256Of("u a b a\n") + "\"}");
  EXPECT_EQ(*ReadFile(out_ + "/dataset.json"), json.dump(2) + "\n");
  EXPECT_EQ(*ReadFile(out_ + "/item_metadata.jsonl"),
            "{\"item\":\"a\",\"title\":\"Caf\u00e9\",\"year\":\"1999\",\"categories\":[\"x\"]}\n"
            "{\"item\":\"b\",\"title\":\"B\"}\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto dataset, SequenceDataset::Open(out_));
  EXPECT_EQ(json["sha256"], dataset.digest());
  EXPECT_EQ(ReadItemTitles(out_)->at("a"), "Caf\u00e9");
}

TEST_F(DatasetFolder, OtherSequencesThanItsOwnAreRefused) {
  OPENP5_ASSERT_OK(WriteDatasetFolder(out_, Content("u a b a\nv a b b\n")));
  // Cut at the end of a line, it would be a dataset of one user.
  for (const char* other : {"u a b a\n", "u a b b\nv a b b\n"}) {
    OPENP5_ASSERT_OK(WriteFileAtomic(out_ + "/user_sequence.txt", other));
    EXPECT_THAT(SequenceDataset::Open(out_),
                StatusIs(absl::StatusCode::kDataLoss,
                         ::testing::AllOf(HasSubstr("user_sequence.txt"), HasSubstr("SHA-256"),
                                          HasSubstr("delete dataset.json"))));
  }
  // Changed on purpose: without the description it is a dataset of its own.
  ASSERT_TRUE(std::filesystem::remove(out_ + "/dataset.json"));
  OPENP5_EXPECT_OK(SequenceDataset::Open(out_));
  // Another program's description says nothing of ours.
  OPENP5_ASSERT_OK(WriteFileAtomic(out_ + "/dataset.json", R"({"sha256": "0"})"));
  OPENP5_EXPECT_OK(SequenceDataset::Open(out_));
}

TEST_F(DatasetFolder, ReplacesOneOfItsOwn) {
  OPENP5_ASSERT_OK(WriteDatasetFolder(out_, Content("u a b a\n")));
  DatasetContent second = Content("u b b b\n");
  second.items.clear();
  OPENP5_ASSERT_OK(WriteDatasetFolder(out_, second));
  EXPECT_EQ(*ReadFile(out_ + "/user_sequence.txt"), "u b b b\n");
  EXPECT_FALSE(FileExists(out_ + "/item_metadata.jsonl"));
}

TEST_F(DatasetFolder, IsMadeOfAnEmptyFolder) {
  OPENP5_ASSERT_OK(MakeDirectories(out_));
  OPENP5_EXPECT_OK(WriteDatasetFolder(out_, Content("u a b a\n")));
}

TEST_F(DatasetFolder, NeverReplacesAnythingElse) {
  const auto is_refused = [&](const std::string& file) {
    return StatusIs(absl::StatusCode::kInvalidArgument,
                    "--out: " + out_ +
                        ": expected nothing there, an empty folder or a prepared dataset, got a "
                        "folder with other files, such as " +
                        file + "; hint: choose another folder, or remove this one yourself");
  };
  OPENP5_ASSERT_OK(MakeDirectories(out_));
  OPENP5_ASSERT_OK(WriteFileAtomic(out_ + "/thesis.txt", "x"));
  EXPECT_THAT(WriteDatasetFolder(out_, Content("u a b a\n")), is_refused("thesis.txt"));
  std::filesystem::remove(out_ + "/thesis.txt");
  for (const std::string json : {"{", "{}", "[]", "{\"format\":1}", "{\"format\":\"other\"}"}) {
    OPENP5_ASSERT_OK(WriteFileAtomic(out_ + "/dataset.json", json));
    EXPECT_THAT(CheckMayWriteDataset(out_), is_refused("dataset.json"));
  }
  std::filesystem::remove_all(out_);
  OPENP5_ASSERT_OK(WriteDatasetFolder(out_, Content("u a b a\n")));
  OPENP5_ASSERT_OK(WriteFileAtomic(out_ + "/thesis.txt", "x"));
  EXPECT_THAT(WriteDatasetFolder(out_, Content("u a b a\n")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("thesis.txt")));
  EXPECT_TRUE(IsUsageError(CheckMayWriteDataset(out_)));
  EXPECT_EQ(*ReadFile(out_ + "/thesis.txt"), "x");
}

TEST_F(DatasetFolder, TellsItsTimeSpan) {
  OPENP5_ASSERT_OK_AND_ASSIGN(auto span, ReadTimeSpan(out_));
  EXPECT_FALSE(span.has_value());
  DatasetContent content = Content("u a b a\n");
  OPENP5_ASSERT_OK(WriteDatasetFolder(out_, content));
  OPENP5_ASSERT_OK_AND_ASSIGN(span, ReadTimeSpan(out_));
  EXPECT_FALSE(span.has_value());
  content.description["first_time"] = -5;
  content.description["last_time"] = 7;
  OPENP5_ASSERT_OK(WriteDatasetFolder(out_, content));
  OPENP5_ASSERT_OK_AND_ASSIGN(span, ReadTimeSpan(out_));
  ASSERT_TRUE(span.has_value());
  EXPECT_EQ(span->first, -5);
  EXPECT_EQ(span->last, 7);
}

TEST_F(DatasetFolder, RefusesATimeSpanThatIsNone) {
  DatasetContent content = Content("u a b a\n");
  content.description["first_time"] = "noon";
  OPENP5_ASSERT_OK(WriteDatasetFolder(out_, content));
  EXPECT_THAT(ReadTimeSpan(out_),
              StatusIs(absl::StatusCode::kDataLoss,
                       "dataset: " + out_ +
                           "/dataset.json: expected whole seconds as \"first_time\" and "
                           "\"last_time\", got \"noon\" and null"));
  OPENP5_ASSERT_OK(WriteFileAtomic(out_ + "/dataset.json", "{"));
  EXPECT_THAT(ReadTimeSpan(out_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("dataset.json: expected JSON")));
  OPENP5_ASSERT_OK(WriteFileAtomic(out_ + "/dataset.json", "{\"first_time\": \"noon\"}"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto span, ReadTimeSpan(out_));
  EXPECT_FALSE(span.has_value()) << "not a description of ours";
}

TEST_F(DatasetFolder, IsNoFile) {
  OPENP5_ASSERT_OK(WriteFileAtomic(folder_.File("file"), "x"));
  EXPECT_THAT(CheckMayWriteDataset(folder_.File("file")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("file: expected a folder, got a file")));
}

}  // namespace
}  // namespace openp5::datasets
