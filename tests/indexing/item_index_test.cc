#include "indexing/item_index.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "indexing/index_origin.h"
#include "indexing/item_index_store.h"
#include "indexing/methods/collaborative.h"
#include "indexing/openp5_files.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/storage/key_value_store.h"
#include "tests/indexing/test_data.h"
#include "tests/testing/testing.h"

namespace openp5::indexing {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

absl::StatusOr<ItemIndex> MakeIndex(std::vector<std::string> items,
                                    std::vector<std::string> identifiers) {
  return ItemIndex::Create({.dataset_name = "Toys",
                            .dataset_digest = "d1",
                            .item_ids = std::move(items),
                            .identifiers = std::move(identifiers),
                            .user_ids = {"u1", "u2"},
                            .user_numbers = {"1", "2"}});
}

IndexParameters Collaborative() {
  IndexParameters parameters;
  parameters.indexing = "collaborative";
  parameters.Of<CollaborativeOptions>().token_size = 4;
  parameters.Of<CollaborativeOptions>().cluster = 2;
  return parameters;
}

ItemIndex BuildSmall(const IndexParameters& parameters = {}) {
  auto index = BuildItemIndex(SmallDataset(), parameters);
  OPENP5_EXPECT_OK(index);
  return *std::move(index);
}

void ExpectEqual(const ItemIndex& a, const ItemIndex& b) {
  EXPECT_EQ(a.parameters().Key(), b.parameters().Key());
  EXPECT_EQ(a.dataset_name(), b.dataset_name());
  EXPECT_EQ(a.dataset_digest(), b.dataset_digest());
  EXPECT_EQ(a.item_ids(), b.item_ids());
  EXPECT_EQ(a.identifiers(), b.identifiers());
  EXPECT_EQ(a.user_ids(), b.user_ids());
  EXPECT_EQ(a.user_numbers(), b.user_numbers());
}

TEST(ItemIndexTest, RefusesContradictions) {
  const auto expect = [](absl::StatusOr<ItemIndex> index, const char* message) {
    EXPECT_THAT(index, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  expect(MakeIndex({"a", "b"}, {"1"}), "got 1 for 2");
  expect(MakeIndex({"a", "b", "c"}, {"7", "8", "7"}), "items 'a' and 'c' share the identifier '7'");
  expect(MakeIndex({"a", "b"}, {"7", ""}), "item 'b' has an empty identifier");
  expect(MakeIndex({"a", "b"}, {"7", "8 9"}), "item 'b' has an identifier with a blank");
  expect(MakeIndex({"a", "a"}, {"7", "8"}), "item 'a' is given twice");
  expect(ItemIndex::Create({.user_ids = {"u"}}), "got 0 for 1");
  expect(ItemIndex::Create({.user_ids = {"u", "u"}, .user_numbers = {"1", "2"}}), "user 'u'");
}

TEST(ItemIndexTest, AddedTokensInOrderOfFirstAppearance) {
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const ItemIndex index,
      MakeIndex({"a", "b", "c"}, {"<CI5><CI0>", "<CI5><CI10>", "<CI0><CI1>"}));
  EXPECT_THAT(index.AddedTokens(), ElementsAre("<CI5>", "<CI0>", "<CI10>", "<CI1>"));
}

TEST(ItemIndexTest, DigestCoversContentAndOrder) {
  const std::string digest = MakeIndex({"a", "b"}, {"7", "8"})->Digest();
  EXPECT_THAT(digest, SizeIs(64));
  EXPECT_EQ(digest, MakeIndex({"a", "b"}, {"7", "8"})->Digest());
  EXPECT_NE(digest, MakeIndex({"a", "b"}, {"7", "9"})->Digest());
  EXPECT_NE(digest, MakeIndex({"b", "a"}, {"8", "7"})->Digest());
  // An index of an older version keeps its digest.
  EXPECT_EQ(digest, "771e2d5cb92bdc4004e316c983fcbd0b48ee239d88d6959438b4be1ae5704109");
  EXPECT_NE(MakeIndex({"a", "bc"}, {"7", "8"})->Digest(),
            MakeIndex({"ab", "c"}, {"7", "8"})->Digest());
}

TEST(ItemIndexTest, NamesTheFirstItemOrUserItLacks) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex index, MakeIndex({"a", "b"}, {"7", "8"}));
  const auto dataset = ParseDataset("u1 b a b\nu3 a b b\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto identifiers, index.IdentifiersFor(dataset));
  EXPECT_THAT(identifiers, ElementsAre("8", "7"));
  EXPECT_THAT(index.UserNumbersFor(dataset),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("user 'u3'"), HasSubstr("build the index again"))));
  EXPECT_THAT(index.IdentifiersFor(ParseDataset("u1 a x y\n")),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("item 'x'"), HasSubstr("Toys"))));
}

