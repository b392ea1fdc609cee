#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"
#include "datasets/sequences.h"
#include "datasets/table/table.h"
#include "platform/app/command.h"
#include "platform/base/child_process.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/base/shell_command.h"
#include "platform/base/signals.h"
#include "platform/base/standard_streams.h"
#include "platform/config/command_line.h"

namespace openp5::app {
namespace {

constexpr char kDemo[] = "demo";
constexpr char kSequences[] = "user_sequence.txt";
// What says that a folder is one of `openp5 run`: a file a step, with the command it ran.
constexpr char kStepsFolder[] = ".openp5-run";
// History, then item: the fewest tokens, so that a small model learns most in little time.
constexpr char kPrompts[] =
    "sequential; seen; {history}; {dataset} {target}\n"
    "sequential; unseen; after {history}; {dataset} {target}\n";

struct RunOptions {
  std::string data = kDemo;
  std::string name;
  std::string kind = "generative";
  std::string out;
  int64_t epochs = 0;
  int64_t seed = 1;

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "data",
                   .help = "what to learn from: a file of your own (.csv, .tsv, .jsonl or .inter), "
                           "a dataset folder with user_sequence.txt, or demo, a dataset made up"},
                  &data);
    visitor.Visit({.name = "name",
                   .help = "what the dataset is called in prompts (default: the file's name)"},
                  &name);
    visitor.Visit({.name = "kind",
                   .help = "what is trained: a language model that writes identifiers, or a SASRec",
                   .choices = {"generative", "sasrec"}},
                  &kind);
    visitor.Visit(
        {.name = "out", .help = "folder for everything; the same command goes on where it stopped"},
        &out);
    visitor.Visit({.name = "epochs",
                   .help = "passes over the data; 0: as many as suit its size",
                   .minimum = 0,
                   .maximum = 1e6},
                  &epochs);
    visitor.Visit({.name = "seed", .help = "seed of everything random", .minimum = 0}, &seed);
  }
};

// One command of the program, and why it is so.
struct Step {
  std::string name;
  std::vector<std::string> words;
  std::string why = {};
};

using Words = std::vector<std::string>;

