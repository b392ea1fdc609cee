#include "trainers/tensorboard_events.h"

#include <bit>
#include <string_view>

#include "platform/base/crc32c.h"
#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Reads from the front of bytes; a test fails where they end early.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool AtEnd() const { return bytes_.empty(); }
  std::string_view Take(size_t size) {
    EXPECT_LE(size, bytes_.size());
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  uint64_t Fixed(size_t size) {
    uint64_t value = 0;
    const std::string_view taken = Take(size);
    for (size_t i = taken.size(); i > 0; --i) {
      value = value << 8 | static_cast<unsigned char>(taken[i - 1]);
    }
    return value;
  }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(Take(1).at(0));
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }

 private:
  std::string_view bytes_;
};

struct ReadEvent {
  double wall_time = 0;
  int64_t step = 0;
  std::string file_version = {};
  int64_t session_status = 0;
  std::vector<Scalar> scalars = {};
};

Scalar ReadScalar(std::string_view bytes) {
  Scalar scalar;
  for (Reader reader(bytes); !reader.AtEnd();) {
    const uint64_t key = reader.Varint();
    if (key == (1 << 3 | 2)) {
      scalar.tag = reader.Take(reader.Varint());
    } else {
      EXPECT_EQ(key, 2u << 3 | 5u);
      scalar.value = std::bit_cast<float>(static_cast<uint32_t>(reader.Fixed(4)));
    }
  }
  return scalar;
}

ReadEvent ParseEvent(std::string_view bytes) {
  ReadEvent event;
  for (Reader reader(bytes); !reader.AtEnd();) {
    const uint64_t key = reader.Varint();
    if (key == (1 << 3 | 1)) {
      event.wall_time = std::bit_cast<double>(reader.Fixed(8));
    } else if (key == (2 << 3 | 0)) {
      event.step = static_cast<int64_t>(reader.Varint());
    } else if (key == (3 << 3 | 2)) {
      event.file_version = reader.Take(reader.Varint());
    } else if (key == (7 << 3 | 2)) {
      Reader session(reader.Take(reader.Varint()));
      EXPECT_EQ(session.Varint(), 1u << 3);
      event.session_status = static_cast<int64_t>(session.Varint());
    } else {
      EXPECT_EQ(key, 5u << 3 | 2u);
      Reader summary(reader.Take(reader.Varint()));
      while (!summary.AtEnd()) {
        EXPECT_EQ(summary.Varint(), 1u << 3 | 2u);
        event.scalars.push_back(ReadScalar(summary.Take(summary.Varint())));
      }
    }
  }
  return event;
}

uint32_t Masked(std::string_view bytes) {
  const uint32_t crc = Crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

std::vector<ReadEvent> ReadEvents(const std::string& path) {
  const std::string bytes = ReadFile(path).value_or("");
  std::vector<ReadEvent> events;
  for (Reader reader(bytes); !reader.AtEnd();) {
    const std::string_view length = reader.Take(8);
    EXPECT_EQ(reader.Fixed(4), Masked(length));
    const std::string_view data = reader.Take(Reader(length).Fixed(8));
    EXPECT_EQ(reader.Fixed(4), Masked(data));
    events.push_back(ParseEvent(data));
  }
  return events;
}

TEST(TensorBoardEventsTest, WritesFramesThatReadBack) {
  const TemporaryFolder folder;
  const auto events = TensorBoardEvents::In(folder.path());
  OPENP5_ASSERT_OK(events.Start(1));
  OPENP5_ASSERT_OK(events.Append(300, {{"train_loss", 2.5}, {"train_loss/Toy/sequential", -0.25}}));
  OPENP5_ASSERT_OK(events.Append(5'000'000'000, {{std::string(200, 'x'), 1e9}}));
  OPENP5_ASSERT_OK(events.Append(301, {}));  // nothing to say: no frame
  const std::vector<ReadEvent> read = ReadEvents(events.path());
  ASSERT_EQ(read.size(), 4u);
  EXPECT_EQ(read[0].file_version, "brain.Event:2");
  EXPECT_EQ(read[1].session_status, 1);
  EXPECT_EQ(read[1].step, 1);
  EXPECT_EQ(read[2].step, 300);
  EXPECT_THAT(read[2].scalars,
              ElementsAre(Scalar{"train_loss", 2.5}, Scalar{"train_loss/Toy/sequential", -0.25}));
  EXPECT_GT(read[2].wall_time, 1.6e9);
  EXPECT_EQ(read[3].step, 5'000'000'000);
  EXPECT_THAT(read[3].scalars, ElementsAre(Scalar{std::string(200, 'x'), 1e9}));
}

TEST(TensorBoardEventsTest, FilesOfARunAreReadInTheOrderTheyWereMade) {
  const TemporaryFolder folder;
  std::string before;
  for (int start = 0; start < 3; ++start) {
    const auto events = TensorBoardEvents::In(folder.path());
    OPENP5_ASSERT_OK(events.Start(start));
    EXPECT_GT(events.path(), before);
    EXPECT_THAT(BaseName(events.path()), HasSubstr("tfevents"));
    before = events.path();
  }
}

TEST(TensorBoardEventsTest, NamesTheFileThatCannotBeWritten) {
  EXPECT_THAT(TensorBoardEvents::In("/nowhere").Start(1),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/events.out.tfevents.")));
}

}  // namespace
}  // namespace openp5::trainers
