#include "platform/base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "platform/base/log.h"

namespace openp5 {
namespace {

// Asked for at every drawing: windows change their size.
int TerminalColumns() {
  winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return 80;
  return size.ws_col;
}

}  // namespace

std::string FormatDuration(double seconds) {
  const auto whole = static_cast<int64_t>(std::clamp(seconds, 0.0, 1e9) + 0.5);
  char text[40];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", static_cast<long long>(whole / 3600),
                  static_cast<long long>(whole / 60 % 60), static_cast<long long>(whole % 60));
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", static_cast<long long>(whole / 60),
                  static_cast<long long>(whole % 60));
  }
  return text;
}

std::string ProgressLine(const ProgressState& state, int columns) {
  const double rate = static_cast<double>(state.done) / std::max(state.seconds, 1e-9);
  const double share =
      state.total > 0
          ? std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total))
          : 1.0;
  const double left =
      rate > 0
          ? static_cast<double>(std::max<int64_t>(state.total - state.done, 0) + state.after) / rate
          : 0;
  char numbers[160];
  std::snprintf(numbers, sizeof numbers, " %3.0f%% %lld/%lld %.40s, %.1f/s, %s %s", share * 100,
                static_cast<long long>(state.done), static_cast<long long>(state.total),
                state.unit.c_str(), rate, state.ended ? "took" : "left",
                FormatDuration(state.ended ? state.seconds : left).c_str());
  std::string note = state.note.empty() ? "" : ", " + state.note;
  if (columns == 0) return state.title + numbers + note;

  constexpr size_t kWidest = 24, kNarrowest = 8, kAround = 3;  // " [", "]"
  const auto width = static_cast<size_t>(columns);
  const auto used = [&] { return state.title.size() + strlen(numbers) + note.size() + kAround; };
  while (used() + kNarrowest > width && !note.empty()) note.erase(note.rfind(", "));
  const size_t bar = used() < width ? std::min(kWidest, width - used()) : 0;
  std::string line = state.title;
  if (bar >= kNarrowest) {
    const auto filled = static_cast<size_t>(share * static_cast<double>(bar));
    line += " [" + std::string(filled, '#') + std::string(bar - filled, '.') + "]";
  }
  return (line + numbers + note).substr(0, width);
}

ProgressBar::ProgressBar(const std::string& title, int64_t total, std::string unit, int64_t after)
    : state_{.title = OneLine(title), .unit = std::move(unit), .total = total, .after = after},
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      drawn_(start_) {}

ProgressBar::~ProgressBar() {
  try {
    Finish();
  } catch (...) {
    // Without memory for the line it is left out; what ran out of it is reported elsewhere.
  }
}

void ProgressBar::Advance(int64_t count, std::string_view note) {
  state_.done += count;
  state_.note = note;
  const auto now = std::chrono::steady_clock::now();
  const auto interval =
      terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
  if (now - drawn_ < interval) return;
  drawn_ = now;
  Draw();
}

void ProgressBar::Finish() {
  if (std::exchange(state_.ended, true)) return;
  Draw();
}

void ProgressBar::Draw() {
  if (IsQuiet()) return;
  state_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  if (terminal_) {
    // A line as wide as the terminal would move its cursor to the next one.
    const std::string line = ProgressLine(state_, TerminalColumns() - 1);
    std::fprintf(stderr, "\r%s\033[K%s", line.c_str(), state_.ended ? "\n" : "");
  } else {
    std::fprintf(stderr, "%s\n", ProgressLine(state_, /*columns=*/0).c_str());
  }
  std::fflush(stderr);
}

}  // namespace openp5
