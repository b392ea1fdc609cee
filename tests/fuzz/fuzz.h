#ifndef OPENP5_TESTS_FUZZ_FUZZ_H_
#define OPENP5_TESTS_FUZZ_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

// A fuzz target defines this: libFuzzer calls it with invented bytes, replay_main.cc with fixtures.
// It must return 0 and come back, whatever the bytes are.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace openp5::fuzz {

inline std::string_view Text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Aborts unless `condition`: the parser broke a promise, which counts as a crash.
void Expect(bool condition, const char* promise);

// What every failure owes the user. That it is shown on one line is the log's promise.
void ExpectMessage(const absl::Status& status);

// A folder of this process in memory or among temporary files, for parsers that open files by name.
// Removed at exit.
const std::string& Folder();
// Replaces Folder()/name and returns its path.
std::string WriteInput(const std::string& name, std::string_view bytes);

// The parts of an input for parsers of several files: cut at bytes 0xff, which no UTF-8 text holds.
// What follows the last wanted cut stays in the last part; parts that are not there are empty.
std::string_view Part(std::string_view input, size_t index, size_t parts);

// Calls `read` with the input as it is, and with its SHA-256 at the end, which no invented bytes
// have right: what lies behind that check is fuzzed, too.
void ReadWithDigest(std::string_view input, const std::function<void(std::string_view)>& read);

}  // namespace openp5::fuzz

#endif  // OPENP5_TESTS_FUZZ_FUZZ_H_
