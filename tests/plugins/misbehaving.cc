// A plugin whose datasets each break one rule of plugin_abi.h; its name says which.
#include <openp5/datasets/plugin_abi.h>

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Case {
  const char* name;
  int32_t (*next)(openp5_interaction_reader* self, openp5_interaction* record);
  uint32_t flags = 0;
};

openp5_text TextOf(const char* text) { return {text, std::strlen(text)}; }

// The number of the record that is asked for, from 0; a plain record to begin with.
intptr_t Plain(openp5_interaction_reader* self, openp5_interaction* record) {
  record->user = TextOf("u");
  record->item = TextOf("i");
  const auto number = reinterpret_cast<intptr_t>(self->private_data);
  self->private_data = reinterpret_cast<void*>(number + 1);
  record->time = number;
  return number;
}

#define NEXT [](openp5_interaction_reader * self, openp5_interaction * record) -> int32_t
#define BREAK_SECOND(statement)              \
  NEXT {                                     \
    if (Plain(self, record) == 1) statement; \
    return OPENP5_OK;                        \
  }

const Case kCases[] = {
    {"invalid-utf8", BREAK_SECOND(record->user = TextOf("caf\xe9"))},
    {"empty-user", BREAK_SECOND(record->user = TextOf(""))},
    {"absent-item", BREAK_SECOND(record->item = (openp5_text{nullptr, 0}))},
    {"null-with-size", BREAK_SECOND(record->item = (openp5_text{nullptr, 7}))},
    {"absurd-size", BREAK_SECOND(record->item.size = UINT64_MAX)},
    {"long-id", BREAK_SECOND(record->item.size = OPENP5_MAX_ID_SIZE + 1)},
    {"blank-in-id", BREAK_SECOND(record->item = TextOf("two words"))},
    {"control-in-id", BREAK_SECOND(record->item = TextOf("a\nb"))},
    {"absurd-event", BREAK_SECOND(record->event = (openp5_text{"x", uint64_t{1} << 40}))},
    {"bad-rating", BREAK_SECOND((record->has_rating = 1, record->rating = std::nan("")))},
    {"bad-flag", BREAK_SECOND(record->has_rating = 2)},
    {"decreasing-time", BREAK_SECOND(record->time = -1), OPENP5_DATASET_SORTED_BY_TIME},
    {"writes-beyond", BREAK_SECOND(reinterpret_cast<char*>(record + 1)[0] = 'x')},
    {"resizes-record", BREAK_SECOND(record->struct_size = 4)},
    {"unknown-return", NEXT{return Plain(self, record) == 1 ? 7 : OPENP5_OK;
}  // namespace
}
, {"error-in-mid-stream", NEXT{return Plain(self, record) == 1 ? OPENP5_ERROR : OPENP5_OK;
}
}
, {"throws", NEXT{return Plain(self, record) == 1 ? throw std::runtime_error("x") : OPENP5_OK;
}
}
, {"fails-silently", NEXT{return Plain(self, record) == 1 ? OPENP5_ERROR : OPENP5_OK;
}
}
, {"no-next", nullptr},
    {"no-last-error", NEXT{return Plain(self, record) == 1 ? OPENP5_END : OPENP5_OK;
}
}
, {"no-release", NEXT{return Plain(self, record) == 1 ? OPENP5_END : OPENP5_OK;
}
}
, {"resizes-reader", NEXT{return Plain(self, record) == 1 ? OPENP5_END : OPENP5_OK;
}
}
, {"never-the-same", NEXT{static int64_t time = 0;
if (Plain(self, record) == 3) return OPENP5_END;
record->time = ++time;
return OPENP5_OK;
}
}
, {"opens-strangely", nullptr}, {"throws-at-open", nullptr},
}
;

const char* LastError(openp5_interaction_reader*) { return "row 2:\nbroken"; }
const char* NoReason(openp5_interaction_reader*) { return nullptr; }
void Release(openp5_interaction_reader*) {}

int32_t Open(const openp5_dataset* self, const char*, openp5_interaction_reader* reader) {
  const std::string name = self->name;
  reader->next = static_cast<const Case*>(self->private_data)->next;
  reader->last_error = name == "no-last-error"    ? nullptr
                       : name == "fails-silently" ? NoReason
                                                  : LastError;
  reader->release = name == "no-release" ? nullptr : Release;
  if (name == "resizes-reader") reader->struct_size = 8;
  if (name == "throws-at-open") throw std::runtime_error("x");
  return name == "opens-strangely" ? 42 : OPENP5_OK;
}

}  // namespace

extern "C" const openp5_plugin* openp5_plugin_entry(const openp5_host* /*host*/) {
  static std::vector<openp5_dataset> datasets;
  static std::vector<const openp5_dataset*> pointers;
  for (const Case& each : kCases) {
    openp5_dataset dataset = {};
    dataset.struct_size = sizeof dataset;
    dataset.name = each.name;
    dataset.title = "Breaks a rule";
    dataset.rule = "none";
    dataset.flags = each.flags;
    dataset.private_data = const_cast<Case*>(&each);
    dataset.open_interactions = Open;
    datasets.push_back(dataset);
  }
  for (const openp5_dataset& dataset : datasets) pointers.push_back(&dataset);
  static openp5_plugin plugin = {};
  plugin.struct_size = sizeof plugin;
  plugin.abi_version = OPENP5_PLUGIN_ABI_VERSION;
  plugin.dataset_count = static_cast<uint32_t>(pointers.size());
  plugin.name = "misbehaving";
  plugin.version = "1";
  plugin.datasets = pointers.data();
  return &plugin;
}
