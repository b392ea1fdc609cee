// Samples as OpenP5 makes them: counts, first and last texts, and digests over all of them.
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "datasets/prompts.h"
#include "datasets/samples.h"
#include "datasets/sequences.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::Shared;
using Json = nlohmann::json;

Json ReadJson(const std::string& name) {
  std::ifstream file(Shared(name));
  return Json::parse(file);
}

// OpenP5's own templates.
PromptSet OriginalPrompts() {
  std::string text;
  const Json file = ReadJson("golden/07_end_to_end/prompts.json");
  for (const Json& line : file.front()) {
    for (size_t i = 0; i < 4; ++i) text += (i > 0 ? "; " : "") + line[i].get<std::string>();
    text += "\n";
  }
  auto prompts = PromptSet::Parse(text, "prompts.json");
  EXPECT_THAT(prompts, testing::IsOk());
  return *std::move(prompts);
}

// Second words by first words of an index file of OpenP5's.
std::map<std::string, std::string> ReadIndexFile(const std::string& path) {
  std::map<std::string, std::string> identifiers;
  std::ifstream file(path);
  std::string id, identifier;
  while (file >> id >> identifier) identifiers[id] = identifier;
  EXPECT_FALSE(identifiers.empty()) << path;
  return identifiers;
}

// One dataset with the identifiers that OpenP5 gave it.
struct Fixture {
  SequenceDataset dataset;
  std::vector<std::string> identifiers, user_numbers;
};

Fixture OpenFixture(const std::string& name, const std::string& indexing) {
  static const std::map<std::string, std::string> kFiles = {
      {"sequential", "item_sequential_indexing_original.txt"},
      {"random", "item_random_indexing.txt"},
      {"collaborative", "item_collaborative_indexing_500_20_sequential.txt"}};
  const std::string folder = Shared("data/" + name);
  auto dataset = SequenceDataset::Open(folder);
  EXPECT_THAT(dataset, testing::IsOk());
  Fixture fixture{*std::move(dataset), {}, {}};
  const auto items = ReadIndexFile(JoinPath(folder, kFiles.at(indexing)));
  const auto users = ReadIndexFile(JoinPath(folder, "user_indexing.txt"));
  for (int32_t item = 0; item < fixture.dataset.item_count(); ++item) {
    fixture.identifiers.push_back(items.at(std::string(fixture.dataset.ItemId(item))));
  }
  for (int32_t user = 0; user < fixture.dataset.user_count(); ++user) {
    fixture.user_numbers.push_back(users.at(std::string(fixture.dataset.UserId(user))));
  }
  return fixture;
}

// Takes samples in order and holds what the golden files say of them.
class Recorder {
 public:
  // `all` takes the samples of several recorders in the order they are added.
  void Add(const Sample& sample, Sha256* all) {
    const std::string line = sample.input + "\t" + sample.output + "\n";
    digest_.Update(line);
    all->Update(line);
    ++count_;
    if (first_.size() < 32) first_.push_back(sample);
    last_.push_back(sample);
    if (last_.size() > 64) last_.erase(last_.begin(), last_.begin() + 32);
  }

  void Expect(const Json& golden) {
    EXPECT_EQ(count_, golden["count"].get<int64_t>());
    EXPECT_EQ(digest_.Finish(), golden["sha256"].get<std::string>());
    if (golden.contains("first")) ExpectSame(golden["first"], first_, 0);
    if (golden.contains("last")) {
      const size_t shown = golden["last"].size();
      ASSERT_GE(last_.size(), shown);
      ExpectSame(golden["last"], last_, last_.size() - shown);
    }
  }

 private:
  static void ExpectSame(const Json& golden, const std::vector<Sample>& samples, size_t begin) {
    for (size_t i = 0; i < std::min<size_t>(golden.size(), 32); ++i) {
      ASSERT_LT(begin + i, samples.size());
      EXPECT_EQ(samples[begin + i].input, golden[i][0].get<std::string>());
      EXPECT_EQ(samples[begin + i].output, golden[i][1].get<std::string>());
    }
  }

  Sha256 digest_;
  int64_t count_ = 0;
  std::vector<Sample> first_, last_;
};

