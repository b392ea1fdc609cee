#include "checkpoints/pickle_reader.h"

#include "tests/checkpoints/torch_bytes.h"

namespace openp5::checkpoints {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Code = absl::StatusCode;
using Kind = PickleValue::Kind;

absl::StatusOr<Pickle> Read(const std::string& bytes) {
  return Pickle::Read(bytes,
                      {.where = "file", .base_position = 100, .allows_global = [](auto name) {
                         return name == "collections.OrderedDict";
                       }});
}

// The code and a part of the message of the failure.
void ExpectFailure(const std::string& bytes, Code code, const std::string& message) {
  EXPECT_THAT(Read(bytes), StatusIs(code, HasSubstr(message)));
}

TEST(PickleReaderTest, NumbersAndTexts) {
  std::string bytes = "\x80\x02(N\x88\x89K\xff";
  bytes += "M\xff\xff" + ("J" + Little(static_cast<uint32_t>(-2), 4)) + PickleInteger(-3) + "\x8a";
  bytes += Little(0, 1) + "\x8a\x01\x80" + ("\x8a\x09" + Little(1, 9)) + "G\xbf\xf8";
  bytes += Little(0, 6) + PickleText("text") + "U\x01" + "a" + "C\x02" + "bc" + "t.";
  OPENP5_ASSERT_OK_AND_ASSIGN(const Pickle pickle, Read(bytes));
  const auto& items = pickle.root().items;
  ASSERT_EQ(items.size(), 14u);
  EXPECT_EQ(items[0]->kind, Kind::kNone);
  const std::vector<int64_t> integers = {1, 0, 255, 65535, -2, -3, 0, -128};
  for (size_t i = 0; i < integers.size(); ++i) EXPECT_EQ(items[i + 1]->integer, integers[i]) << i;
  EXPECT_EQ(items[9]->kind, Kind::kBigInteger);
  EXPECT_EQ(items[10]->real, -1.5);
  EXPECT_EQ(items[11]->text, "text");
  EXPECT_EQ(items[12]->text, "a");
  EXPECT_EQ(items[13]->kind, Kind::kBytes);
  EXPECT_EQ(pickle.size(), bytes.size());
}

TEST(PickleReaderTest, ContainersAndCalls) {
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const Pickle pickle,
      Read("\x80\x02}" + PickleText("list") + "]K\1a(K\2K\3es" + PickleText("pair") +
           "K\4K\5\x86s" + PickleText("object") + PickleGlobal("collections", "OrderedDict") +
           ")RK\6K\7sK\x08" + "bs."));
  const auto& entries = pickle.root().entries;
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].second->items.size(), 3u);
  EXPECT_EQ(entries[1].second->items[1]->integer, 5);
  EXPECT_TRUE(entries[2].second->IsCallOf("collections.OrderedDict"));
  EXPECT_EQ(entries[2].second->entries[0].second->integer, 7);
  EXPECT_EQ(entries[2].second->state->integer, 8);
}

TEST(PickleReaderTest, ProtocolFour) {
  const std::string module = "collections", name = "OrderedDict";
  OPENP5_ASSERT_OK_AND_ASSIGN(const Pickle pickle,
                              Read("\x80\x04\x95" + Little(9, 8) + "\x8c\x0b" + module + "\x94" +
                                   "\x8c\x0b" + name + "\x93)R."));
  EXPECT_TRUE(pickle.root().IsCallOf("collections.OrderedDict"));
}

TEST(PickleReaderTest, GlobalsAreRefusedByName) {
  ExpectFailure("\x80\x02" + PickleGlobal("os", "system") + PickleText("true") + "\x85R.",
                Code::kInvalidArgument, "file: pickle: byte 102: global 'os.system' is refused");
  ExpectFailure("\x80\x04\x8c\x02os\x8c\x06system\x93.", Code::kInvalidArgument, "'os.system'");
  ExpectFailure("\x80\x02" + PickleGlobal("a\rb", "c"), Code::kInvalidArgument, "'a\\rb.c'");
}

