// A plugin that hands over invented records: what a buggy one might, short of writing to memory
// that is not its own.
#include <cstring>

#include "datasets/plugin/plugin_records.h"
#include "tests/fuzz/fuzz.h"

namespace {

// The input, taken from the front; zeros behind its end.
struct Source {
  std::string_view rest;
  std::string error;
  openp5_item_field fields[8];

  uint8_t Byte() {
    if (rest.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest.front());
    rest.remove_prefix(1);
    return byte;
  }
  openp5_text Text() {
    const uint8_t size = Byte();
    if (size == 0xff) return {nullptr, Byte()};
    if (size == 0xfe) return {rest.data(), UINT64_MAX - Byte()};
    const std::string_view text = rest.substr(0, size);
    rest.remove_prefix(text.size());
    return {text.data(), text.size()};
  }
  int32_t Result() {
    const uint8_t byte = Byte();
    if (rest.empty()) return OPENP5_END;
    return byte < 0xf0 ? OPENP5_OK : byte < 0xf4 ? OPENP5_END : byte < 0xf8 ? OPENP5_ERROR : byte;
  }
};

Source source;

int32_t Next(Source* from, openp5_interaction* record) {
  record->user = from->Text();
  record->item = from->Text();
  record->time = static_cast<int8_t>(from->Byte());
  record->has_rating = from->Byte() % 4;
  record->rating = 1.0 / from->Byte();
  record->event = from->Text();
  return from->Result();
}

int32_t Next(Source* from, openp5_item* record) {
  record->item = from->Text();
  record->title = from->Text();
  record->field_count = from->Byte();
  for (openp5_item_field& field : from->fields) {
    field = {from->Text(), from->Text()};
  }
  record->fields = from->fields;
  if (record->field_count > 8) record->fields = nullptr;
  return from->Result();
}

template <class Reader, class Record>
int32_t Open(const openp5_dataset*, const char*, Reader* reader) {
  reader->private_data = &source;
  reader->next = [](Reader* self, Record* record) {
    return Next(static_cast<Source*>(self->private_data), record);
  };
  reader->last_error = [](Reader* self) -> const char* {
    Source* from = static_cast<Source*>(self->private_data);
    from->error = std::string(from->rest.substr(0, 5000));
    return from->Byte() % 2 == 0 ? from->error.c_str() : nullptr;
  };
  reader->release = [](Reader*) {};
  return source.Byte() < 0xf8 ? OPENP5_OK : OPENP5_ERROR;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  source = Source{openp5::fuzz::Text(data, size), {}, {}};
  openp5_dataset dataset = {};
  dataset.struct_size = sizeof dataset;
  dataset.name = "fuzz";
  dataset.flags = source.Byte() % 2;
  dataset.open_interactions = Open<openp5_interaction_reader, openp5_interaction>;
  dataset.open_items = Open<openp5_item_reader, openp5_item>;
  const auto raw = openp5::datasets::ReadPluginDataset(dataset, "raw");
  openp5::fuzz::ExpectMessage(raw.status());
  if (raw.ok()) {
    for (const auto& item : raw->items) {
      openp5::fuzz::Expect(!item.item.empty(), "an item that was accepted has an id");
    }
  }
  return 0;
}
