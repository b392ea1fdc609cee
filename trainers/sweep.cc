#include "trainers/sweep.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/signals.h"
#include "platform/base/text_table.h"
#include "trainers/run_folder.h"
#include "trainers/run_record.h"
#include "trainers/train_options.h"

namespace openp5::trainers {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kStateNames[] = {"waiting", "running", "finished", "stopped", "failed"};

// The last line of a text that is not empty, such as "error: …".
std::string LastLine(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  const size_t end = text.find_last_of("\r\n");
  return end == std::string::npos ? text : text.substr(end + 1);
}

std::string OptionsText(const SearchSpace::Trial& options) {
  return absl::StrJoin(options, ", ", absl::PairFormatter("="));
}

constexpr char kLock[] = ".lock";

// True if there is nothing at `path` but what a sweep leaves that was killed at its very start.
bool HoldsNothingElse(const std::string& path) {
  if (!FileExists(path)) return true;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    const std::string name = entry.path().filename().string();
    if (name != kLock && name != "base.ini" && !IsTemporaryName(name)) return false;
  }
  return !error;
}

// The mean of each metric over the results of datasets and tasks, as `train` prints them.
std::vector<std::pair<std::string, double>> MeanMetrics(const Json& results) {
  std::vector<std::pair<std::string, double>> means;
  for (const Json& result : results) {
    size_t place = 0;
    for (const auto& [metric, value] : result.at("metrics").items()) {
      if (place == means.size()) means.emplace_back(metric, 0);
      means[place++].second += value.get<double>() / static_cast<double>(results.size());
    }
  }
  return means;
}

}  // namespace

Sweep::Sweep(SweepPlan plan) : plan_(std::move(plan)) {
  for (const SearchSpace::Trial& options : plan_.trials) trials_.push_back({.options = options});
}

std::string Sweep::Path(size_t trial, const char* extension) const {
  return JoinPath(plan_.folder, absl::StrFormat("trial-%03d%s", trial, extension));
}

absl::StatusOr<Sweep> Sweep::Open(SweepPlan plan) {
  Sweep sweep(std::move(plan));
  const std::string& folder = sweep.plan_.folder;
  const std::string base = JoinPath(folder, "base.ini"), table = JoinPath(folder, "sweep.json");
  const bool fresh = !FileExists(table);
  if (fresh && !HoldsNothingElse(folder)) {
    return UsageError(
        StrCat("--out: ", folder, " holds no sweep (no sweep.json); hint: another folder"));
  }
  OPENP5_RETURN_IF_ERROR(MakeDirectories(folder));
  OPENP5_ASSIGN_OR_RETURN(sweep.lock_, FileLock::Take(JoinPath(folder, kLock)));
  if (!fresh) {
    OPENP5_RETURN_IF_ERROR(CheckSameConfig(base, sweep.plan_.base_config));
    OPENP5_RETURN_IF_ERROR(sweep.CheckSameTrials(table));
  }
  OPENP5_RETURN_IF_ERROR(WriteFileAtomic(base, sweep.plan_.base_config.text));
  for (size_t trial = 0; trial < sweep.trials_.size(); ++trial) {
    sweep.Load(trial);
  }
  OPENP5_RETURN_IF_ERROR(sweep.Write());
  return sweep;
}

absl::Status Sweep::CheckSameTrials(const std::string& file) const {
  OPENP5_ASSIGN_OR_RETURN(const Json json, ReadJsonObject<Json>(file));
  const Json before = json.value("trials", Json());
  if (!before.is_array()) return DataLoss(file, ": expected the table of a sweep");
  for (const Json& entry : before) {
    const Json number = entry.is_object() ? entry.value("trial", Json()) : Json();
    if (!number.is_number_unsigned()) return DataLoss(file, ": expected a trial, got none");
    const auto trial = number.get<size_t>();
    if (trial >= trials_.size()) continue;
    SearchSpace::Trial options;
    const Json recorded = entry.value("options", Json::object());
    for (const auto& [option, value] : recorded.items()) {
      options.emplace_back(option, value.is_string() ? value.get<std::string>() : "");
    }
    if (options != trials_[trial].options) {
      return FailedPrecondition(file, ": trial ", trial, " is ", OptionsText(options), ", got ",
                                OptionsText(trials_[trial].options),
                                "; hint: another --out for another sweep");
    }
  }
  return absl::OkStatus();
}