Words operator+(Words left, const Words& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

// Everything that a run makes, by place.
class Layout {
 public:
  explicit Layout(const RunOptions& options) : options_(options) {}

  bool is_folder() const { return FileExists(JoinPath(options_.data, kSequences)); }
  std::string name() const {
    if (is_folder()) return BaseName(FullPath());
    if (!options_.name.empty()) return options_.name;
    if (options_.data == kDemo) return "Demo";
    return std::filesystem::path(options_.data).stem().string();
  }
  std::string data_dir() const {
    if (!is_folder()) return Path("data");
    return DirectoryName(FullPath());
  }
  std::string Path(const std::string& file) const { return JoinPath(options_.out, file); }
  std::string dataset() const { return JoinPath(data_dir(), name()); }
  std::string best() const { return Path("run/checkpoints/best"); }
  Words Data() const { return {"--data-dir", data_dir(), "--datasets", name()}; }

 private:
  // A dataset folder's, without a slash at the end.
  std::string FullPath() const {
    std::string path = std::filesystem::absolute(options_.data).lexically_normal().string();
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
  }

  const RunOptions& options_;
};

// How the dataset is made; nothing if it is there. `given` are options for the user's own file.
absl::StatusOr<std::optional<Step>> PrepareStep(const RunOptions& options, const Layout& layout,
                                                const Words& given) {
  if (layout.is_folder()) return std::nullopt;
  if (options.data == kDemo) {
    return Step{"dataset", {"dataset", "generate", "--out", layout.dataset()}};
  }
  if (!FileExists(options.data)) {
    return NotFound("--data: expected a file, a folder with ", kSequences, ", or ", kDemo,
                    "; got '", OneLine(options.data), "'");
  }
  const std::string extension = std::filesystem::path(options.data).extension().string();
  const std::vector<std::string>& formats = datasets::TableFormats();
  const std::string format = extension.empty() ? "" : extension.substr(1);
  if (std::find(formats.begin(), formats.end(), format) == formats.end()) {
    return UsageError(StrCat("--data: ", options.data,
                             ": expected a name that ends in .csv, .tsv, "
                             ".jsonl or .inter; hint: `openp5 dataset prepare` takes any name"));
  }
  return Step{"dataset", Words{"dataset", "prepare", format, "--raw", options.data, "--out",
                               layout.dataset()} +
                             given};
}

// Small data is passed over more often, with more noise.
struct Sizes {
  bool small = false;
  std::string text;

  explicit Sizes(const datasets::SequenceDataset& dataset)
      : small(dataset.interaction_count() < 100'000),
        text(absl::StrFormat("%d users, %d items, %d interactions", dataset.user_count(),
                             dataset.item_count(), dataset.interaction_count())) {}
};

std::vector<Step> SasrecSteps(const RunOptions& options, const Layout& layout, const Sizes& sizes) {
  const int64_t epochs = options.epochs > 0 ? options.epochs : 80;
  return {{"train",
           Words{"train", "--model", "sasrec"} + layout.Data() +
               Words{"--sasrec-heads",
                     "2",
                     "--epochs",
                     StrCat(epochs),
                     "--patience",
                     "12",
                     "--batch-size",
                     sizes.small ? "64" : "128",
                     "--lr",
                     sizes.small ? "0.002" : "0.001",
                     "--dropout",
                     "0.5",
                     "--weight-decay",
                     "0",
                     "--valid-select",
                     "hit@10",
                     "--eval-batch-size",
                     "100",
                     "--seed",
                     StrCat(options.seed),
                     "--run-dir",
                     layout.Path("run"),
                     "--resume"},
           StrCat("cross entropy over all items; stops when twelve epochs bring nothing (",
                  sizes.text, ")")}};
}

std::vector<Step> GenerativeSteps(const RunOptions& options, const Layout& layout,
                                  const Sizes& sizes) {
  const Words index = {"--indexing", "sequential", "--index-db", layout.Path("index.rocksdb")};
  const Words read = {"--prompt-file", layout.Path("prompts.txt"), "--history-separator", " "};
  const int64_t epochs = options.epochs > 0 ? options.epochs : (sizes.small ? 25 : 12);
  return {{"index", Words{"index", "build"} + layout.Data() + index,
           "items that are taken together get numbers near each other"},
          {"tokenizer",
           Words{"tokenizer", "train"} + layout.Data() + index + read +
               Words{"--causal", "--whole-words", "--model-type", "bpe", "--vocabulary-size",
                     "30000", "--sentences", "200000", "--out", layout.Path("tokenizer")},
           "a frequent item is one token"},
          {"train",
           Words{"train"} + layout.Data() + index + read +
               Words{"--backbone",
                     "preset:llama-tiny",
                     "--tokenizer",
                     layout.Path("tokenizer"),
                     "--random-initialize",
                     "--max-history",
                     "50",
                     "--pack-targets",
                     sizes.small ? "25" : "50",
                     "--epochs",
                     StrCat(epochs),
                     "--patience",
                     "4",
                     "--batch-size",
                     sizes.small ? "16" : "64",
                     "--lr",
                     sizes.small ? "0.001" : "0.0015",
                     "--dropout",
                     sizes.small ? "0.5" : "0.2",
                     "--valid-select",
                     "hit@10",
                     "--seed",
                     StrCat(options.seed),
                     "--run-dir",
                     layout.Path("run"),
                     "--resume"},
           StrCat("a small Llama from random weights, all targets of a user in one pass (",
                  sizes.text, ")")}};
}

Step EvaluateStep(const Layout& layout) {
  return {"evaluate",
          Words{"evaluate", "--checkpoint", layout.best()} + layout.Data() +
              Words{"--filtered", "--baseline", "popularity,item-knn,transitions"},
          "items a user has had are left out, for the model and for the baselines"};
}

// Shows the command as one types it, runs it, and waits. The status of a failure has no message:
// the command has said what was wrong.
absl::Status RunStep(const Step& step) {
  const std::string shown = ShellCommand(Words{"openp5"} + step.words);
  if (!step.why.empty()) LogInfo(StrCat(step.name, ": ", step.why));
  OPENP5_RETURN_IF_ERROR(WriteStandardOutput(StrCat("\n$ ", shown, "\n")));
  OPENP5_RETURN_IF_ERROR(FlushStandardOutput());
  OPENP5_ASSIGN_OR_RETURN(ChildProcess child,
                          ChildProcess::Start({.program = "/proc/self/exe",
                                               .arguments = Words{"openp5"} + step.words}));
  ChildProcesses children;
  children.Add(0, std::move(child));
  if (children.Wait()->exit_code == 0) return absl::OkStatus();
  if (TerminationSignal() != 0) return absl::CancelledError("");
  return FailedPrecondition("run: step ", step.name,
                            " failed; the same `openp5 run` goes on there");
}

// The same, unless the very command was done before.
absl::Status RunStepOnce(const Step& step, const Layout& layout) {
  const std::string done = JoinPath(layout.Path(kStepsFolder), step.name);
  const std::string command = ShellCommand(step.words);
  if (ReadFile(done).value_or("") == command) {
    LogInfo(StrCat(step.name, ": done already"));
    return absl::OkStatus();
  }
  OPENP5_RETURN_IF_ERROR(RunStep(step));
  return WriteFileAtomic(done, command);
}

// A new or empty folder, or an earlier run's.
absl::Status CheckOut(const RunOptions& options, const Layout& layout) {
  std::error_code error;
  const bool is_new =
      !std::filesystem::exists(options.out, error) || std::filesystem::is_empty(options.out, error);
  if (is_new || IsDirectory(layout.Path(kStepsFolder))) return absl::OkStatus();
  return UsageError(
      StrCat("--out: ", options.out, ": expected a new folder, or one of an earlier `openp5 run`"));
}

absl::Status PrintNext(const RunOptions& options, const Layout& layout,
                       const datasets::SequenceDataset& dataset) {
  const Words recommend = Words{"openp5", "recommend", "--checkpoint", layout.best()} +
                          layout.Data() + Words{"--user", std::string(dataset.UserId(0))};
  const Words many = Words{"openp5", "recommend", "--checkpoint", layout.best()} + layout.Data() +
                     Words{"--all", "--out", layout.Path("recommendations.csv")};
  const Words fused = Words{"openp5", "evaluate", "--checkpoint", layout.best()} + layout.Data() +
                      Words{"--filtered", "--fuse", "transitions"};
  return WriteStandardOutput(StrCat("\nEverything is in ", OneLine(options.out),
                                    "; run/report.html shows the training.\n", "Next:\n  ",
                                    ShellCommand(recommend), "\n  ", ShellCommand(many), "\n  ",
                                    ShellCommand(fused), "\n"));
}

absl::Status Run(const RunOptions& options, const Words& given) {
  const Layout layout(options);
  OPENP5_RETURN_IF_ERROR(CheckOut(options, layout));
  OPENP5_ASSIGN_OR_RETURN(const auto prepare, PrepareStep(options, layout, given));
  OPENP5_RETURN_IF_ERROR(MakeDirectories(layout.Path(kStepsFolder)));
  CatchTermination();
  if (prepare.has_value()) OPENP5_RETURN_IF_ERROR(RunStepOnce(*prepare, layout));
  OPENP5_ASSIGN_OR_RETURN(const auto dataset, datasets::SequenceDataset::Open(layout.dataset()));
  const Sizes sizes(dataset);
  if (options.kind == "generative") {
    OPENP5_RETURN_IF_ERROR(WriteFileAtomic(layout.Path("prompts.txt"), kPrompts));
  }
  for (const Step& step : options.kind == "generative" ? GenerativeSteps(options, layout, sizes)
                                                       : SasrecSteps(options, layout, sizes)) {
    OPENP5_RETURN_IF_ERROR(RunStepOnce(step, layout));
  }
  OPENP5_RETURN_IF_ERROR(RunStep(EvaluateStep(layout)));
  return PrintNext(options, layout, dataset);
}

absl::Status RunRun(const std::vector<std::string>& arguments) {
  RunOptions options;
  datasets::TableOptions table;
  CommandLine line(
      "run",
      "From a file to a trained recommender in one command: prepares the data, trains, "
      "and evaluates beside the baselines. Every step is a command of openp5, shown "
      "as it is typed; a step that is done is not done again.");
  line.Add(&options);
  line.Add(&table);
  line.Require("out");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  Words given;
  for (const std::string& name : OptionNames(table)) {
    if (!line.IsGiven(name)) continue;
    given.push_back("--" + name);
    given.push_back(line.Get(name));
  }
  return Run(options, given);
}

}  // namespace

std::vector<Command> RunCommands() {
  return {{"run", "From a file to a trained recommender in one command", RunRun}};
}

}  // namespace openp5::app
