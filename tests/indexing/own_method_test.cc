#include <ATen/ATen.h>

#include <map>
#include <nlohmann/json.hpp>

#include "indexing/index_description.h"
#include "indexing/index_methods.h"
#include "indexing/item_index.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/tensor/safetensors.h"
#include "tests/indexing/test_data.h"
#include "tests/testing/testing.h"

namespace openp5::indexing {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// A method of the test's own: an item's first token is the place of the largest number in its
// vector, its last counts the items with that token.
struct ToyOptions {
  std::string vectors;
  std::string letter = "T";
  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "toy-vectors", .help = "toy: file of `vectors`, [items, d] float32"},
                  &vectors);
    visitor.Visit({.name = "toy-letter", .help = "toy: what tokens begin with"}, &letter);
  }
};

absl::StatusOr<Assignments> BuildToy(const datasets::SequenceDataset& dataset,
                                     const OptionGroup& group, int64_t) {
  const auto& options = OptionsOf<ToyOptions>(group);
  OPENP5_ASSIGN_OR_RETURN(const NamedTensors tensors, ReadSafetensors(options.vectors));
  OPENP5_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(options.vectors));
  const at::Tensor* vectors = FindTensor(tensors, "vectors");
  if (vectors == nullptr || vectors->size(0) != dataset.item_count()) {
    return InvalidArgument(options.vectors, ": expected a vector for every item");
  }
  Assignments made{.items = {}, .inputs = {{"vectors", Sha256Of(bytes)}}};
  std::map<int64_t, int> count;
  for (int32_t item = 0; item < dataset.item_count(); ++item) {
    const int64_t place = (*vectors)[item].argmax().item<int64_t>();
    made.items.push_back(
        {item, StrCat("<", options.letter, place, "><", options.letter, "_", count[place]++, ">")});
  }
  return made;
}

IndexMethod ToyMethod() {
  return {.make_options = MakeOptionGroup<ToyOptions>,
          .key = [](const OptionGroup& group) -> std::vector<std::string> {
            return {OptionsOf<ToyOptions>(group).letter};
          },
          .is_seeded = [](const OptionGroup&) { return false; },
          .build = BuildToy,
          .is_identifier = [](std::string_view text) { return text.starts_with("<"); },
          .example = "<T0><T_1>"};
}

// Everything the program needs to know of a new method goes through the registry.
class OwnMethodTest : public ::testing::Test {
 protected:
  OwnMethodTest() {
    OPENP5_EXPECT_OK(RegisterBuiltinMethods(&methods_));
    OPENP5_EXPECT_OK(methods_.Register("toy", ToyMethod()));
  }

  // Items whose vectors, of that length, point to `places`.
  IndexParameters Parameters(const std::string& file, const std::vector<int64_t>& places,
                             float length = 1) {
    const std::string path = folder_.File(file);
    OPENP5_EXPECT_OK(
        WriteSafetensors(path, {{"vectors", length * at::one_hot(at::tensor(places), 4)}}));
    IndexParameters parameters(methods_);
    OPENP5_EXPECT_OK(
        FromJson({{"indexing", "toy"}, {"toy-vectors", path}, {"toy-letter", "V"}}, &parameters));
    return parameters;
  }
  ItemIndex Build(const IndexParameters& parameters) {
    auto index = BuildItemIndex(dataset_, parameters);
    OPENP5_EXPECT_OK(index);
    return *std::move(index);
  }
  void ExpectSame(const ItemIndex& read, const ItemIndex& written) {
    EXPECT_EQ(read.parameters().Flags(), written.parameters().Flags());
    EXPECT_EQ(read.inputs(), written.inputs());
    EXPECT_EQ(read.identifiers(), written.identifiers());
    EXPECT_EQ(read.Digest(), written.Digest());
  }

  TemporaryFolder folder_;
  Registry<IndexMethod> methods_{"indexing"};
  const datasets::SequenceDataset dataset_ = ParseDataset("u1 a b c\nu2 c b a\n");
};

TEST_F(OwnMethodTest, IsAskedForByItsOptions) {
  const IndexParameters parameters = Parameters("v", {0, 1, 1});
  EXPECT_THAT(OptionNames(parameters), AllOf(Contains("toy-letter"), Contains("unseen-items")));
  EXPECT_THAT(OptionInfos(parameters).front().choices,
              ElementsAre("collaborative", "random", "sequential", "toy"));
  EXPECT_EQ(parameters.Key(), "toy/V");
  EXPECT_EQ(parameters.Flags(),
            StrCat("--indexing toy --toy-vectors ", folder_.File("v"), " --toy-letter V"));
  EXPECT_THAT(OptionNames(IndexParameters()), ::testing::Not(Contains("toy-letter")));
}

TEST_F(OwnMethodTest, BuildsFromVectorsAndNamesThem) {
  const ItemIndex index = Build(Parameters("v", {2, 1, 2}));
  EXPECT_THAT(index.item_ids(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(index.identifiers(), ElementsAre("<V2><V_0>", "<V1><V_0>", "<V2><V_1>"));
  EXPECT_THAT(index.inputs(),
              ElementsAre(Pair("vectors", Sha256Of(ReadFile(folder_.File("v")).value_or("")))));
  const nlohmann::json described = Describe(index);
  EXPECT_EQ(described["inputs"]["vectors"], index.inputs().at("vectors"));
  EXPECT_EQ(described["added_tokens"], 4);
  EXPECT_THAT(DescriptionText(described),
              AllOf(HasSubstr("Toys toy/V\n"), HasSubstr("a -> <V2><V_0>\n"),
                    HasSubstr(StrCat("input           vectors ", index.inputs().at("vectors")))));
}

TEST_F(OwnMethodTest, IsWrittenAndRead) {
  const ItemIndex written = Build(Parameters("v", {2, 1, 2}));
  const std::string path = folder_.File("items.index"), db = folder_.File("db");
  OPENP5_ASSERT_OK(WriteItemIndexFile(path, {written}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto read, ReadItemIndexFile(path, methods_));
  ExpectSame(read.front(), written);
  EXPECT_THAT(ReadItemIndexFile(path), StatusIs(absl::StatusCode::kDataLoss,
                                                AllOf(HasSubstr(path), HasSubstr("got \"toy\""))));

  OPENP5_ASSERT_OK(SaveItemIndex(db, written));
  OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex loaded,
                              LoadItemIndex(db, dataset_, written.parameters()));
  ExpectSame(loaded, written);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto stored, ListItemIndexes(db, methods_));
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].key, "toy/V");
}

// Even where both give the same identifiers.
TEST_F(OwnMethodTest, IndexesOfOtherVectorsDiffer) {
  const ItemIndex one = Build(Parameters("v", {2, 1, 2}));
  const ItemIndex other = Build(Parameters("w", {2, 1, 2}, /*length=*/2));
  EXPECT_EQ(one.identifiers(), other.identifiers());
  EXPECT_NE(one.Digest(), other.Digest());
  EXPECT_THAT(BuildItemIndex(dataset_, IndexParameters())->inputs(), IsEmpty());
}

}  // namespace
}  // namespace openp5::indexing
