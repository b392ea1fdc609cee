#include "datasets/plugin/plugin_records.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <span>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "datasets/text_lines.h"
#include "platform/base/log.h"
#include "platform/base/utf8.h"

namespace openp5::datasets {
namespace {

constexpr size_t kLongestString = 4096;
constexpr unsigned char kGuardByte = 0xa5;

// A record with bytes behind it that a plugin must leave alone: the place where later versions of
// the record grow.
template <class Record>
struct GuardedRecord {
  void Clear() {
    record = Record{};
    record.struct_size = sizeof(Record);
    std::fill(std::begin(guard), std::end(guard), kGuardByte);
  }
  bool IsIntact() const {
    return record.struct_size == sizeof(Record) &&
           std::all_of(std::begin(guard), std::end(guard),
                       [](unsigned char byte) { return byte == kGuardByte; });
  }

  Record record;
  unsigned char guard[64];
};

absl::Status Thrown(std::string_view where) {
  return FailedPrecondition(where, ": an exception left the plugin; catch it and return an error");
}

// One stream of a plugin, released at the end whatever happened.
template <class Reader, class Record>
class Stream {
 public:
  using Open = int32_t (*)(const openp5_dataset*, const char*, Reader*);

  // `what` is what messages call a record: "interaction".
  Stream(std::string where, std::string_view what) : where_(std::move(where)), what_(what) {
    reader_.struct_size = sizeof(Reader);
  }
  ~Stream() {
    if (reader_.release == nullptr) return;
    try {
      reader_.release(&reader_);
    } catch (...) {
      LogWarning(ToStd(Thrown(StrCat(where_, ": release")).message()));
    }
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  absl::Status Start(Open open, const openp5_dataset& dataset, const std::string& raw) {
    int32_t result = OPENP5_ERROR;
    try {
      result = open(&dataset, raw.c_str(), &reader_);
    } catch (...) {
      return Thrown(StrCat(where_, ": open"));
    }
    if (result == OPENP5_ERROR) return Reported(where_);
    if (result != OPENP5_OK) {
      return FailedPrecondition(where_, ": open: expected ", OPENP5_OK, " or ", OPENP5_ERROR,
                                ", got ", result);
    }
    if (reader_.struct_size != sizeof(Reader)) {
      return FailedPrecondition(where_, ": reader: expected struct_size ", sizeof(Reader),
                                " as the host set it, got ", reader_.struct_size);
    }
    if (reader_.next == nullptr || reader_.last_error == nullptr || reader_.release == nullptr) {
      return FailedPrecondition(where_,
                                ": reader: expected next, last_error and release, got NULL");
    }
    return absl::OkStatus();
  }

  // The next record, or NULL after the last.
  absl::StatusOr<const Record*> Next() {
    ++number_;
    record_.Clear();
    int32_t result = OPENP5_ERROR;
    try {
      result = reader_.next(&reader_, &record_.record);
    } catch (...) {
      return Thrown(Where());
    }
    if (!record_.IsIntact()) {
      return FailedPrecondition(Where(), ": the plugin wrote beyond the fields of the record");
    }
    if (result == OPENP5_END) return nullptr;
    if (result == OPENP5_ERROR) return Reported(Where());
    if (result != OPENP5_OK) {
      return FailedPrecondition(Where(), ": next: expected ", OPENP5_OK, ", ", OPENP5_END, " or ",
                                OPENP5_ERROR, ", got ", result);
    }
    return &record_.record;
  }

  std::string Where() const { return StrCat(where_, ": ", what_, " ", number_); }

 private:
  // The plugin's own account of what went wrong.
  absl::Status Reported(const std::string& where) {
    std::string reason;
    try {
      if (reader_.last_error != nullptr) reason = PluginString(reader_.last_error(&reader_));
    } catch (...) {
      return Thrown(StrCat(where, ": last_error"));
    }
    if (reason.empty()) reason = "the plugin failed and gave no reason";
    return InvalidArgument(where, ": ", reason);
  }

  std::string where_;
  std::string_view what_;
  Reader reader_{};
  GuardedRecord<Record> record_;
  int64_t number_ = 0;
};

absl::Status CheckText(const openp5_text& text, uint64_t limit, const std::string& where) {
  if (text.data == nullptr && text.size > 0) {
    return InvalidArgument(where, ": expected bytes, got NULL with size ", text.size);
  }
  if (text.size > limit) {
    return InvalidArgument(where, ": expected at most ", limit, " bytes, got ", text.size);
  }
  const size_t bad = FindInvalidUtf8(ViewOf(text));
  if (bad == std::string_view::npos) return absl::OkStatus();
  return InvalidArgument(where, ": expected UTF-8, got another byte at ", bad, " of '",
                         Excerpt(ViewOf(text)), "'");
}

absl::Status CheckRecordId(const openp5_text& id, const std::string& where) {
  OPENP5_RETURN_IF_ERROR(CheckText(id, OPENP5_MAX_ID_SIZE, where));
  if (id.size == 0) return InvalidArgument(where, ": expected an id, got nothing");
  const std::string_view bytes = ViewOf(id);
  const bool fits = std::none_of(bytes.begin(), bytes.end(), [](char byte) {
    const auto code = static_cast<unsigned char>(byte);
    return code <= 0x20 || code == 0x7f;
  });
  if (fits) return absl::OkStatus();
  return InvalidArgument(where, ": expected an id without blanks and control characters, got '",
                         Excerpt(bytes), "'");
}

absl::Status CheckInteraction(const openp5_interaction& record, const std::string& where) {
  OPENP5_RETURN_IF_ERROR(CheckRecordId(record.user, where + ": user"));
  OPENP5_RETURN_IF_ERROR(CheckRecordId(record.item, where + ": item"));
  OPENP5_RETURN_IF_ERROR(CheckText(record.event, OPENP5_MAX_TEXT_SIZE, where + ": event"));
  if (record.has_rating != 0 && record.has_rating != 1) {
    return InvalidArgument(where, ": has_rating: expected 0 or 1, got ", record.has_rating);
  }
  if (record.has_rating == 1 && !std::isfinite(record.rating)) {
    return InvalidArgument(where, ": rating: expected a finite number, got ", record.rating);
  }
  return absl::OkStatus();
}

absl::Status CheckFields(const openp5_item& record, const std::string& where) {
  if (record.field_count > OPENP5_MAX_ITEM_FIELDS) {
    return InvalidArgument(where, ": field_count: expected at most ", OPENP5_MAX_ITEM_FIELDS,
                           ", got ", record.field_count);
  }
  if (record.field_count > 0 && record.fields == nullptr) {
    return InvalidArgument(where, ": fields: expected ", record.field_count, " of them, got NULL");
  }
  absl::flat_hash_set<std::string> keys = {"item", "title", "categories"};
  for (const openp5_item_field& field : std::span(record.fields, record.field_count)) {
    OPENP5_RETURN_IF_ERROR(CheckText(field.key, OPENP5_MAX_ID_SIZE, where + ": key"));
    if (field.key.size == 0) return InvalidArgument(where, ": key: expected a name, got nothing");
    if (!keys.emplace(ViewOf(field.key)).second) {
      return InvalidArgument(where, ": key: expected every key once and none of item, title, ",
                             "categories; got '", Excerpt(ViewOf(field.key)), "'");
    }
    OPENP5_RETURN_IF_ERROR(CheckText(field.value, OPENP5_MAX_TEXT_SIZE, where + ": value"));
  }
  return absl::OkStatus();
}

std::string WhereOf(const openp5_dataset& dataset, const std::string& raw) {
  return StrCat("plugin dataset ", PluginString(dataset.name), ": ", raw);
}

ItemMetadata MetadataOf(const openp5_item& record) {
  ItemMetadata item{.item = std::string(ViewOf(record.item)),
                    .title = std::string(ViewOf(record.title)),
                    .more = {},
                    .categories = {}};
  for (const openp5_item_field& field : std::span(record.fields, record.field_count)) {
    item.more.emplace_back(ViewOf(field.key), ViewOf(field.value));
  }
  return item;
}

}  // namespace

std::string_view ViewOf(const openp5_text& text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

std::string PluginString(const char* text) {
  if (text == nullptr) return "";
  const std::string_view bytes(text, strnlen(text, kLongestString));
  if (FindInvalidUtf8(bytes) == std::string_view::npos) return OneLine(bytes);
  return absl::CEscape(ToAbsl(bytes));
}

absl::Status ForEachInteraction(
    const openp5_dataset& dataset, const std::string& raw,
    const std::function<absl::Status(const openp5_interaction& record)>& visit) {
  Stream<openp5_interaction_reader, openp5_interaction> stream(WhereOf(dataset, raw),
                                                               "interaction");
  OPENP5_RETURN_IF_ERROR(stream.Start(dataset.open_interactions, dataset, raw));
  const bool sorted = (dataset.flags & OPENP5_DATASET_SORTED_BY_TIME) != 0;
  int64_t latest = std::numeric_limits<int64_t>::min();
  while (true) {
    OPENP5_ASSIGN_OR_RETURN(const openp5_interaction* record, stream.Next());
    if (record == nullptr) return absl::OkStatus();
    OPENP5_RETURN_IF_ERROR(CheckInteraction(*record, stream.Where()));
    if (sorted && record->time < latest) {
      return InvalidArgument(stream.Where(), ": time: expected at least ", latest,
                             " since the plugin says it sorts by time, got ", record->time);
    }
    latest = record->time;
    OPENP5_RETURN_IF_ERROR(visit(*record));
  }
}

absl::Status ForEachItem(const openp5_dataset& dataset, const std::string& raw,
                         const std::function<absl::Status(const openp5_item& record)>& visit) {
  if (dataset.open_items == nullptr) return absl::OkStatus();
  Stream<openp5_item_reader, openp5_item> stream(WhereOf(dataset, raw), "item");
  OPENP5_RETURN_IF_ERROR(stream.Start(dataset.open_items, dataset, raw));
  absl::flat_hash_set<std::string> seen;
  while (true) {
    OPENP5_ASSIGN_OR_RETURN(const openp5_item* record, stream.Next());
    if (record == nullptr) return absl::OkStatus();
    OPENP5_RETURN_IF_ERROR(CheckRecordId(record->item, stream.Where() + ": item"));
    OPENP5_RETURN_IF_ERROR(
        CheckText(record->title, OPENP5_MAX_TEXT_SIZE, stream.Where() + ": title"));
    OPENP5_RETURN_IF_ERROR(CheckFields(*record, stream.Where()));
    if (!seen.emplace(ViewOf(record->item)).second) {
      return InvalidArgument(stream.Where(), ": item: expected every item once, got '",
                             Excerpt(ViewOf(record->item)), "' again");
    }
    OPENP5_RETURN_IF_ERROR(visit(*record));
  }
}

absl::StatusOr<RawDataset> ReadPluginDataset(const openp5_dataset& dataset,
                                             const std::string& raw) {
  RawDataset result;
  OPENP5_RETURN_IF_ERROR(
      ForEachInteraction(dataset, raw, [&](const openp5_interaction& record) -> absl::Status {
        result.interactions.Add(ViewOf(record.user), ViewOf(record.item), record.time);
        return absl::OkStatus();
      }));
  OPENP5_RETURN_IF_ERROR(ForEachItem(dataset, raw, [&](const openp5_item& record) -> absl::Status {
    result.items.push_back(MetadataOf(record));
    return absl::OkStatus();
  }));
  return result;
}

}  // namespace openp5::datasets
