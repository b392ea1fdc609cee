#include "platform/tensor/safetensors.h"

#include <limits>

#include "tests/platform/tensor/bytes.h"

namespace openp5 {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

NamedTensors SomeTensors() {
  at::Tensor odd = at::arange(6, at::kFloat).view({2, 3}).clone();
  odd[0][0] = std::numeric_limits<float>::quiet_NaN();
  odd[0][1] = -0.0;
  return {{"weight", odd},
          {"transposed", odd.t()},
          {"half", at::arange(3).to(at::kHalf)},
          {"brain", at::arange(5).to(at::kBFloat16)},
          {"long", at::tensor({int64_t{-1}, std::numeric_limits<int64_t>::max()})},
          {"int", at::arange(3).to(at::kInt)},
          {"short", at::arange(3).to(at::kShort)},
          {"char", at::arange(3).to(at::kChar)},
          {"byte", at::arange(3).to(at::kByte)},
          {"bool", at::arange(2).to(at::kBool)},
          {"double", at::full({}, 0.5, at::kDouble)},
          {"empty", at::empty({0, 4})}};
}

std::string FileOf(const std::string& header, const std::string& data) {
  return Little(header.size(), 8) + header + data;
}

absl::Status ReadBytes(const std::string& content) {
  TemporaryFolder folder;
  OPENP5_RETURN_IF_ERROR(WriteFileAtomic(folder.File("x"), content));
  return ReadSafetensors(folder.File("x")).status();
}

std::string Header(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

TEST(SafetensorsTest, EveryTypeComesBackBitByBit) {
  TemporaryFolder folder;
  const NamedTensors written = SomeTensors();
  OPENP5_ASSERT_OK(WriteSafetensors(folder.File("a"), written, {{"format", "pt"}}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors read, ReadSafetensors(folder.File("a")));
  ASSERT_EQ(read.size(), written.size());
  for (const auto& [name, tensor] : written) {
    const at::Tensor* found = FindTensor(read, name);
    ASSERT_NE(found, nullptr) << name;
    EXPECT_TRUE(SameBits(tensor, *found)) << name;
  }
}

TEST(SafetensorsTest, KeepsTheOrderOfTensorsOfOneType) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteSafetensors(
      folder.File("a"),
      {{"z", at::ones({2})}, {"flag", at::ones({3}, at::kByte)}, {"a", at::ones({1})}}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors read, ReadSafetensors(folder.File("a")));
  std::vector<std::string> names;
  for (const auto& [name, tensor] : read) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("z", "a", "flag"));
}

TEST(SafetensorsTest, WritesTheSameBytesEveryTime) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteSafetensors(folder.File("a"), SomeTensors(), {{"b", "1"}, {"a", "2"}}));
  OPENP5_ASSERT_OK(WriteSafetensors(folder.File("b"), SomeTensors(), {{"a", "2"}, {"b", "1"}}));
  EXPECT_EQ(*ReadFile(folder.File("a")), *ReadFile(folder.File("b")));
}

TEST(SafetensorsTest, BytesAreThoseOfTheFormat) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteSafetensors(folder.File("a"), {{"a", at::arange(2, at::kFloat)}}));
  std::string header = Header("\"F32\"", "[2]", "[0,8]");
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(*ReadFile(folder.File("a")), FileOf(header, BytesOf<float>({0, 1})));
}

TEST(SafetensorsTest, NothingButMetadataIsAnEmptyFile) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteSafetensors(folder.File("a"), {}, {{"k", "v"}}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors read, ReadSafetensors(folder.File("a")));
  EXPECT_TRUE(read.empty());
}

TEST(SafetensorsTest, AbsentFileIsNotFound) {
  EXPECT_THAT(ReadSafetensors("/no/such/file"), StatusIs(Code::kNotFound, HasSubstr("/no/such")));
}

TEST(SafetensorsTest, HeaderSizeIsCheckedAgainstTheFile) {
  EXPECT_THAT(ReadBytes(""), StatusIs(Code::kDataLoss, HasSubstr("got 0 bytes")));
  EXPECT_THAT(ReadBytes(Little(~0ULL, 8)), StatusIs(Code::kDataLoss, HasSubstr("at most 0 bytes")));
  EXPECT_THAT(ReadBytes(Little(3, 8) + "{}"), StatusIs(Code::kDataLoss, HasSubstr("got size 3")));
}

TEST(SafetensorsTest, MalformedHeadersAreRefused) {
  const auto fails = [](const std::string& header, const std::string& message) {
    EXPECT_THAT(ReadBytes(FileOf(header, std::string(8, '\0'))),
                StatusIs(Code::kDataLoss, HasSubstr(message)))
        << header.substr(0, 80);
  };
  fails("{", "syntax error at byte");
  fails("[]", "expected a JSON object");
  fails(std::string(100000, '['), "nested at most 3 deep");
  fails(R"({"a":{"dtype":"F32","dtype":"F32"}})", "'dtype' twice");
  fails(R"({"a":{},"a":{}})", "'a' twice");
  fails(R"({"a":1})", "expected an object with dtype, shape and data_offsets");
  fails(Header("\"F32\"", "[-2]", "[0,8]"), "sizes of at least 0, got -2");
  fails(Header("\"F32\"", "[2.0]", "[0,8]"), "sizes of at least 0, got 2.0");
  fails(Header("\"F32\"", "2", "[0,8]"), "expected a list");
  fails(Header("\"F32\"", "[2]", "[8,0]"), "expected [begin, end], got [8,0]");
  fails(Header("\"F32\"", "[2]", "[0]"), "expected [begin, end]");
  fails(Header("\"F32\"", "[3]", "[0,8]"), "expected 12 bytes for dtype and shape, got 8");
  fails(Header("\"F32\"", "[4294967296,4294967296]", "[0,8]"), "expected a possible size");
  fails(Header("\"F32\"", "[0,4611686018427387904,4]", "[0,0]"), "expected a possible size");
  fails(Header("\"F32\"", "[1]", "[0,4]"), "expected 4 bytes of data, got 8");
  fails(Header("\"F32\"", "[1]", "[4,8]"), "to begin at byte 0, got 4");
  fails(Header("\"F32\"", "[1152921504606846975]", "[0,4611686018427387900]"), "cut off");
}