TEST(PickleReaderTest, OpcodesAreRefusedByName) {
  ExpectFailure("\x80\x02(ios\nsystem\n.", Code::kInvalidArgument, "opcode 0x69 (INST) is refused");
  ExpectFailure("\x80\x02)\x81.", Code::kInvalidArgument, "opcode 0x81 (NEWOBJ) is refused");
  ExpectFailure("\x80\x02\x82\x01.", Code::kInvalidArgument, "EXT1");
  ExpectFailure("\x80\x02Z", Code::kInvalidArgument, "opcode 0x5a (unknown)");
  ExpectFailure("\x80\x01.", Code::kInvalidArgument, "protocol 2 to 5, got 1");
}

TEST(PickleReaderTest, ObjectsAreKeptAsDataWhereAllowed) {
  const auto read = [](const std::string& bytes) {
    return Pickle::Read("\x80\x02" + bytes + ".",
                        {.where = "file",
                         .base_position = 0,
                         .allows_global = [](std::string_view) { return true; },
                         .keeps_objects = true});
  };
  const std::string made_of = PickleGlobal("os", "system");
  for (const std::string& object :
       {made_of + "K\1\x85\x81", made_of + "K\1\x85}\x92", made_of + "K\1\x85R}b",
        made_of + ")RK\1\x85R", made_of + ")\x81K\1a", std::string("\x8f(K\1\x90"),
        std::string("(K\1\x91"), "NN0" + std::string("0") + made_of + ")R"}) {
    OPENP5_ASSERT_OK_AND_ASSIGN(const Pickle pickle, read(object));
    EXPECT_EQ(pickle.root().kind, Kind::kObject);
  }
  OPENP5_EXPECT_OK(read("\x8b" + Little(2, 4) + "ab"));
  for (const char* damaged : {")\x81", "K\1)\x81", ")R", "NNN\x92", "\x90", "N(\x90", "\x91", "0"})
    EXPECT_THAT(read(damaged), StatusIs(Code::kDataLoss, HasSubstr("damaged"))) << damaged;
  EXPECT_THAT(read("(ios\nsystem\n"), StatusIs(Code::kInvalidArgument, HasSubstr("INST")));
}

TEST(PickleReaderTest, CyclesThroughTheMemoAreValuesLikeOthers) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const Pickle pickle, Read("\x80\x02]q\x05h\x05"
                                                        "a."));
  EXPECT_EQ(pickle.root().items[0], &pickle.root());
}

TEST(PickleReaderTest, DeepNestingCostsNoStack) {
  const std::string deep(300000, '\x85');
  OPENP5_EXPECT_OK(Read("\x80\x02N" + deep + "."));
  ExpectFailure("\x80\x02" + std::string(300000, '('), Code::kDataLoss, "expected another opcode");
}

TEST(PickleReaderTest, ValuesAreCounted) {
  ExpectFailure("\x80\x02" + std::string(Pickle::kMaximumValues + 1, 'N'), Code::kInvalidArgument,
                "expected at most 1000000 values");
}

TEST(PickleReaderTest, DamageIsNamed) {
  const auto damaged = [](const std::string& bytes, const std::string& message) {
    ExpectFailure("\x80\x02" + bytes, Code::kDataLoss, message);
  };
  damaged("", "byte 102: expected another opcode");
  damaged(".", "one value at the end");
  damaged("NN.", "one value at the end");
  damaged("(N.", "one value at the end");
  damaged("h\x01.", "memo 1 set before");
  damaged("j\xff\xff\xff\x7f.", "memo 2147483647 set before");
  damaged("q\x01.", "a value to remember");
  damaged("t.", "a mark");
  damaged("N\x86.", "a tuple's items");
  damaged("N(\x85.", "a tuple's items");
  damaged("NNa.", "a list");
  damaged("](a.", "a value to append");
  damaged("NNNs.", "a dict");
  damaged("Ns.", "a key and a value");
  damaged("}(Nu.", "a value for every key");
  damaged("NNR.", "a callable");
  damaged("R.", "a callable");
  damaged("NNb.", "an object and its state");
  damaged("Q.", "a persistent id");
  damaged(
      "X\xff\xff\xff\xff"
      "abc",
      "text");
  damaged(
      "\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
      "abc",
      "text");
  damaged("cos\n", "a global's name");
  damaged("NN\x93.", "a global's name");
  damaged(
      "\x8a\x05"
      "a",
      "a long number");
  damaged("G123", "a real number");
  damaged("M1", "a number");
}

}  // namespace
}  // namespace openp5::checkpoints
