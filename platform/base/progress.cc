#include "platform/base/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "platform/base/log.h"

namespace openp5 {

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

ProgressBar::ProgressBar(std::string title, int64_t total, std::string unit)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(total),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      drawn_(start_) {}

ProgressBar::~ProgressBar() { Finish(); }

void ProgressBar::Advance(int64_t count, std::string_view note) {
  done_ += count;
  note_ = note;
  const auto now = std::chrono::steady_clock::now();
  const auto interval =
      terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
  if (now - drawn_ < interval) return;
  drawn_ = now;
  Draw(/*last=*/false);
}

void ProgressBar::Finish() {
  if (std::exchange(finished_, true)) return;
  Draw(/*last=*/true);
}

void ProgressBar::Draw(bool last) {
  if (IsQuiet()) return;
  constexpr int kWidth = 24;
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double rate = static_cast<double>(done_) / std::max(seconds, 1e-9);
  const double share =
      total_ > 0 ? std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_)) : 1.0;
  const double left =
      rate > 0 ? static_cast<double>(std::max<int64_t>(total_ - done_, 0)) / rate : 0;
  std::string bar;
  if (terminal_) {
    const int filled = static_cast<int>(share * kWidth);
    bar = " [" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "]";
  }
  std::fprintf(stderr, "%s%s%s %3.0f%% %lld/%lld %s, %.1f/s, %s %s%s%s%s", terminal_ ? "\r" : "",
               title_.c_str(), bar.c_str(), share * 100, static_cast<long long>(done_),
               static_cast<long long>(total_), unit_.c_str(), rate, last ? "took" : "left",
               FormatDuration(last ? seconds : left).c_str(), note_.empty() ? "" : ", ",
               note_.c_str(), terminal_ ? (last ? "\033[K\n" : "\033[K") : "\n");
  std::fflush(stderr);
}

}  // namespace openp5
