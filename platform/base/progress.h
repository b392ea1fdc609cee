#ifndef OPENP5_PLATFORM_BASE_PROGRESS_H_
#define OPENP5_PLATFORM_BASE_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace openp5 {

// Progress of one long job on standard error: a bar redrawn in place on a terminal, a plain line
// every ten seconds elsewhere. Shows done/total, rate, time left and `note`. Not thread-safe.
class ProgressBar {
 public:
  // `unit` names what is counted, plural: "samples", "users".
  ProgressBar(std::string title, int64_t total, std::string unit);
  // Ends the line if Finish was not called.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Advance(int64_t count, std::string_view note = "");
  // Draws the last state and ends the line.
  void Finish();

 private:
  void Draw(bool last);
  std::string title_, unit_, note_;
  int64_t total_, done_ = 0;
  bool terminal_, finished_ = false;
  std::chrono::steady_clock::time_point start_, drawn_;
};

// "1:02:03" or "2:03".
std::string FormatDuration(double seconds);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_PROGRESS_H_
