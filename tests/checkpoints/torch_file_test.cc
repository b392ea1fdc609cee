#include "checkpoints/torch_file.h"

#include <limits>

#include "tests/checkpoints/torch_bytes.h"

namespace openp5::checkpoints {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

const std::vector<float> kValues = {1, 2, 3, 4};

absl::StatusOr<NamedTensors> ReadBytes(const std::string& content) {
  TemporaryFolder folder;
  OPENP5_RETURN_IF_ERROR(WriteFileAtomic(folder.File("x.pt"), content));
  return ReadTorchStateDict(folder.File("x.pt"));
}

absl::StatusOr<NamedTensors> ReadOne(const TensorRecord& tensor) {
  return ReadBytes(
      MakeTorchZip(PickleDict({{"a", PickleTensor(tensor)}}), {{"0", BytesOf(kValues)}}));
}

std::string SmallZip() {
  return MakeTorchZip(PickleDict({{"a", PickleTensor({})}}), {{"0", BytesOf(kValues)}},
                      {.zip64 = true});
}

std::string SmallLegacy() {
  return MakeLegacyTorchFile(PickleDict({{"a", PickleTensor({.legacy = true})}}),
                             {{"0", Little(4, 8) + BytesOf(kValues)}});
}

TEST(TorchFileTest, ReadsBothFormats) {
  for (const std::string& content : {SmallZip(), SmallLegacy()}) {
    OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors tensors, ReadBytes(content));
    ASSERT_EQ(tensors.size(), 1u);
    EXPECT_EQ(tensors[0].first, "a");
    EXPECT_TRUE(SameBits(tensors[0].second, at::arange(1, 5, at::kFloat).view({2, 2})));
  }
}

TEST(TorchFileTest, SharedStorageStaysShared) {
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const NamedTensors tensors,
      ReadBytes(MakeTorchZip(
          PickleDict({{"whole", PickleTensor({})},
                      {"column", PickleTensor({.offset = 1, .sizes = {2}, .strides = {2}})}}),
          {{"0", BytesOf(kValues)}})));
  EXPECT_EQ(tensors[0].second.storage().data(), tensors[1].second.storage().data());
  EXPECT_TRUE(SameBits(tensors[1].second, tensors[0].second.select(1, 1)));
}

TEST(TorchFileTest, ParametersScalarsAndEmptyTensors) {
  const std::string parameter = PickleGlobal("torch._utils", "_rebuild_parameter") + "(" +
                                PickleTensor({}) + "\x88" +
                                PickleGlobal("collections", "OrderedDict") + ")RtR";
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const NamedTensors tensors,
      ReadBytes(MakeTorchZip(
          PickleDict({{"parameter", parameter},
                      {"scalar", PickleTensor({.offset = 3, .sizes = {}, .strides = {}})},
                      {"empty", PickleTensor({.sizes = {0, 7}, .strides = {7, 1}})}}),
          {{"0", BytesOf(kValues)}})));
  EXPECT_EQ(tensors[0].second.sizes(), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(tensors[1].second.item<float>(), 4);
  EXPECT_EQ(tensors[2].second.sizes(), (std::vector<int64_t>{0, 7}));
}

TEST(TorchFileTest, EveryTypeIsRead) {
  const std::vector<std::pair<std::string, at::Tensor>> cases = {
      {"HalfStorage", at::arange(4).to(at::kHalf)},
      {"BFloat16Storage", at::arange(4).to(at::kBFloat16)},
      {"LongStorage", at::arange(4)},
      {"BoolStorage", at::tensor({1, 0, 0, 1}).to(at::kBool)}};
  for (const auto& [storage, expected] : cases) {
    const std::string data(static_cast<const char*>(expected.const_data_ptr()), expected.nbytes());
    const TensorRecord tensor = {.storage = storage, .sizes = {4}, .strides = {1}};
    OPENP5_ASSERT_OK_AND_ASSIGN(
        const NamedTensors tensors,
        ReadBytes(MakeTorchZip(PickleDict({{"a", PickleTensor(tensor)}}), {{"0", data}})));
    EXPECT_TRUE(SameBits(tensors[0].second, expected)) << storage;
  }
}

