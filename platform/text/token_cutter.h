#ifndef OPENP5_PLATFORM_TEXT_TOKEN_CUTTER_H_
#define OPENP5_PLATFORM_TEXT_TOKEN_CUTTER_H_

#include <bitset>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace openp5::text {

// Finds literal tokens in a text: the leftmost first, of several at one place the longest.
// Thread-safe for const calls.
class TokenCutter {
 public:
  struct Match {
    size_t begin = std::string_view::npos, length = 0;
    int32_t id = -1;
  };

  // `token` must not be empty. A token given twice keeps its last id.
  void Add(std::string token, int32_t id);

  // The first match at or after `from`; id -1 if there is none.
  Match Next(std::string_view text, size_t from) const;

  // Calls `on_text` with each stretch between tokens (empty ones left out) and `on_token` with each
  // token's id, in order.
  void Cut(std::string_view text, const std::function<void(std::string_view)>& on_text,
           const std::function<void(int32_t)>& on_token) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> ids_;
  std::bitset<256> first_bytes_;
  std::vector<size_t> lengths_;  // distinct, longest first
};

// Makes a cutter for tokens whose ids do not matter. Empty ones are left out.
TokenCutter MakeCutter(const std::vector<std::string>& tokens);

// Returns the stretches of `text` between tokens; empty ones are left out.
std::vector<std::string> CutOut(const TokenCutter& cutter, std::string_view text);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_TOKEN_CUTTER_H_
