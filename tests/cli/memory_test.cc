#include <nlohmann/json.hpp>
#include <regex>

#include "platform/base/file.h"
#include "tests/cli/small_pipeline.h"

namespace openp5::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class MemoryTest : public SmallPipelineTest {
 protected:
  static Arguments Data() { return {"--data-dir", Path("data"), "--datasets", "Toy"}; }
  static Arguments Train(const std::string& run) {
    return Arguments{"train", "--threads", "1", "--epochs", "1", "--run-dir", Path(run)} + Data();
  }

  // The bytes that a command said it would need.
  static double Estimate(const ProgramResult& result, const std::string& what) {
    const std::regex line(what + ": needs about ([0-9.]+) (MiB|GiB) of memory");
    std::smatch found;
    if (!std::regex_search(result.err, found, line)) return 0;
    return std::stod(found[1]) * (found[2] == "GiB" ? 1 << 30 : 1 << 20);
  }
  // Within a quarter of what the same command had at its peak.
  static void ExpectClose(const ProgramResult& result, const std::string& what) {
    ExpectSuccess(result);
    const auto peak = static_cast<double>(result.peak_memory);
    EXPECT_GT(Estimate(result, what), 0.75 * peak) << result.err;
    EXPECT_LT(Estimate(result, what), 1.25 * peak) << result.err;
    // One line is said of it.
    const std::string after = result.err.substr(result.err.find("needs about") + 1);
    EXPECT_THAT(after, Not(HasSubstr("needs about")));
  }
  // Whether the program has the allocator that the numbers hold for.
  static bool HasJemalloc() {
    const std::string run = Path("allocator");
    ExpectSuccess(RunProgram(Train("allocator") + Arguments{"--model", "sasrec"}));
    const Json record = Json::parse(ReadFile(run + "/run.json").value_or("{}"));
    return record.dump().find("jemalloc") != std::string::npos;
  }
};

TEST_F(MemoryTest, IsWhatTheCommandsSayBefore) {
  if (!HasJemalloc()) {
    GTEST_SKIP() << "the program is linked with another allocator than jemalloc";
  }
  ExpectClose(RunProgram(Train("small") + Arguments{"--model", "sasrec"}), "training");
  const Arguments t5 = {
      "--backbone", "preset:t5-mini", "--tokenizer", Path("tokenizer"), "--batch-size",
      "32",         "--valid-select", "none"};
  // Activations are most of it.
  ExpectClose(RunProgram(Train("middle") + t5 + Arguments{"--max-steps", "4"}), "training");
  const Arguments evaluate = Arguments{"evaluate", "--threads", "1"} + Data();
  ExpectClose(RunProgram(evaluate + Arguments{"--checkpoint", Path("small/checkpoints/best")}),
              "evaluation");
  const Arguments middle = {"--checkpoint", Path("middle/checkpoints/best")};
  ExpectClose(RunProgram(evaluate + middle + Arguments{"--beams", "50"}), "evaluation");
  ExpectClose(
      RunProgram(Arguments{"recommend", "--threads", "1", "--user", "u1"} + Data() + middle),
      "recommendation");
}

}  // namespace
}  // namespace openp5::testing