TEST(TorchFileTest, TensorsMustFitTheirStorage) {
  const auto fails = [](const TensorRecord& tensor) {
    EXPECT_THAT(ReadOne(tensor), StatusIs(Code::kDataLoss, HasSubstr("tensor 'a': expected sizes, "
                                                                     "strides and offset within")));
  };
  constexpr int64_t kHuge = int64_t{1} << 60, kMost = std::numeric_limits<int64_t>::max();
  fails({.sizes = {kHuge}, .strides = {1}});
  fails({.sizes = {kHuge}, .strides = {0}});
  fails({.sizes = {kHuge, kHuge}, .strides = {0, 0}});
  fails({.sizes = {0, kHuge, kHuge}, .strides = {0, 0, 0}});
  fails({.offset = 1});
  fails({.offset = -1});
  fails({.offset = kMost, .sizes = {2}, .strides = {1}});
  fails({.sizes = {2, 2}, .strides = {kMost, kMost}});
  fails({.sizes = {2, 2}, .strides = {-2, 1}});
  fails({.sizes = {-2}, .strides = {1}});
  fails({.sizes = {2, 2}, .strides = {1}});
}

TEST(TorchFileTest, StoragesMustFitTheFile) {
  constexpr int64_t kHuge = int64_t{1} << 60;
  EXPECT_THAT(ReadOne({.elements = kHuge, .sizes = {kHuge}, .strides = {1}}),
              StatusIs(Code::kDataLoss, HasSubstr("storage '0': expected 4611686018427387904 "
                                                  "bytes, got 16")));
  EXPECT_THAT(ReadOne({.elements = std::numeric_limits<int64_t>::max()}),
              StatusIs(Code::kDataLoss, HasSubstr("storage '0': expected a possible size")));
  EXPECT_THAT(ReadOne({.elements = -1}),
              StatusIs(Code::kDataLoss, HasSubstr("expected a possible size")));
  EXPECT_THAT(ReadOne({.key = "1"}), StatusIs(Code::kDataLoss, HasSubstr("archive/data/1")));
  EXPECT_THAT(ReadBytes(MakeTorchZip(PickleDict({{"a", PickleTensor({})},
                                                 {"b", PickleTensor({.storage = "LongStorage"})}}),
                                     {{"0", BytesOf(kValues)}})),
              StatusIs(Code::kDataLoss, HasSubstr("expected one type and size")));
  const std::string huge =
      MakeLegacyTorchFile(PickleDict({{"a", PickleTensor({.elements = kHuge, .legacy = true})}}),
                          {{"0", Little(kHuge, 8) + BytesOf(kValues)}});
  EXPECT_THAT(ReadBytes(huge), StatusIs(Code::kDataLoss, HasSubstr("is the file cut off?")));
}

TEST(TorchFileTest, HostileGlobalsAreRefused) {
  const std::string call = PickleGlobal("os", "system") + PickleText("true") + "\x85R";
  for (const std::string& content :
       {MakeTorchZip(PickleDict({{"a", call}}), {}),
        MakeLegacyTorchFile(PickleDict({{"a", call}}), {}),
        MakeTorchZip(PickleDict({{"a", PickleTensor({.storage = "ComplexFloatStorage"})}}), {})}) {
    EXPECT_THAT(ReadBytes(content), StatusIs(Code::kInvalidArgument, HasSubstr("is refused")));
  }
}

// A plain dict of names and pickled values.
std::string PickleEntries(const ZipRecords& entries) {
  std::string bytes = "}(";
  for (const auto& [name, value] : entries) bytes += PickleText(name) + value;
  return bytes + "u";
}

TEST(TorchFileTest, StateDictsAreFoundAmongOtherThings) {
  const std::string dict = PickleEntries({{"a.weight", PickleTensor({})}});
  // Objects of classes that are not known: made by a call, with a state, and as a set or list.
  const std::string arguments = PickleGlobal("argparse", "Namespace") + ")\x81}" +
                                PickleText("lr") + "G" + Little(0, 8) + "sb";
  const std::string posix = PickleGlobal("posixpath", "PosixPath") + "(" + PickleText("a") + "tR";
  const std::string list = PickleGlobal("my.lists", "List") + ")\x81(K\1K\2e";
  const std::string optimizer = PickleEntries(
      {{"state", "}K\5}" + PickleText("exp_avg") + PickleTensor({}) + "ss"}, {"groups", "]"}});
  for (const char* name : {"state_dict", "model_state_dict", "model", "module", "net"}) {
    const std::string pickle =
        "\x80\x02" +
        PickleEntries({{"epoch", "K\3"},
                       {"optimizer", optimizer},
                       {"hyper_parameters", arguments},
                       {name, dict},
                       {"path", posix},
                       {"list", list},
                       {"set", PickleGlobal("builtins", "set") + "](K\1e\x85R"},
                       {"rng", PickleEntries({{"cpu", PickleTensor({})}})}}) +
        ".";
    OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors tensors,
                                ReadBytes(MakeTorchZip(pickle, {{"0", BytesOf(kValues)}})));
    ASSERT_EQ(tensors.size(), 1u) << name;
    EXPECT_EQ(tensors[0].first, "a.weight");
    EXPECT_TRUE(SameBits(tensors[0].second, at::arange(1, 5, at::kFloat).view({2, 2})));
  }
}

