#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::openp5::testing::Arguments;
using ::openp5::testing::ExpectFailure;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::RunProgram;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::operator+;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Lists in lists, three million of them: a reader that calls itself for each needs more stack than
// there is.
const std::string& Deep() {
  static const std::string deep = std::string(3'000'000, '[') + std::string(3'000'000, ']');
  return deep;
}

// {"NAME": [[[…]]]}, and what else the object says.
std::string DeepObject(const std::string& name, const std::string& more = "") {
  return StrCat("{", more, more.empty() ? "" : ",", "\"", name, "\":", Deep(), "}");
}

// One of every file of JSON that the program reads, made by the program itself.
class DeepJson : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    ExpectSuccess(RunProgram({"dataset", "generate", "--out", Path("data/Toy"), "--users", "40",
                              "--items", "60", "--groups", "5"}));
    ExpectSuccess(RunProgram(Arguments{"index", "build", "--indexing", "sequential"} + Data()));
    ExpectSuccess(RunProgram(
        Arguments{"tokenizer", "train", "--out", Path("tokenizer"), "--vocabulary-size", "300"} +
        Data()));
    ExpectSuccess(RunProgram(Train("run")));
    ExpectSuccess(RunProgram({"checkpoint", "export", "--checkpoint", Path("run/checkpoints/best"),
                              "--to", "huggingface", "--out", Path("hf")}));
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string Path(const std::string& name) { return folder_->File(name); }
  static Arguments Data() { return {"--data-dir", Path("data"), "--datasets", "Toy"}; }
  static Arguments Train(const std::string& run) {
    return Arguments{"train",       "--run-dir",       Path(run),  "--backbone", "preset:t5-tiny",
                     "--tokenizer", Path("tokenizer"), "--epochs", "1",          "--max-steps",
                     "2",           "--threads",       "1"} +
           Data();
  }
  static Arguments Evaluate(const std::string& checkpoint) {
    return Arguments{"evaluate", "--checkpoint", checkpoint, "--indexing", "sequential"} + Data();
  }

  // A copy of a folder above, with one file replaced by `content`.
  static std::string With(const std::string& folder, const std::string& file,
                          const std::string& content) {
    const std::string copy = Path("copy");
    fs::remove_all(copy);
    fs::copy(Path(folder), copy, fs::copy_options::recursive);
    EXPECT_TRUE(WriteFileAtomic(JoinPath(copy, file), content).ok());
    return copy;
  }

  static void ExpectTooDeep(const Arguments& arguments, const std::string& file) {
    ExpectFailure(RunProgram(arguments), 1, AllOf(HasSubstr(file), HasSubstr("nested at most")));
  }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> DeepJson::folder_;

TEST_F(DeepJson, OfATokenizer) {
  const auto inspect = [](const std::string& folder) {
    return Arguments{"tokenizer", "inspect", "--tokenizer", folder};
  };
  ExpectTooDeep(inspect(With("tokenizer", "tokenizer_config.json", DeepObject("extra_ids"))),
                "copy/tokenizer_config.json");
  const std::string folder = Path("byte_level");
  fs::remove_all(folder);
  fs::copy(std::string(OPENP5_SOURCE_DIR) + "/tests/platform/text/fixtures/llama3", folder);
  ExpectSuccess(RunProgram(inspect(folder)));
  ExpectTooDeep(inspect(With("byte_level", "tokenizer_config.json", DeepObject("eos_token"))),
                "copy/tokenizer_config.json");
  ExpectTooDeep(inspect(With("byte_level", "tokenizer.json", DeepObject("model"))),
                "copy/tokenizer.json");
}

TEST_F(DeepJson, OfADataset) {
  const std::string folder =
      With("data/Toy", "dataset.json", DeepObject("first_time", "\"format\":\"openp5-dataset\""));
  ExpectTooDeep({"dataset", "inspect", "--data-dir", Path(""), "--datasets", "copy"},
                "copy/dataset.json");
  // It is then no dataset of ours, and not overwritten.
  ExpectFailure(RunProgram({"dataset", "generate", "--out", folder, "--users", "40", "--items",
                            "60", "--groups", "5"}),
                2, HasSubstr("a folder with other files, such as dataset.json"));
}

TEST_F(DeepJson, OfRawLines) {
  OPENP5_ASSERT_OK(WriteFileAtomic(Path("raw.jsonl"), DeepObject("user") + "\n"));
  ExpectFailure(RunProgram({"dataset", "prepare", "jsonl", "--raw", Path("raw.jsonl"), "--out",
                            Path("prepared"), "--user-col", "user", "--item-col", "item"}),
                1, AllOf(HasSubstr("raw.jsonl:1"), HasSubstr("at most 64 levels")));
}

