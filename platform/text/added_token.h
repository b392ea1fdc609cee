#ifndef OPENP5_PLATFORM_TEXT_ADDED_TOKEN_H_
#define OPENP5_PLATFORM_TEXT_ADDED_TOKEN_H_

#include <cstdint>
#include <string>

namespace openp5::text {

// A token that a tokenizer's model does not make by itself, as Hugging Face's files describe it.
struct AddedToken {
  int32_t id = 0;
  std::string content = {};
  bool special = false;      // left out of decoded texts
  bool lstrip = false;       // takes the blanks before it along
  bool rstrip = false;       // and those behind it
  bool single_word = false;  // not found inside of a word
  bool normalized = false;   // looked for in the normalized text, not in the text as it is
};

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_ADDED_TOKEN_H_