TEST(TorchFileTest, StateDictsThatDisagreeAreRefused) {
  const auto read = [](const TensorRecord& other) {
    return ReadBytes(
        MakeTorchZip("\x80\x02" +
                         PickleEntries({{"model", PickleEntries({{"a.b", PickleTensor({})}})},
                                        {"ema", PickleEntries({{"a.b", PickleTensor(other)}})}}) +
                         ".",
                     {{"0", BytesOf(kValues)}, {"1", BytesOf(std::vector<float>{1, 2, 3, 5})}}));
  };
  OPENP5_EXPECT_OK(read({}));
  EXPECT_THAT(read({.key = "1"}),
              StatusIs(Code::kInvalidArgument, HasSubstr("got 'model' and 'ema', which disagree")));
}

TEST(TorchFileTest, WholeModelsAreRefusedByTheirClass) {
  const std::string model = PickleGlobal("transformers.models.t5", "T5") + ")\x81}b";
  EXPECT_THAT(
      ReadBytes(MakeTorchZip("\x80\x02" + model + ".", {})),
      StatusIs(Code::kInvalidArgument, HasSubstr("global 'transformers.models.t5.T5' is refused")));
  EXPECT_THAT(
      ReadBytes(MakeTorchZip("\x80\x02" + PickleEntries({{"model", model}}) + ".", {})),
      StatusIs(Code::kInvalidArgument, HasSubstr("tensor 'model': global 'transformers.models")));
}

TEST(TorchFileTest, OtherPicklesAreRefused) {
  const auto refused = [](const std::string& pickle, Code code, const std::string& message) {
    EXPECT_THAT(ReadBytes(MakeTorchZip(pickle, {{"0", BytesOf(kValues)}})),
                StatusIs(code, HasSubstr(message)));
  };
  refused("\x80\x02].", Code::kInvalidArgument, "expected a state dict, got a list");
  refused(PickleDict({{"epoch", "K\1"}}), Code::kInvalidArgument,
          "tensor 'epoch': expected a tensor, got an integer");
  refused(PickleDict({{"a", "}q\1K\1h\1s"}}), Code::kInvalidArgument, "expected a tensor");
  refused(PickleDict({{"a", PickleTensor({})}, {"a", PickleTensor({})}}), Code::kDataLoss,
          "tensor 'a': expected it once");
  refused("\x80\x02}K\1K\2s.", Code::kInvalidArgument, "expected names");
  refused("\x80\x02}K\1K\2Qs.", Code::kDataLoss, "storage's id");
  refused(PickleDict({{"a", PickleGlobal("torch._utils", "_rebuild_tensor_v2") + ")R"}}),
          Code::kDataLoss, "expected storage, offset, sizes and strides");
  refused(PickleDict({{"a", PickleStorage({})}}), Code::kInvalidArgument,
          "expected a tensor, got a storage");
}

TEST(TorchFileTest, OtherFilesAreRefused) {
  EXPECT_THAT(ReadBytes(""), StatusIs(Code::kInvalidArgument, HasSubstr("got 0 bytes")));
  EXPECT_THAT(ReadBytes("hello"), StatusIs(Code::kInvalidArgument, HasSubstr("something else")));
  EXPECT_THAT(ReadBytes("\x80\x02N."), StatusIs(Code::kInvalidArgument, HasSubstr("torch.save")));
  EXPECT_THAT(ReadBytes(MakeZip({{"a", "b"}})), StatusIs(Code::kDataLoss, HasSubstr("data.pkl")));
  EXPECT_THAT(ReadBytes(SmallLegacy() + "x"), StatusIs(Code::kDataLoss, HasSubstr("1 more bytes")));
  EXPECT_THAT(ReadTorchStateDict("/no/such/file"),
              StatusIs(Code::kNotFound, HasSubstr("/no/such/file")));
}

TEST(TorchFileTest, TruncatedAtEveryOffset) {
  TemporaryFolder folder;
  ExpectEveryTruncationFails(ReadTorchStateDict, folder.File("cut.pt"), SmallZip());
  ExpectEveryTruncationFails(ReadTorchStateDict, folder.File("cut.pt"), SmallLegacy());
}

TEST(TorchFileTest, FlippedAtEveryOffset) {
  TemporaryFolder folder;
  ExpectFlipsAreHandled(ReadTorchStateDict, folder.File("flip.pt"), SmallZip(), 1);
  ExpectFlipsAreHandled(ReadTorchStateDict, folder.File("flip.pt"), SmallLegacy(), 1);
}

}  // namespace
}  // namespace openp5::checkpoints
