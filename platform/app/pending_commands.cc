#include "platform/app/command.h"

namespace openp5::app {
std::vector<Command> TrainCommands() { return {}; }
std::vector<Command> EvaluateCommands() { return {}; }
std::vector<Command> RecommendCommands() { return {}; }
}  // namespace openp5::app