TEST(SafetensorsTest, OverlappingTensorsAreRefused) {
  const std::string one = R"({"dtype":"U8","shape":[5],"data_offsets":[0,5]})";
  const std::string two = R"({"dtype":"U8","shape":[5],"data_offsets":[3,8]})";
  EXPECT_THAT(ReadBytes(FileOf(R"({"a":)" + one + R"(,"b":)" + two + "}", std::string(8, '\0'))),
              StatusIs(Code::kDataLoss,
                       AllOf(HasSubstr("tensor 'b'"), HasSubstr("begin at byte 5, got 3"))));
}

TEST(SafetensorsTest, UnknownTypesAreRefusedByName) {
  EXPECT_THAT(ReadBytes(FileOf(Header("\"F8_E4M3\"", "[8]", "[0,8]"), std::string(8, '\0'))),
              StatusIs(Code::kInvalidArgument, HasSubstr("got F8_E4M3")));
  EXPECT_THAT(ReadBytes(FileOf(Header("\"BOOL\"", "[8]", "[0,8]"), std::string(8, '\2'))),
              StatusIs(Code::kDataLoss, HasSubstr("bools 0 or 1, got 2")));
}

// A tensor large enough to be a view of the file: it outlives the file's name, and what is written
// to it never reaches the file.
TEST(SafetensorsTest, LargeTensorsAreViewsOfTheFile) {
  TemporaryFolder folder;
  const std::string path = folder.File("large");
  const at::Tensor large = at::arange(400'000, at::kFloat);
  OPENP5_ASSERT_OK(WriteSafetensors(path, {{"large", large}, {"small", at::ones({3})}}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors first, ReadSafetensors(path));
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors second, ReadSafetensors(path));
  first[0].second.add_(1);
  EXPECT_TRUE(SameBits(first[0].second, large + 1));
  EXPECT_TRUE(SameBits(second[0].second, large));
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors third, ReadSafetensors(path));
  EXPECT_TRUE(SameBits(third[0].second, large));
  std::filesystem::remove(path);
  EXPECT_TRUE(SameBits(third[0].second, large));
}

TEST(SafetensorsTest, TruncatedAtEveryOffset) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteSafetensors(
      folder.File("a"), {{"one", at::ones({3})}, {"two", at::ones({2}, at::kBFloat16)}}));
  ExpectEveryTruncationFails(ReadSafetensors, folder.File("cut"), *ReadFile(folder.File("a")));
}

TEST(SafetensorsTest, FlippedAtEveryOffset) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteSafetensors(
      folder.File("a"), {{"one", at::ones({3})}, {"two", at::ones({2}, at::kBFloat16)}}));
  ExpectFlipsAreHandled(ReadSafetensors, folder.File("flip"), *ReadFile(folder.File("a")), 1);
}

TEST(SafetensorsTest, WhatCannotBeWrittenIsRefusedAndLeavesNothing) {
  TemporaryFolder folder;
  const at::Tensor one = at::ones({1});
  const auto write = [&](const NamedTensors& tensors) {
    return WriteSafetensors(folder.File("a"), tensors);
  };
  EXPECT_THAT(write({{"a", one}, {"a", one}}),
              StatusIs(Code::kInvalidArgument, HasSubstr("every name once")));
  EXPECT_THAT(write({{"__metadata__", one}}),
              StatusIs(Code::kInvalidArgument, HasSubstr("every name once")));
  EXPECT_THAT(write({{"a", at::Tensor()}}),
              StatusIs(Code::kInvalidArgument, HasSubstr("got no tensor")));
  EXPECT_THAT(write({{"a", one.to(at::kComplexFloat)}}),
              StatusIs(Code::kInvalidArgument, HasSubstr("got ComplexFloat")));
  EXPECT_THAT(write({{"\xff", one}}), StatusIs(Code::kInvalidArgument, HasSubstr("UTF-8")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SafetensorsTest, FailedWriteLeavesTheOldFile) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteSafetensors(folder.File("a"), {{"a", at::ones({1})}}));
  const std::string before = *ReadFile(folder.File("a"));
  EXPECT_FALSE(WriteSafetensors(folder.File("a"), {{"\xff", at::ones({1})}}).ok());
  EXPECT_EQ(*ReadFile(folder.File("a")), before);
  EXPECT_THAT(WriteSafetensors(folder.File("no/a"), {}),
              StatusIs(Code::kNotFound, HasSubstr("no/a")));
}

}  // namespace
}  // namespace openp5