TEST(ItemIndexFileTest, KeepsEverything) {
  TemporaryFolder folder;
  const std::string path = folder.File("items.index");
  const std::vector<ItemIndex> written = {BuildSmall(), BuildSmall(Collaborative())};
  OPENP5_ASSERT_OK(WriteItemIndexFile(path, written));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto read, ReadItemIndexFile(path));
  ASSERT_THAT(read, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    ExpectEqual(read[i], written[i]);
    EXPECT_EQ(read[i].Digest(), written[i].Digest());
  }
  OPENP5_ASSERT_OK(WriteItemIndexFile(path, {}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto none, ReadItemIndexFile(path));
  EXPECT_TRUE(none.empty());
  EXPECT_THAT(ReadItemIndexFile(folder.File("absent")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent")));
}

// Writes in place and without syncing: these tests write thousands of times.
void Overwrite(const std::string& path, const std::string& bytes) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT, 0644);
  ASSERT_GE(file, 0);
  ASSERT_EQ(pwrite(file, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  ASSERT_EQ(ftruncate(file, static_cast<off_t>(bytes.size())), 0);
  close(file);
}

TEST(ItemIndexFileTest, FindsEveryChangedByteAndEveryTruncation) {
  TemporaryFolder folder;
  const std::string path = folder.File("items.index");
  OPENP5_ASSERT_OK(WriteItemIndexFile(path, {BuildSmall(Collaborative())}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string sound, ReadFile(path));
  for (size_t at = 0; at < sound.size(); ++at) {
    std::string damaged = sound;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    Overwrite(path, damaged);
    ASSERT_THAT(ReadItemIndexFile(path),
                StatusIs(absl::StatusCode::kDataLoss, AllOf(HasSubstr(path), HasSubstr("offset"))))
        << at;
    Overwrite(path, sound.substr(0, at));
    ASSERT_THAT(ReadItemIndexFile(path), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path)))
        << at;
  }
  Overwrite(path, sound + "x");
  EXPECT_THAT(ReadItemIndexFile(path), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path)));
}

// Damage that a right digest hides: counts and lengths must be checked on their own.
TEST(ItemIndexFileTest, NeverTrustsSizes) {
  TemporaryFolder folder;
  const std::string path = folder.File("items.index");
  OPENP5_ASSERT_OK(WriteItemIndexFile(path, {BuildSmall(Collaborative())}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(path));
  const std::string sound = bytes.substr(0, bytes.size() - 64);
  const auto read = [&](const std::string& content) {
    Overwrite(path, content + Sha256Of(content));
    return ReadItemIndexFile(path);
  };
  for (size_t at = 12; at + 4 <= sound.size(); ++at) {
    for (const char* value : {"\xFF\xFF\xFF\xFF", "\xFF\xFF\xFF\x7F"}) {
      std::string content = sound;
      content.replace(at, 4, value, 4);
      const auto index = read(content);
      // A changed text may still be an index; anything else is damage.
      if (!index.ok()) {
        ASSERT_THAT(index, StatusIs(absl::StatusCode::kDataLoss,
                                    AllOf(HasSubstr(path), HasSubstr("offset"))))
            << at;
      }
    }
    ASSERT_THAT(read(sound.substr(0, at)), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path)))
        << at;
  }
  std::string newer = sound;
  newer[8] = 2;
  EXPECT_THAT(read(newer), StatusIs(absl::StatusCode::kDataLoss,
                                    HasSubstr("offset 8: expected version 1, got 2")));
  std::string many = sound;
  many[12] = 2;
  EXPECT_THAT(read(many), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("offset")));
  std::string none = sound;
  none[12] = 0;
  EXPECT_THAT(read(none), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("expected the end")));
}

