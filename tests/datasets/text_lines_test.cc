#include "datasets/text_lines.h"

#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::ElementsAre;

absl::StatusOr<std::vector<std::string>> AllLines(std::string_view text) {
  std::vector<std::string> all;
  OPENP5_RETURN_IF_ERROR(
      ForEachLine(text, "f.txt", "test", [&](std::string_view line, const TextLines& lines) {
        all.push_back(StrCat(lines.Where(), "=", line));
        return absl::OkStatus();
      }));
  return all;
}

std::vector<std::string> Lines(std::string_view text) {
  const auto all = AllLines(text);
  EXPECT_THAT(all, testing::IsOk());
  return all.ok() ? *all : std::vector<std::string>();
}

void ExpectFailure(std::string_view text, const std::string& message) {
  EXPECT_THAT(AllLines(text), StatusIs(absl::StatusCode::kInvalidArgument, message));
}

TEST(TextLines, TakesBothLineEndsAndAMissingLastOne) {
  EXPECT_THAT(Lines("a\nb\r\n\nc"), ElementsAre("f.txt:1=a", "f.txt:2=b", "f.txt:3=", "f.txt:4=c"));
  EXPECT_THAT(Lines(""), ElementsAre());
  EXPECT_THAT(Lines("\xef\xbb\xbfx\n"), ElementsAre("f.txt:1=x"));
}

// A text in pieces of a few bytes.
class Pieces final : public ByteSource {
 public:
  Pieces(std::string_view text, size_t size) : rest_(text), size_(size) {}
  absl::StatusOr<std::string_view> Next() override {
    const std::string_view piece = rest_.substr(0, size_);
    rest_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view rest_;
  size_t size_;
};

TEST(TextLines, AreTheSameHoweverTheSourceIsCut) {
  const std::string text =
      "\xef\xbb\xbf"
      "first\r\n\nthird\n\r\nlast";
  const std::vector<std::string> whole = Lines(text);
  EXPECT_EQ(whole.size(), 5u);
  for (size_t size = 1; size <= text.size(); ++size) {
    Pieces pieces(text, size);
    std::vector<std::string> lines;
    OPENP5_EXPECT_OK(ForEachLine(TextLines(&pieces, "f.txt"), "test",
                                 [&](std::string_view line, const TextLines& at) {
                                   lines.push_back(StrCat(at.Where(), "=", line));
                                   return absl::OkStatus();
                                 }));
    EXPECT_EQ(lines, whole) << "pieces of " << size;
  }
}

TEST(TextLines, TheFailureOfASourceNamesTheJob) {
  class Failing final : public ByteSource {
    absl::StatusOr<std::string_view> Next() override { return DataLoss("f.gz: offset 7: cut"); }
  } source;
  EXPECT_THAT(ForEachLine(TextLines(&source, "f.txt"), "test",
                          [](std::string_view, const TextLines&) { return absl::OkStatus(); }),
              StatusIs(absl::StatusCode::kDataLoss, "test: f.gz: offset 7: cut"));
}

TEST(TextLines, RefusesWhatIsNotText) {
  ExpectFailure(std::string_view("a\nb\0c\n", 6),
                "test: f.txt:2: expected text, got a NUL byte in column 2; is the file complete?");
  ExpectFailure("a\rb\n",
                "test: f.txt:1: expected lines that end in LF or CRLF, got a lone CR in column 2");
  ExpectFailure(
      "\xff\xfe"
      "a\n",
      "test: f.txt:1: expected UTF-8, got UTF-16");
  ExpectFailure(
      "\xfe\xff"
      "a\n",
      "test: f.txt:1: expected UTF-8, got UTF-16");
  ExpectFailure("a\nb\rc\r",
                "test: f.txt:2: expected lines that end in LF or CRLF, got a lone CR in column 2");
}

TEST(TextLines, RefusesAnEndlessLine) {
  ExpectFailure("a\n" + std::string((size_t{64} << 20) + 1, 'x'),
                "test: f.txt:2: expected lines of at most 67108864 bytes, got more");
}

TEST(TextLines, NamesTheJobOfAFailingVisit) {
  EXPECT_THAT(ForEachLine("a\n", "f.txt", "test",
                          [](std::string_view, const TextLines&) { return DataLoss("bad"); }),
              StatusIs(absl::StatusCode::kDataLoss, "test: bad"));
}

TEST(SplitAt, KeepsEmptyParts) {
  EXPECT_THAT(SplitAt("a  b ", ' '), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(SplitAt("", ' '), ElementsAre(""));
}

TEST(Trim, TakesBlanksAndTabsOnly) {
  EXPECT_EQ(Trim(" \ta b\t "), "a b");
  EXPECT_EQ(Trim("  "), "");
  EXPECT_EQ(Trim("\na"), "\na");
}

TEST(Excerpt, EscapesAndCuts) {
  EXPECT_EQ(Excerpt("a\tb\xe9"), "a\\tb\\351");
  EXPECT_EQ(Excerpt(std::string(90, 'x')), std::string(80, 'x') + "…");
}

class ParseIntegerTest : public ::testing::Test {
 protected:
  ParseIntegerTest() : lines_("x", "f.txt") {
    std::string_view line;
    EXPECT_TRUE(*lines_.Next(&line));
  }
  absl::StatusOr<int64_t> Parse(std::string_view text) {
    return ParseInteger(text, {"a number from 0 to 9000000000", 0, 9000000000}, lines_);
  }
  TextLines lines_;
};

TEST_F(ParseIntegerTest, AcceptsBlanksAround) {
  EXPECT_EQ(*Parse(" 42\t"), 42);
  EXPECT_EQ(*Parse("9000000000"), 9000000000);
}

TEST_F(ParseIntegerTest, RefusesEverythingElse) {
  for (const std::string text : {"", "4x", "0x10", "1,000", "nan", "1e3", "1.0", "-1", "+1",
                                 "9000000001", "99999999999999999999", "1 2"}) {
    EXPECT_THAT(Parse(text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         "f.txt:1: expected a number from 0 to 9000000000, got '" + text + "'"));
  }
}

TEST_F(ParseIntegerTest, IdsHoldNoBlanksOrControlCharacters) {
  OPENP5_EXPECT_OK(CheckId("007é", "an id", lines_));
  EXPECT_THAT(CheckId("", "an id", lines_),
              StatusIs(absl::StatusCode::kInvalidArgument, "f.txt:1: expected an id, got nothing"));
  EXPECT_THAT(CheckId("a\tb", "an id", lines_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "f.txt:1: expected an id without blanks and control characters, got "
                       "'a\\tb'"));
  EXPECT_THAT(CheckId("a\xe9", "an id", lines_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "f.txt:1: expected an id in UTF-8, got 'a\\351'"));
}

TEST(Utf8FromLatin1, TurnsHighBytesIntoTwo) { EXPECT_EQ(Utf8FromLatin1("caf\xe9 \xff"), "café ÿ"); }

}  // namespace
}  // namespace openp5::datasets
