#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "evaluators/metrics.h"
#include "platform/app/command.h"
#include "platform/app/format_options.h"
#include "platform/app/train_command.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/base/signals.h"
#include "platform/config/command_line.h"
#include "platform/config/search_space.h"
#include "platform/config/threads.h"
#include "trainers/sweep.h"

namespace openp5::app {
namespace {

struct SweepOptions {
  std::string sweep_file;
  std::string out;
  int64_t jobs = 1;
  int64_t trials = 0;
  std::string metric;

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "sweep-file",
                   .help = "options to vary, a line each: `lr = 1e-3, 5e-4`, or drawn from "
                           "uniform(0, 0.5), log(1e-4, 1e-2) or integer(2, 8)"},
                  &sweep_file);
    visitor.Visit({.name = "out", .help = "folder of the sweep, with a run folder for every trial"},
                  &out);
    visitor.Visit({.name = "jobs",
                   .help = "trainings at once; they share --threads",
                   .minimum = 1,
                   .maximum = 4096},
                  &jobs);
    visitor.Visit({.name = "trials",
                   .help = "draw so many trials at random, by --seed; 0: every combination",
                   .minimum = 0,
                   .maximum = 100'000},
                  &trials);
    visitor.Visit({.name = "metric",
                   .help = "what trials are compared by: loss, or a metric such as hit@10, of the "
                           "validation split (default: --valid-select)"},
                  &metric);
  }
};

// What the sweep says itself to every trial.
bool IsOfTheSweep(const std::string& option) {
  constexpr const char* kOwn[] = {"run-dir", "resume", "threads", "format", "valid-select"};
  return std::find(std::begin(kOwn), std::end(kOwn), option) != std::end(kOwn);
}

// A usage error with file and line for what `train` would not take.
absl::Status CheckSpace(const SearchSpace& space) {
  TrainCommandOptions scratch;
  CommandLine line("train", "");
  scratch.AddTo(&line);
  return space.ForEachValue([&](const std::string& option, const std::string& value,
                                const std::string& where) -> absl::Status {
    if (IsOfTheSweep(option)) {
      return UsageError(
          StrCat(where, ": ", option, ": expected another option, this one is set by the sweep"));
    }
    return line.Set(option, value, where);
  });
}

// What trials are compared by.
absl::StatusOr<std::string> Selection(const SweepOptions& sweep, const TrainCommandOptions& train,
                                      const CommandLine& line) {
  const std::string& given = train.train.selection.valid_select;
  if (!sweep.metric.empty() && line.IsGiven("valid-select") && sweep.metric != given) {
    return UsageError(StrCat("--metric: expected the same as --valid-select, got ", sweep.metric,
                             " and ", given));
  }
  const std::string selection = sweep.metric.empty() ? given : sweep.metric;
  if (trainers::SelectByOf(selection) != trainers::SelectBy::kLoss &&
      !evaluators::ParseMetrics({selection}).ok()) {
    return UsageError(
        StrCat("--metric: expected loss or a metric such as hit@10, got '", selection, "'"));
  }
  return selection;
}

// All of `train`'s options but those that the sweep says to each trial.
TrainCommandOptions BaseOptions(TrainCommandOptions train, const std::string& selection) {
  train.run.run_dir.clear();
  train.run.format.format = OutputFormat::kText;
  train.runtime.threads = 0;
  train.train.selection.valid_select = selection;
  return train;
}

// What `train` would refuse of any trial, before the first one starts.
absl::Status CheckTrials(const TrainCommandOptions& base,
                         const std::vector<SearchSpace::Trial>& trials) {
  for (size_t number = 0; number < trials.size(); ++number) {
    TrainCommandOptions options = base;
    CommandLine line("train", "");
    options.AddTo(&line);
    const std::string where = StrCat("trial ", number);
    for (const auto& [option, value] : trials[number]) {
      OPENP5_RETURN_IF_ERROR(line.Set(option, value, where));
    }
    OPENP5_RETURN_IF_ERROR(Annotate(options.Check(), where));
  }
  return absl::OkStatus();
}

absl::Status RunSweep(const std::vector<std::string>& arguments) {
  SweepOptions options;
  TrainCommandOptions train;
  CommandLine line("sweep",
                   "Train with several values of some options, and compare. Every option of "
                   "`train` holds for all trials.");
  line.Add(&options);
  train.AddTo(&line);
  for (const char* name : {"sweep-file", "out", "data-dir", "datasets"}) line.Require(name);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(options.sweep_file));
  OPENP5_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Parse(text, options.sweep_file));
  OPENP5_RETURN_IF_ERROR(CheckSpace(space));
  OPENP5_ASSIGN_OR_RETURN(const std::string selection, Selection(options, train, line));
  const TrainCommandOptions base = BaseOptions(train, selection);
  trainers::SweepPlan plan{.folder = options.out,
                           .base_config = base.Config(),
                           .trials = {},
                           .valid_select = selection,
                           .jobs = options.jobs,
                           .processes = train.processes.nproc,
                           .threads = ThreadCount(train.runtime.threads)};
  OPENP5_ASSIGN_OR_RETURN(plan.trials,
                          space.Trials(options.trials, static_cast<uint64_t>(train.train.seed)));
  OPENP5_RETURN_IF_ERROR(CheckTrials(base, plan.trials));
  if (!train.run.run_dir.empty()) {
    LogWarning("--run-dir: not used, every trial has its own under --out");
  }
  OPENP5_ASSIGN_OR_RETURN(trainers::Sweep sweep, trainers::Sweep::Open(std::move(plan)));
  CatchTermination();
  const absl::Status outcome = sweep.Run();
  if (absl::IsCancelled(outcome)) return outcome;
  OPENP5_RETURN_IF_ERROR(Print({.format = train.run.format.format}, sweep.Table(), sweep.ToJson()));
  return outcome;
}

}  // namespace

std::vector<Command> SweepCommands() {
  return {{"sweep", "Train with several values of options, and compare", RunSweep}};
}

}  // namespace openp5::app