void Sweep::Load(size_t number) {
  Trial& trial = trials_[number];
  const absl::StatusOr<Json> record = ReadRunRecord(JoinPath(Path(number), "run.json"));
  if (!record.ok()) return;
  trial.seconds = (*record)["seconds"];
  if ((*record)["outcome"] != "finished") return;
  try {
    const Json& result = record->at("result");
    trial.validation = result.at("best_validation");
    trial.test = MeanMetrics(result.value("test", Json::array()));
  } catch (const Json::exception&) {
    return;  // no result of ours: the training is asked again
  }
  trial.state = State::kFinished;
}

// Finished trials by their result, then the others; in their order where nothing else decides.
std::vector<size_t> Sweep::BestFirst() const {
  std::vector<size_t> order(trials_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const double sign = SelectByOf(plan_.valid_select) == SelectBy::kLoss ? 1 : -1;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const bool a_done = trials_[a].state == State::kFinished;
    const bool b_done = trials_[b].state == State::kFinished;
    if (!a_done || !b_done) return a_done && !b_done;
    return sign * trials_[a].validation < sign * trials_[b].validation;
  });
  return order;
}

Json Sweep::ToJson() const {
  Json list = Json::array();
  for (const size_t number : BestFirst()) {
    const Trial& trial = trials_[number];
    Json options = Json::object();
    for (const auto& [option, value] : trial.options) options[option] = value;
    Json entry = {{"trial", number},
                  {"options", std::move(options)},
                  {"state", kStateNames[static_cast<int>(trial.state)]},
                  {"seconds", trial.seconds},
                  {"run_dir", Path(number)}};
    if (trial.state == State::kFinished) entry["validation"] = trial.validation;
    for (const auto& [metric, value] : trial.test) entry["test"][metric] = value;
    if (!trial.error.empty()) entry["error"] = trial.error;
    list.push_back(std::move(entry));
  }
  return {{"valid_select", plan_.valid_select}, {"trials", std::move(list)}};
}

std::string Sweep::Table() const {
  const auto tested = std::find_if(trials_.begin(), trials_.end(),
                                   [](const Trial& trial) { return !trial.test.empty(); });
  const size_t tests = tested == trials_.end() ? 0 : tested->test.size();
  std::vector<std::vector<std::string>> rows = {{"trial"}};
  for (const auto& [option, value] : trials_.front().options) rows[0].push_back(option);
  rows[0].push_back("validation " + plan_.valid_select);
  for (size_t i = 0; i < tests; ++i) rows[0].push_back("test " + tested->test[i].first);
  for (const char* name : {"seconds", "state"}) rows[0].push_back(name);
  for (const size_t number : BestFirst()) {
    const Trial& trial = trials_[number];
    std::vector<std::string> row = {std::to_string(number)};
    for (const auto& [option, value] : trial.options) row.push_back(value);
    const bool finished = trial.state == State::kFinished;
    row.push_back(finished ? absl::StrFormat("%.4f", trial.validation) : "-");
    for (size_t i = 0; i < tests; ++i) {
      row.push_back(i < trial.test.size() ? absl::StrFormat("%.4f", trial.test[i].second) : "-");
    }
    row.push_back(absl::StrFormat("%.1f", trial.seconds));
    row.push_back(kStateNames[static_cast<int>(trial.state)]);
    if (!trial.error.empty()) row.back() += ": " + trial.error;
    rows.push_back(std::move(row));
  }
  return TextTable(rows);
}

absl::Status Sweep::Write() const {
  return WriteFileAtomic(JoinPath(plan_.folder, "sweep.json"), DumpJson(ToJson(), 2) + "\n");
}

