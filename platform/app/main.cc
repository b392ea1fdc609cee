#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "platform/app/build_info.h"
#include "platform/app/command.h"
#include "platform/base/log.h"
#include "platform/base/signals.h"
#include "platform/base/standard_streams.h"
#include "platform/tensor/guard.h"
#include "platform/tensor/runtime.h"

namespace openp5::app {
namespace {

std::vector<Command> AllCommands() {
  std::vector<Command> all;
  for (auto* list : {RunCommands, DatasetCommands, IndexCommands, TokenizerCommands, TrainCommands,
                     SweepCommands, EvaluateCommands, CompareCommands, RecommendCommands,
                     CheckpointCommands, PluginCommands}) {
    std::vector<Command> some = list();
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

std::string CommandList(const std::vector<Command>& commands) {
  std::string text =
      "openp5: LLM-based generative recommendation\n\nusage: openp5 COMMAND [options]\n\n";
  for (const Command& command : commands) {
    absl::StrAppendFormat(&text, "  %-20s %s\n", command.name, command.summary);
  }
  return text +
         "  help                 This list; `openp5 COMMAND --help` for one command's options\n"
         "  version              Version of the program\n";
}

// Splits "index build --x" into the command of the longest matching name and its arguments.
const Command* FindCommand(const std::vector<Command>& commands,
                           const std::vector<std::string>& words,
                           std::vector<std::string>* arguments) {
  for (const size_t length : {2, 1}) {
    if (words.size() < length) continue;
    const std::string name = length == 2 ? words[0] + " " + words[1] : words[0];
    const auto found = std::find_if(commands.begin(), commands.end(),
                                    [&](const Command& c) { return c.name == name; });
    if (found == commands.end()) continue;
    arguments->assign(words.begin() + static_cast<std::ptrdiff_t>(length), words.end());
    return &*found;
  }
  return nullptr;
}

int ExitCode(const absl::Status& status) {
  if (status.ok()) return 0;
  if (absl::IsCancelled(status) && TerminationSignal() != 0) return 128 + TerminationSignal();
  return IsUsageError(status) ? 2 : 1;
}

absl::Status Run(std::vector<std::string> words) {
  const std::vector<Command> commands = AllCommands();
  if (words.empty()) {
    const std::string list = CommandList(commands);
    std::fputs(list.c_str(), stderr);
    return UsageError("");
  }
  if (words[0] == "version" || words[0] == "--version") {
    return WriteStandardOutput(StrCat("openp5 " OPENP5_VERSION " (commit ", kGitCommit, ")\n"));
  }
  if (words[0] == "--help" || words[0] == "-h" || (words[0] == "help" && words.size() == 1)) {
    return WriteStandardOutput(CommandList(commands));
  }
  if (words[0] == "help") {
    words.erase(words.begin());
    words.push_back("--help");
  }
  std::vector<std::string> arguments;
  const Command* command = FindCommand(commands, words, &arguments);
  if (command == nullptr) {
    const auto name = [](std::string* out, const Command& known) { *out += known.name; };
    return UsageError(StrCat("unknown command '", words[0], words.size() > 1 ? " " + words[1] : "",
                             "'; known: ", absl::StrJoin(commands, ", ", name)));
  }
  OPENP5_RETURN_IF_ERROR(command->run(arguments));
  return FlushStandardOutput();  // the last net: what was printed must have arrived
}

int Main(std::vector<std::string> words) {
  const absl::Status status = Run(std::move(words));
  if (!status.message().empty()) LogError(std::string(status.message()));
  return ExitCode(status);
}

}  // namespace
}  // namespace openp5::app

// Read by jemalloc: memory once touched is kept for the next batch. A training step frees and takes
// hundreds of tensors whose sizes change from batch to batch; glibc's aligned blocks then take
// twice the memory, and giving pages back costs a third of the time. All that a step has freed
// joins into few large extents, of which jemalloc by itself takes none for a request of less than a
// 64th of its size (2^6): each batch would then touch new memory beside the old, without an end.
extern "C" {
const char* malloc_conf =
    "dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:1,lg_extent_max_active_fit:63";
}

int main(int argc, char** argv) {
  return openp5::Guarded([&] {
    openp5::OpenStandardStreams();
    openp5::EnsureEnvironment(argv);
    return openp5::app::Main(std::vector<std::string>(argv + 1, argv + argc));
  });
}
