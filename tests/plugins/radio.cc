// A dataset plugin in C++: a log `milliseconds<TAB>listener<TAB>artist` in order of time; every
// artist's first listener is told as a field. Two datasets from one class: every play, and only the
// first play of each artist by a listener.
//
//     c++ -std=c++17 -shared -fPIC -I PREFIX/include -o radio.so radio.cc
#include <openp5/datasets/plugin_abi.h>

#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

openp5_text TextOf(const std::string& text) { return {text.data(), text.size()}; }

struct Play {
  int64_t milliseconds = 0;
  std::string listener, artist;
};

// Reads plays; throws std::runtime_error, which the callbacks below turn into an error.
class Log {
 public:
  Log(const std::string& path, bool first_only) : file_(path), first_only_(first_only) {
    if (!file_) throw std::runtime_error("cannot be opened");
  }

  bool Next(Play* play) {
    while (std::getline(file_, line_)) {
      ++number_;
      const size_t first = line_.find('\t'), second = line_.find('\t', first + 1);
      if (first == std::string::npos || second == std::string::npos) {
        throw std::runtime_error("line " + std::to_string(number_) + ": expected 3 columns");
      }
      size_t used = 0;
      play->milliseconds = std::stoll(line_.substr(0, first), &used);
      if (used != first) {
        throw std::runtime_error("line " + std::to_string(number_) + ": expected milliseconds");
      }
      play->listener = line_.substr(first + 1, second - first - 1);
      play->artist = line_.substr(second + 1);
      if (!first_only_ || seen_.insert({play->listener, play->artist}).second) return true;
    }
    return false;
  }

 private:
  std::ifstream file_;
  bool first_only_;
  std::string line_;
  long number_ = 0;
  std::set<std::pair<std::string, std::string>> seen_;
};

// The state behind a reader of either kind. Its strings back the texts of the latest record.
struct State {
  std::unique_ptr<Log> log;
  Play play;
  std::set<std::string> artists;
  std::vector<openp5_item_field> fields;
  std::string error;
};

// Runs `body`; what it throws becomes the reader's error.
template <class Reader, class Body>
int32_t Guarded(Reader* reader, Body body) {
  State* state = static_cast<State*>(reader->private_data);
  try {
    return body(state);
  } catch (const std::exception& error) {
    if (state != nullptr) state->error = error.what();
    return OPENP5_ERROR;
  }
}

template <class Reader>
const char* LastError(Reader* reader) {
  const State* state = static_cast<State*>(reader->private_data);
  return state == nullptr ? "out of memory" : state->error.c_str();
}

template <class Reader>
void Release(Reader* reader) {
  delete static_cast<State*>(reader->private_data);
}

int32_t NextInteraction(openp5_interaction_reader* reader, openp5_interaction* record) {
  return Guarded(reader, [record](State* state) {
    if (!state->log->Next(&state->play)) return OPENP5_END;
    record->user = TextOf(state->play.listener);
    record->item = TextOf(state->play.artist);
    record->time = state->play.milliseconds;
    return OPENP5_OK;
  });
}

const std::string kKey = "first_listener";

int32_t NextItem(openp5_item_reader* reader, openp5_item* record) {
  return Guarded(reader, [record](State* state) {
    do {
      if (!state->log->Next(&state->play)) return OPENP5_END;
    } while (!state->artists.insert(state->play.artist).second);
    state->fields = {{TextOf(kKey), TextOf(state->play.listener)}};
    record->item = TextOf(state->play.artist);
    record->title = TextOf(state->play.artist);
    record->fields = state->fields.data();
    record->field_count = state->fields.size();
    return OPENP5_OK;
  });
}

template <class Reader>
int32_t Open(const openp5_dataset* dataset, const char* raw, Reader* reader) {
  reader->last_error = LastError<Reader>;
  reader->release = Release<Reader>;
  reader->private_data = new (std::nothrow) State;
  return Guarded(reader, [&](State* state) {
    if (state == nullptr) return OPENP5_ERROR;
    state->log = std::make_unique<Log>(raw, dataset->private_data != nullptr);
    return OPENP5_OK;
  });
}

int32_t OpenInteractions(const openp5_dataset* dataset, const char* raw,
                         openp5_interaction_reader* reader) {
  reader->next = NextInteraction;
  return Open(dataset, raw, reader);
}

int32_t OpenItems(const openp5_dataset* dataset, const char* raw, openp5_item_reader* reader) {
  reader->next = NextItem;
  return Open(dataset, raw, reader);
}

openp5_dataset Describe(const char* name, const char* rule, void* first_only) {
  openp5_dataset dataset = {};
  dataset.struct_size = sizeof dataset;
  dataset.name = name;
  dataset.title = "Plays of a radio";
  dataset.rule = rule;
  dataset.flags = OPENP5_DATASET_SORTED_BY_TIME;
  dataset.core = 3;
  dataset.time_units_per_second = 1000;
  dataset.private_data = first_only;
  dataset.open_interactions = OpenInteractions;
  dataset.open_items = OpenItems;
  return dataset;
}

}  // namespace

extern "C" const openp5_plugin* openp5_plugin_entry(const openp5_host* /*host*/) {
  static int first_only = 1;
  static const openp5_dataset plays = Describe("radio", "every play is an interaction", nullptr);
  static const openp5_dataset firsts =
      Describe("radio-first", "the first play of an artist by a listener", &first_only);
  static const openp5_dataset* const datasets[] = {&plays, &firsts};
  static openp5_plugin plugin = {};
  plugin.struct_size = sizeof plugin;
  plugin.abi_version = OPENP5_PLUGIN_ABI_VERSION;
  plugin.dataset_count = 2;
  plugin.name = "radio";
  plugin.version = "0.2";
  plugin.datasets = datasets;
  return &plugin;
}
