#ifndef OPENP5_TESTS_CLI_SMALL_PIPELINE_H_
#define OPENP5_TESTS_CLI_SMALL_PIPELINE_H_

#include <memory>
#include <string>

#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5::testing {

// A folder with one of everything the program makes, as small as it may be, made once for all tests
// of a suite: data/Toy, data/index.rocksdb, tokenizer, model (a checkpoint), sasrec (a checkpoint)
// and huggingface (an export). Tests run shell scripts there; $D names the dataset in them.
class SmallPipelineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    const ProgramResult made = Run(
        "set -e\n"
        "$OPENP5 dataset generate --out data/Toy --users 12 --items 20 --groups 2 --mean-length 6 --seed 3\n"
        "$OPENP5 index build $D\n"
        "$OPENP5 tokenizer train $D --vocabulary-size 300 --out tokenizer\n"
        "$OPENP5 train $D --backbone preset:t5-tiny --tokenizer tokenizer --epochs 1 --threads 1"
        " --batch-size 16 --sample-prompt --sample-num 1 --run-dir run\n"
        "mv run/checkpoints/best model\n"
        "$OPENP5 train --model sasrec $D --epochs 1 --threads 1 --run-dir run2\n"
        "mv run2/checkpoints/best sasrec\n"
        "$OPENP5 checkpoint export --checkpoint model --out huggingface\n"
        "rm -r run run2\n");
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string Path(const std::string& name) { return folder_->File(name); }
  static ProgramResult Run(const std::string& script) {
    return RunShell("D='--data-dir data --datasets Toy'\n" + script, folder_->path());
  }

 private:
  inline static std::unique_ptr<TemporaryFolder> folder_;
};

}  // namespace openp5::testing

#endif  // OPENP5_TESTS_CLI_SMALL_PIPELINE_H_