TEST(ItemIndexStoreTest, KeepsManyIndexesAndTheirOrder) {
  TemporaryFolder folder;
  const std::string db = folder.File("db");
  IndexParameters random;
  random.indexing = "random";
  for (const auto& parameters : {IndexParameters(), random, Collaborative()}) {
    OPENP5_ASSERT_OK(SaveItemIndex(db, BuildSmall(parameters)));
  }
  for (const auto& parameters : {IndexParameters(), random, Collaborative()}) {
    OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex loaded,
                                LoadItemIndex(db, SmallDataset(), parameters));
    ExpectEqual(loaded, BuildSmall(parameters));
  }
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto stored, ListItemIndexes(db));
  ASSERT_THAT(stored, SizeIs(3));
  EXPECT_EQ(stored[0].key, "collaborative/4/2/sequential/openp5");
  EXPECT_EQ(stored[0].dataset_name, "Toys");
  EXPECT_EQ(stored[0].dataset_digest, SmallDataset().digest());
  EXPECT_EQ(stored[0].item_count, 11);
}

TEST(ItemIndexStoreTest, HoldsEntriesForOtherPrograms) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK(SaveItemIndex(folder.File("db"), BuildSmall()));
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const auto store, storage::OpenRocksDb(folder.File("db"), storage::OpenMode::kReadOnly));
  const std::string prefix("index\0Toys\0sequential/original\0", 31);
  EXPECT_EQ(*store->Get(prefix + "ib"), std::string("\0\0\0\x01", 4) + "1002");
  EXPECT_EQ(*store->Get(prefix + "d1002"), "b");
  EXPECT_EQ(*store->Get(prefix + "uu3"), std::string("\0\0\0\x02", 4) + "3");
}

TEST(ItemIndexStoreTest, ReplacesAnIndexOfTheSameKeyWhole) {
  TemporaryFolder folder;
  const std::string db = folder.File("db");
  OPENP5_ASSERT_OK(SaveItemIndex(db, BuildSmall()));
  const auto other = ParseDataset("v1 p q r\n");
  OPENP5_ASSERT_OK(SaveItemIndex(db, *BuildItemIndex(other, {})));
  OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex loaded, LoadItemIndex(db, other, {}));
  EXPECT_THAT(loaded.item_ids(), ElementsAre("p", "q", "r"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto stored, ListItemIndexes(db));
  EXPECT_THAT(stored, SizeIs(1));
}

TEST(ItemIndexStoreTest, SaysWhatIsMissing) {
  TemporaryFolder folder;
  const std::string db = folder.File("db");
  EXPECT_THAT(LoadItemIndex(db, SmallDataset(), {}),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr(db), HasSubstr("run `openp5 index build` first"))));
  OPENP5_ASSERT_OK(SaveItemIndex(db, BuildSmall()));
  EXPECT_THAT(
      LoadItemIndex(db, SmallDataset(), Collaborative()),
      StatusIs(absl::StatusCode::kNotFound,
               AllOf(HasSubstr(db), HasSubstr("collaborative/4/2/sequential/openp5 of Toys"),
                     HasSubstr("it has: sequential/original"))));
  EXPECT_THAT(LoadItemIndex(db, ParseDataset("u a b c\n", "Games"), {}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("of Games; it has: none")));
}

TEST(ItemIndexStoreTest, IsNotPutIntoAForeignStore) {
  TemporaryFolder folder;
  const std::string db = folder.File("db");
  OPENP5_EXPECT_OK(CheckMaySaveItemIndex(db));
  OPENP5_ASSERT_OK(MakeDirectories(db));
  OPENP5_EXPECT_OK(CheckMaySaveItemIndex(db));
  OPENP5_ASSERT_OK(AppendToFile(folder.File("file"), "x"));
  EXPECT_TRUE(IsUsageError(CheckMaySaveItemIndex(folder.File("file"))));
  EXPECT_TRUE(IsUsageError(CheckMaySaveItemIndex(folder.path())));
  for (const char* key : {"a", "catalog", "x"}) {
    const std::string foreign = folder.File(std::string("of-") + key);
    {
      OPENP5_ASSERT_OK_AND_ASSIGN(auto store,
                                  storage::OpenRocksDb(foreign, storage::OpenMode::kReadWrite));
      OPENP5_EXPECT_OK(CheckMaySaveItemIndex(foreign)) << "empty";
      OPENP5_ASSERT_OK(store->Write("", {{key, "1"}}));
    }
    EXPECT_THAT(CheckMaySaveItemIndex(foreign),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("with something else")));
  }
}