void ExpectSplit(const SampleWriter& writer, const std::vector<Position>& positions,
                 const std::vector<const PromptTemplate*>& prompts, const Json& golden,
                 Sha256* all) {
  Recorder recorder;
  for (const Position& position : positions) {
    for (const PromptTemplate* prompt : prompts) {
      recorder.Add(writer.Write(*prompt, position), all);
    }
  }
  recorder.Expect(golden);
}

// Compares one entry of samples.json or option_variants.json.
void ExpectGolden(const std::string& dataset, const Json& golden) {
  const Json& arguments = golden["arguments"];
  const Fixture fixture = OpenFixture(dataset, arguments["item_indexing"]);
  const PromptSet prompts = OriginalPrompts();
  const bool skip_empty = arguments["skip_empty_his"].get<int>() != 0;
  const SampleWriter writer(fixture.dataset, fixture.identifiers, fixture.user_numbers,
                            {.max_history = arguments["max_his"],
                             .history_separator = arguments["his_sep"],
                             .history_prefix = arguments["his_prefix"],
                             .skip_empty_history = skip_empty});
  EXPECT_EQ(fixture.dataset.user_count(), golden["users"].get<int>());
  EXPECT_EQ(fixture.dataset.item_count(), golden["items"].get<int>());
  Sha256 train_all, ignored;
  const auto train = SplitPositions(fixture.dataset, Split::kTrain, skip_empty);
  EXPECT_EQ(train.size(), golden["train_samples_per_task_before_prompts"].get<size_t>());
  // Tasks in the order asked for, which is not that of the JSON object.
  std::istringstream tasks(arguments["tasks"].get<std::string>());
  for (std::string task; std::getline(tasks, task, ',');) {
    SCOPED_TRACE("train " + task);
    ExpectSplit(writer, train, prompts.Seen(task), golden["train"][task], &train_all);
  }
  EXPECT_EQ(train_all.Finish(), golden["train_all_sha256"].get<std::string>());
  const auto validation = SplitPositions(fixture.dataset, Split::kValidation, skip_empty);
  for (const auto& [task, expected] : golden["validation"]["per_task"].items()) {
    SCOPED_TRACE("validation " + task);
    OPENP5_ASSERT_OK_AND_ASSIGN(
        const PromptTemplate* prompt,
        prompts.Find(task, golden["validation"]["prompt"].get<std::string>()));
    ExpectSplit(writer, validation, {prompt}, expected, &ignored);
  }
  const auto test = SplitPositions(fixture.dataset, Split::kTest, skip_empty);
  for (const auto& [name, expected] : golden["test"].items()) {
    SCOPED_TRACE("test " + name);
    const size_t blank = name.find(' ');
    OPENP5_ASSERT_OK_AND_ASSIGN(const PromptTemplate* prompt,
                                prompts.Find(name.substr(0, blank), name.substr(blank + 1)));
    ExpectSplit(writer, test, {prompt}, expected, &ignored);
  }
}

class DataGeneration : public ::testing::TestWithParam<const char*> {};

TEST_P(DataGeneration, MatchesOriginal) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const std::string name = GetParam();
  const Json golden = ReadJson("golden/10_data_generation/samples.json");
  ASSERT_TRUE(golden.contains(name));
  ExpectGolden(name.substr(0, name.find(' ')), golden[name]);
}

INSTANTIATE_TEST_SUITE_P(Samples, DataGeneration,
                         ::testing::Values("ML100K sequential", "ML100K random",
                                           "ML100K collaborative", "LastFM sequential",
                                           "Beauty sequential", "Beauty random",
                                           "Beauty collaborative"),
                         [](const auto& info) {
                           std::string name = info.param;
                           name[name.find(' ')] = '_';
                           return name;
                         });

TEST(DataGenerationOptions, MatchOriginalUnderOtherOptions) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const Json golden = ReadJson("golden/10_data_generation/option_variants.json");
  EXPECT_EQ(golden["variants"].size(), 8u);
  for (const auto& [name, variant] : golden["variants"].items()) {
    SCOPED_TRACE(name);
    ExpectGolden(golden["dataset"], variant);
  }
}

}  // namespace
}  // namespace openp5::datasets
