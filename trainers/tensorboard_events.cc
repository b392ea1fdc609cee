#include "trainers/tensorboard_events.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"
#include "platform/base/bytes.h"
#include "platform/base/crc32c.h"
#include "platform/base/file.h"
#include "platform/base/numbers.h"

namespace openp5::trainers {
namespace {

constexpr std::string_view kNamePrefix = "events.out.tfevents.";

double SecondsSinceEpoch() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

// Fields of a protobuf message: number and wire type (0 varint, 1 eight bytes, 2 counted bytes, 5
// four bytes), then the value.
std::string Key(int number, int wire_type) {
  return Varint(static_cast<uint64_t>(number << 3 | wire_type));
}
std::string VarintField(int number, int64_t value) {
  return Key(number, 0) + Varint(static_cast<uint64_t>(value));
}
std::string DoubleField(int number, double value) { return Key(number, 1) + NumberBytes(value); }
std::string FloatField(int number, float value) { return Key(number, 5) + NumberBytes(value); }
std::string BytesField(int number, std::string_view value) {
  return StrCat(Key(number, 2), Varint(value.size()), value);
}

// tensorflow.Event: wall_time = 1, step = 2, and one of file_version = 3, summary = 5,
// session_log = 7, which is `content`.
std::string Event(int64_t step, std::string_view content) {
  return StrCat(DoubleField(1, SecondsSinceEpoch()), VarintField(2, step), content);
}

// tensorflow.Summary: repeated value = 1 of tag = 1 and simple_value = 2.
std::string Summary(const std::vector<Scalar>& scalars) {
  std::string values;
  for (const Scalar& scalar : scalars) {
    values +=
        BytesField(1, BytesField(1, scalar.tag) + FloatField(2, static_cast<float>(scalar.value)));
  }
  return values;
}

// TFRecord's mask: a CRC of bytes that hold CRCs is a weak one.
uint32_t MaskedCrc(std::string_view bytes) { return std::rotr(Crc32c(bytes), 15) + 0xA282EAD8u; }

std::string Frame(std::string_view data) {
  const std::string length = NumberBytes(uint64_t{data.size()});
  return StrCat(length, NumberBytes(MaskedCrc(length)), data, NumberBytes(MaskedCrc(data)));
}

// The seconds in the names of the folder's events files, the latest; 0 if there is none.
int64_t LatestIn(const std::string& folder) {
  int64_t latest = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::string name = entry.path().filename().string();
    if (!TensorBoardEvents::IsEventsFile(name)) continue;
    name.erase(0, kNamePrefix.size());
    latest = std::max(latest, ParseNumber<int64_t>(name.substr(0, name.find('.'))).value_or(0));
  }
  return latest;
}

std::string HostName() {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "unknown";
  return name;
}

}  // namespace

bool TensorBoardEvents::IsEventsFile(std::string_view name) {
  return name.starts_with(kNamePrefix);
}

TensorBoardEvents TensorBoardEvents::In(const std::string& folder) {
  const int64_t seconds = std::max(static_cast<int64_t>(SecondsSinceEpoch()), LatestIn(folder) + 1);
  return TensorBoardEvents(JoinPath(folder, absl::StrFormat("%s%010d.%s.%d", ToAbsl(kNamePrefix),
                                                            seconds, HostName(), getpid())));
}

absl::Status TensorBoardEvents::Start(int64_t first_step) const {
  constexpr int kStart = 1;  // SessionLog.status = 1
  return AppendToFile(path_, Frame(Event(0, BytesField(3, "brain.Event:2"))) +
                                 Frame(Event(first_step, BytesField(7, VarintField(1, kStart)))));
}

absl::Status TensorBoardEvents::Append(int64_t step, const std::vector<Scalar>& scalars) const {
  if (scalars.empty()) return absl::OkStatus();
  return AppendToFile(path_, Frame(Event(step, BytesField(5, Summary(scalars)))));
}

}  // namespace openp5::trainers
