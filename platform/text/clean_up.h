#ifndef OPENP5_PLATFORM_TEXT_CLEAN_UP_H_
#define OPENP5_PLATFORM_TEXT_CLEAN_UP_H_

#include <string>

namespace openp5::text {

// Drops the blanks a decoded text has before `.`, `?`, `!`, `,`, `n't`, `'m`, `'s`, `'ve`, `'re`
// and around a lone `'`, as Hugging Face's `clean_up_tokenization_spaces` does.
std::string CleanUpBlanks(std::string text);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_CLEAN_UP_H_
