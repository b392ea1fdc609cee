#ifndef OPENP5_TRAINERS_BACKGROUND_JOB_H_
#define OPENP5_TRAINERS_BACKGROUND_JOB_H_

#include <functional>
#include <future>
#include <utility>

#include "platform/base/status.h"

namespace openp5::trainers {

// One job at a time on a thread of its own, such as writing what has been copied. One thread may
// call it.
class BackgroundJob {
 public:
  BackgroundJob() = default;
  ~BackgroundJob() {
    if (running_.valid()) running_.wait();
  }
  BackgroundJob(const BackgroundJob&) = delete;
  BackgroundJob& operator=(const BackgroundJob&) = delete;

  // Starts `job` after the one before has ended; if that failed, returns its failure instead.
  absl::Status Start(std::function<absl::Status()> job) {
    OPENP5_RETURN_IF_ERROR(Wait());
    running_ = std::async(std::launch::async, std::move(job));
    return absl::OkStatus();
  }
  // Waits for the job, if there is one, and says how it ended.
  absl::Status Wait() { return running_.valid() ? running_.get() : absl::OkStatus(); }

 private:
  std::future<absl::Status> running_;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_BACKGROUND_JOB_H_
