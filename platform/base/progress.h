#ifndef OPENP5_PLATFORM_BASE_PROGRESS_H_
#define OPENP5_PLATFORM_BASE_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace openp5 {

// What a bar shows of a job.
struct ProgressState {
  std::string title = {}, unit = {}, note = {};
  int64_t done = 0, total = 0;
  int64_t after = 0;   // what the work of which this job is a part has left behind it
  double seconds = 0;  // since it began
  bool ended = false;
};
// One line of at most `columns` characters, with a bar: the bar gets shorter, then the note's last
// parts go, then the line is cut. 0 columns: a line of any length, without a bar.
std::string ProgressLine(const ProgressState& state, int columns);

// "1:02:03" or "2:03".
std::string FormatDuration(double seconds);

// Progress of one long job on standard error: a bar redrawn in place on a terminal, never wider
// than it, and a plain line every ten seconds elsewhere. Shows done/total, rate, time left and
// `note`. Not thread-safe.
class ProgressBar {
 public:
  // `unit` names what is counted, plural: "samples", "users". The time left is that of the whole
  // work, of which `after` follows this job.
  ProgressBar(std::string title, int64_t total, std::string unit, int64_t after = 0);
  // Ends the line if Finish was not called.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // `note`: parts between ", ", the most important first: a narrow terminal shows only those.
  void Advance(int64_t count, std::string_view note = "");
  // Draws the last state and ends the line.
  void Finish();

 private:
  void Draw();
  ProgressState state_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_, drawn_;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_PROGRESS_H_