TEST_F(DeepJson, OfACheckpoint) {
  ExpectSuccess(RunProgram(Evaluate(With("run/checkpoints/best", "note.txt", ""))));
  ExpectTooDeep(Evaluate(With("run/checkpoints/best", "manifest.json", DeepObject("format"))),
                "copy/manifest.json");
}

// The digests are right, as those of a hostile checkpoint are.
TEST_F(DeepJson, OfACheckpointsIndex) {
  OPENP5_ASSERT_OK_AND_ASSIGN(std::string bytes,
                              ReadFile(Path("run/checkpoints/best/items.index")));
  const auto number = [](size_t value) {
    std::string text;
    for (int i = 0; i < 4; ++i) text.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
    return text;
  };
  constexpr size_t kHeader = 16, kDigest = 64;
  size_t size = 0;  // of the parameters
  for (size_t i = 4; i-- > 0;) size = size << 8 | static_cast<unsigned char>(bytes[kHeader + i]);
  const std::string parameters = DeepObject("seed");
  bytes.replace(kHeader, 4 + size, number(parameters.size()) + parameters);
  bytes.resize(bytes.size() - kDigest);
  bytes += Sha256Of(bytes);
  const std::string copy = With("run/checkpoints/best", "items.index", bytes);
  OPENP5_ASSERT_OK_AND_ASSIGN(Json manifest, ReadJsonObject(JoinPath(copy, "manifest.json")));
  manifest.erase("manifest_sha256");  // as in a manifest of an older version
  manifest["files"]["items.index"] = {{"size", bytes.size()}, {"sha256", Sha256Of(bytes)}};
  OPENP5_ASSERT_OK(WriteJson(JoinPath(copy, "manifest.json"), manifest));
  ExpectTooDeep(Evaluate(copy), "copy/items.index");
}

TEST_F(DeepJson, OfAHuggingFaceFolder) {
  ExpectSuccess(RunProgram(Evaluate(With("hf", "note.txt", ""))));
  ExpectTooDeep(Evaluate(With("hf", "config.json", DeepObject("d_model"))), "copy/config.json");
  const std::string copy = With("hf", "model.safetensors.index.json", DeepObject("weight_map"));
  fs::remove(JoinPath(copy, "model.safetensors"));
  ExpectTooDeep(Evaluate(copy), "copy/model.safetensors.index.json");
}

TEST_F(DeepJson, OfASafetensorsHeader) {
  std::string header = DeepObject("a"), size;
  for (int i = 0; i < 8; ++i) {
    size.push_back(static_cast<char>(uint64_t{header.size()} >> (8 * i) & 0xFF));
  }
  ExpectTooDeep(Evaluate(With("hf", "model.safetensors", size + header)), "copy/model.safetensors");
}

TEST_F(DeepJson, OfAnAdapter) {
  const std::string copy = With("hf", "adapter_config.json", DeepObject("peft_type"));
  fs::rename(JoinPath(copy, "model.safetensors"), JoinPath(copy, "adapter_model.safetensors"));
  fs::remove(JoinPath(copy, "config.json"));
  ExpectTooDeep(Evaluate(copy) + Arguments{"--backbone", Path("hf")}, "copy/adapter_config.json");
}

TEST_F(DeepJson, OfARunFolder) {
  With("run", "run.json", DeepObject("zz"));
  ExpectTooDeep(Train("copy") + Arguments{"--resume"}, "copy/run.json");
}

TEST_F(DeepJson, OfASweep) {
  OPENP5_ASSERT_OK(WriteFileAtomic(Path("sweep.ini"), "lr = 1e-3, 1e-4\n"));
  const Arguments sweep = Arguments{"sweep",
                                    "--sweep-file",
                                    Path("sweep.ini"),
                                    "--out",
                                    Path("sweep"),
                                    "--backbone",
                                    "preset:t5-tiny",
                                    "--tokenizer",
                                    Path("tokenizer"),
                                    "--max-steps",
                                    "1",
                                    "--threads",
                                    "1"} +
                          Data();
  ExpectSuccess(RunProgram(sweep));
  OPENP5_ASSERT_OK(WriteFileAtomic(Path("sweep/sweep.json"), DeepObject("trials")));
  ExpectTooDeep(sweep, "sweep/sweep.json");
}

}  // namespace
}  // namespace openp5