absl::Status Sweep::Run() {
  const int64_t waiting = CountOf(State::kWaiting);
  threads_each_ = std::max<int64_t>(
      1, plan_.threads / (std::clamp<int64_t>(waiting, 1, plan_.jobs) * plan_.processes));
  absl::Status written;
  const auto write = [&] {
    if (!written.ok()) return;
    written = Write();
    if (!written.ok()) running_.SignalAll(SIGTERM);
  };
  while (true) {
    const bool stopping = TerminationSignal() != 0 || !written.ok();
    if (!stopping && StartWaiting()) write();
    const auto ended = running_.Wait();
    if (!ended.has_value()) break;
    End(static_cast<size_t>(ended->number), ended->exit_code);
    write();
  }
  OPENP5_RETURN_IF_ERROR(written);
  return Outcome();
}

bool Sweep::StartWaiting() {
  bool started = false;
  for (size_t number = 0; number < trials_.size(); ++number) {
    if (running_.size() == static_cast<size_t>(plan_.jobs)) break;
    Trial& trial = trials_[number];
    if (trial.state != State::kWaiting) continue;
    started = true;
    const bool goes_on = FileExists(Path(number));
    absl::StatusOr<ChildProcess> process = ChildProcess::Start({.program = "/proc/self/exe",
                                                                .arguments = Arguments(number),
                                                                .output = Path(number, ".log")});
    if (!process.ok()) {
      trial.state = State::kFailed;
      trial.error = std::string(process.status().message());
      continue;
    }
    LogInfo(StrCat(Title(number), goes_on ? ": goes on" : ": started"));
    trial.state = State::kRunning;
    running_.Add(static_cast<int64_t>(number), *std::move(process));
  }
  return started;
}

std::vector<std::string> Sweep::Arguments(size_t number) const {
  std::vector<std::string> words = {
      "openp5",    "train",      "--config",  JoinPath(plan_.folder, "base.ini"),
      "--run-dir", Path(number), "--threads", std::to_string(threads_each_),
      "--resume"};
  for (const auto& [option, value] : trials_[number].options) {
    words.push_back(StrCat("--", option, "=", value));
  }
  return words;
}

void Sweep::End(size_t number, int exit_code) {
  Trial& trial = trials_[number];
  trial.state = State::kFailed;
  Load(number);
  if (exit_code == 0 && trial.state == State::kFinished) {
    LogInfo(absl::StrFormat("%s: validation %s %.4f, %d of %d finished", Title(number),
                            plan_.valid_select, trial.validation, CountOf(State::kFinished),
                            trials_.size()));
    return;
  }
  if (IsTerminationSignal(exit_code - 128)) {
    trial.state = State::kStopped;
    return;
  }
  trial.state = State::kFailed;
  trial.error = exit_code == 0    ? StrCat(Path(number), "/run.json: no result")
                : exit_code > 128 ? StrCat("ended by signal ", exit_code - 128)
                                  : LastLine(ReadFile(Path(number, ".log")).value_or(""));
  LogWarning(StrCat(Title(number), ": failed: ", trial.error));
}

absl::Status Sweep::Outcome() const {
  const auto unfinished = std::find_if(trials_.begin(), trials_.end(), [](const Trial& trial) {
    return trial.state != State::kFinished;
  });
  if (unfinished == trials_.end()) return absl::OkStatus();
  const std::string count = StrCat(CountOf(State::kFinished), " of ", trials_.size(), " trials");
  if (TerminationSignal() != 0) {
    return absl::CancelledError(
        StrCat("sweep: stopped by a signal, ", count, " finished; hint: the same command goes on"));
  }
  const auto number = static_cast<size_t>(unfinished - trials_.begin());
  return FailedPrecondition("sweep: only ", count, " finished; hint: see ", Path(number, ".log"),
                            "; the same command tries again");
}

int64_t Sweep::CountOf(State state) const {
  return std::count_if(trials_.begin(), trials_.end(),
                       [state](const Trial& trial) { return trial.state == state; });
}

std::string Sweep::Title(size_t number) const {
  return StrCat("trial ", number, " (", OptionsText(trials_[number].options), ")");
}

}  // namespace openp5::trainers
