#include "trainers/tasks/task_kinds.h"

namespace openp5::trainers {

// The kinds this program brings, each defined in a file of its own. A new one is a line here and
// one below.
TaskKind GenerativeTaskKind();
TaskKind SasrecTaskKind();

absl::Status RegisterBuiltinTasks(Registry<TaskKind>* kinds) {
  OPENP5_RETURN_IF_ERROR(kinds->Register("generative", GenerativeTaskKind()));
  return kinds->Register("sasrec", SasrecTaskKind());
}

nlohmann::json DescribeTraining(const TrainOptions& options) {
  nlohmann::json all, json = nlohmann::json::object();
  ToJson(options, &all);
  for (const OptionInfo& info : OptionInfos(options)) {
    if (info.affects == Affects::kResult) json[info.name] = all[info.name];
  }
  return json;
}

}  // namespace openp5::trainers