TEST(ItemIndexStoreTest, RefusesAnIndexOfOtherData) {
  TemporaryFolder folder;
  const std::string db = folder.File("db");
  OPENP5_ASSERT_OK(SaveItemIndex(db, BuildSmall()));
  const auto other = ParseDataset("u1 a b c d\n");
  EXPECT_THAT(LoadItemIndex(db, other, {}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(other.digest()), HasSubstr(SmallDataset().digest()),
                             HasSubstr("index build"))));
}

const std::string kEntries("index\0Toys\0sequential/original\0", 31);
const std::string kCatalogKey("catalog\0Toys\0sequential/original\0", 33);
const std::string kSecondPlace("\0\0\0\x01", 4);

struct StoreDamage {
  const char* name;
  std::string removed_prefix;
  std::vector<std::pair<std::string, std::string>> entries;
  const char* message;
};

class DamagedStoreTest : public ::testing::TestWithParam<StoreDamage> {};

TEST_P(DamagedStoreTest, IsRefused) {
  TemporaryFolder folder;
  const std::string db = folder.File("db");
  OPENP5_ASSERT_OK(SaveItemIndex(db, BuildSmall()));
  {
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto store,
                                storage::OpenRocksDb(db, storage::OpenMode::kReadWrite));
    OPENP5_ASSERT_OK(store->Write(GetParam().removed_prefix, GetParam().entries));
  }
  EXPECT_THAT(
      LoadItemIndex(db, SmallDataset(), {}),
      StatusIs(absl::StatusCode::kDataLoss, AllOf(HasSubstr(db), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    Entries, DamagedStoreTest,
    ::testing::Values(
        StoreDamage{"LostItem", kEntries + "ib", {}, "expected 11 entries, got 10"},
        StoreDamage{"ChangedIdentifier",
                    "",
                    {{kEntries + "ib", kSecondPlace + "4711"}},
                    "digest does not match"},
        StoreDamage{"RepeatedIdentifier",
                    "",
                    {{kEntries + "ib", kSecondPlace + "1001"}},
                    "share the identifier"},
        StoreDamage{"ShortValue", "", {{kEntries + "ib", "1"}}, "unexpected entry for 'b'"},
        StoreDamage{
            "StrayItem", "", {{kEntries + "iextra", kSecondPlace + "5000"}}, "unexpected entry"},
        StoreDamage{"LostUsers", kEntries + "u", {}, "expected 5 entries, got 0"},
        StoreDamage{"CatalogNoJson", "", {{kCatalogKey, "nonsense"}}, "not a JSON object"},
        StoreDamage{"CatalogTooDeep",
                    "",
                    {{kCatalogKey, "{\"parameters\":" + std::string(3'000'000, '[')}},
                    "nested at most 64 deep"},
        StoreDamage{"CatalogIncomplete", "", {{kCatalogKey, "{\"version\":1}"}}, "malformed"},
        StoreDamage{
            "NewerVersion", "", {{kCatalogKey, "{\"version\":2}"}}, "expected version 1, got 2"}),
    [](const auto& info) { return info.param.name; });

class ImportTest : public ::testing::Test {
 protected:
  absl::StatusOr<ItemIndex> Import(const std::string& items, const std::string& users,
                                   const std::string& indexing = "sequential") {
    IndexParameters parameters;
    parameters.indexing = indexing;
    Overwrite(folder_.File("items.txt"), items);
    Overwrite(folder_.File("users.txt"), users);
    return ImportOpenP5Index(ParseDataset("u1 a b c\nu2 b a b\n"), parameters,
                             folder_.File("items.txt"), folder_.File("users.txt"));
  }
  void ExpectRefused(const std::string& items, const std::string& users, const char* message,
                     const std::string& indexing = "sequential") {
    EXPECT_THAT(Import(items, users, indexing),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  }

  TemporaryFolder folder_;
};

TEST_F(ImportTest, ExportsWhatItRead) {
  const std::string items = "b 1002\na 1001\nc 1003\n", users = "u2 2\nu1 1\n";
  OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex index, Import(items, users));
  EXPECT_EQ(OpenP5ItemsText(index), items);
  EXPECT_EQ(OpenP5UsersText(index), users);
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string sequences,
                              OpenP5SequencesText(index, ParseDataset("u1 a b c\nu2 b a b\n")));
  EXPECT_EQ(sequences, "1 1001 1002 1003\n2 1002 1001 1002\n");
}

// The store remembers where an index is from. The digest does not depend on it, and a store of an
// older version, which did not say, is read.
TEST_F(ImportTest, IsRemembered) {
  const auto dataset = ParseDataset("u1 a b c\nu2 b a b\n", "Toys");
  const std::string db = folder_.File("db");
  OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex index, BuildItemIndex(dataset, {}));
  OPENP5_ASSERT_OK(SaveItemIndex(db, index));
  EXPECT_FALSE(*IsImportedIndex(db, dataset, {}));
  OPENP5_ASSERT_OK(SaveImportedItemIndex(db, index));
  EXPECT_TRUE(*IsImportedIndex(db, dataset, {}));
  EXPECT_EQ(LoadItemIndex(db, dataset, {})->Digest(), index.Digest());
  {
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto store,
                                storage::OpenRocksDb(db, storage::OpenMode::kReadWrite));
    auto entry = nlohmann::json::parse(*store->Get(kCatalogKey));
    EXPECT_EQ(entry["version"], 1);
    entry.erase("imported");
    OPENP5_ASSERT_OK(store->Write("", {{kCatalogKey, entry.dump()}}));
  }
  EXPECT_FALSE(*IsImportedIndex(db, dataset, {}));
  EXPECT_EQ(LoadItemIndex(db, dataset, {})->Digest(), index.Digest());
  IndexParameters random;
  random.indexing = "random";
  EXPECT_THAT(IsImportedIndex(db, dataset, random),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("random/seed=1")));
}

