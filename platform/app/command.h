#ifndef OPENP5_PLATFORM_APP_COMMAND_H_
#define OPENP5_PLATFORM_APP_COMMAND_H_

#include <span>
#include <string>
#include <vector>

#include "platform/base/status.h"

namespace openp5::app {

// One command of the program, e.g. {"index build", "Give every item an identifier", RunIndexBuild}.
struct Command {
  std::string name;
  std::string summary;
  // Arguments after the command's name. The returned status decides the exit code: OK 0, a usage
  // error 2, Cancelled (state saved after SIGINT or SIGTERM) 128 + signal, else 1.
  absl::Status (*run)(const std::vector<std::string>& arguments);
};

// Every command, one function a file; main lists them all.
std::vector<Command> RunCommands();
std::vector<Command> DatasetCommands();
std::vector<Command> IndexCommands();
std::vector<Command> TokenizerCommands();
std::vector<Command> TrainCommands();
std::vector<Command> SweepCommands();
std::vector<Command> EvaluateCommands();
std::vector<Command> CompareCommands();
std::vector<Command> RecommendCommands();
std::vector<Command> CheckpointCommands();
std::vector<Command> PluginCommands();

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_COMMAND_H_
