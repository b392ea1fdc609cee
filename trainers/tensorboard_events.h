#ifndef OPENP5_TRAINERS_TENSORBOARD_EVENTS_H_
#define OPENP5_TRAINERS_TENSORBOARD_EVENTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/status.h"

namespace openp5::trainers {

struct Scalar {
  std::string tag;
  double value = 0;

  bool operator==(const Scalar&) const = default;
};

// One file of scalars that TensorBoard reads: TFRecord frames (length, its masked CRC-32C, data,
// its masked CRC-32C) of `tensorflow.Event` messages, written by hand since three messages of
// protobuf's wire format are less than a second copy of its library beside LibTorch's and
// SentencePiece's. Appends whole frames; a reader passes over one that a crash cut off.
class TensorBoardEvents {
 public:
  // True for the names of such files.
  static bool IsEventsFile(std::string_view name);
  // A file in `folder` whose name sorts behind those of all that are there, since that is the order
  // in which TensorBoard reads them. Nothing is written yet.
  static TensorBoardEvents In(const std::string& folder);

  // Starts the file and has TensorBoard drop the points of earlier files from `first_step` on
  // (SessionLog START): a run that goes on measures those again.
  absl::Status Start(int64_t first_step) const;
  absl::Status Append(int64_t step, const std::vector<Scalar>& scalars) const;
  const std::string& path() const { return path_; }

 private:
  explicit TensorBoardEvents(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TENSORBOARD_EVENTS_H_