TEST_F(ImportTest, NamesFileAndLine) {
  const std::string items = "a 1\nb 2\nc 3\n", users = "u1 1\nu2 2\n";
  ExpectRefused("a 1\nb\n", users,
                "items.txt:2: expected two columns, item and an identifier such as 1001");
  ExpectRefused("a 1\nb 2 3\n", users, "items.txt:2: ");
  ExpectRefused("a 1\nb 2\nx 3\n", users, "items.txt:3: item 'x' is not in the dataset");
  ExpectRefused("a 1\nb 2\na 3\n", users, "items.txt:3: item 'a' is given again; it was in line 1");
  ExpectRefused("a 1\nb 2\n", users, "items.txt: item 'c' of the dataset is missing");
  ExpectRefused("a 1\nb 2\nc 2\n", users, "items 'b' and 'c' share the identifier '2'");
  ExpectRefused("a <CI1>\nb 2\nc 3\n", users, "items.txt:1: expected an identifier such as 1001");
  ExpectRefused(items, users, "items.txt:1: expected an identifier such as <CI3><CI8>",
                "collaborative");
  for (const char* odd : {"<CI>", "<CI1", "CI1>", "<CI1>x", "<CI-1>", "<CI1><>"}) {
    ExpectRefused(StrCat("a ", odd, "\nb <CI2>\nc <CI3>\n"), users, odd, "collaborative");
  }
  ExpectRefused(items, "u1 1\nu3 2\n", "users.txt:2: user 'u3' is not in the dataset");
  ExpectRefused(items, "u1 1\n", "users.txt: user 'u2' of the dataset is missing");
  ExpectRefused(items, "u1 1\nu2 two\n", "users.txt:2: expected a number, got 'two'");
  EXPECT_THAT(ImportOpenP5Index(SmallDataset(), {}, folder_.File("absent"), ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent")));
}

}  // namespace
}  // namespace openp5::indexing
