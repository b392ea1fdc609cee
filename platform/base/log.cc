#include "platform/base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <string>

#include "platform/base/utf8.h"

namespace openp5 {
namespace {
spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>(
        "openp5", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%^%l%$: %v");
    return made;
  }();
  return *logger;
}

void Write(spdlog::level::level_enum level, std::string_view message) {
  const std::string line = OneLine(message);
  Logger().log(level, spdlog::string_view_t(line.data(), line.size()));
}

// True for what a terminal may obey: C0 and C1 controls, line and paragraph separators, and the
// marks that turn the direction of text round. `character` is well-formed UTF-8.
bool IsControl(std::string_view character) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (character.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;  // U+0080 to U+009F
  if (character.size() != 3 || byte(0) != 0xe2) return false;
  return (byte(1) == 0x80 && byte(2) >= 0xa8 && byte(2) <= 0xae) ||  // U+2028 to U+202E
         (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);    // U+2066 to U+2069
}
}  // namespace

std::string OneLine(std::string_view text) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const size_t length = Utf8CharacterLength(text);
    const std::string_view character = text.substr(0, std::max<size_t>(length, 1));
    text.remove_prefix(character.size());
    if (character == "\n") {
      line += "\\n";
    } else if (character == "\t") {
      line += "\\t";
    } else if (length == 0 || IsControl(character)) {
      for (const char byte : character) {
        const auto code = static_cast<unsigned char>(byte);
        line += {'\\', 'x', kDigits[code >> 4], kDigits[code & 15]};
      }
    } else {
      line += character;
    }
  }
  return line;
}

void LogInfo(std::string_view message) { Write(spdlog::level::info, message); }
void LogWarning(std::string_view message) { Write(spdlog::level::warn, message); }
void LogError(std::string_view message) { Write(spdlog::level::err, message); }

void LogInfoLines(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    LogInfo(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void SetQuiet(bool quiet) { Logger().set_level(quiet ? spdlog::level::warn : spdlog::level::info); }
bool IsQuiet() { return Logger().level() == spdlog::level::warn; }

}  // namespace openp5
