#ifndef OPENP5_DATASETS_DEFAULT_PROMPTS_H_
#define OPENP5_DATASETS_DEFAULT_PROMPTS_H_

namespace openp5::datasets {

// The text of datasets/prompts/default.txt as it was when the program was built. DefaultPrompts()
// of prompts.h is what others call.
const char* DefaultPromptText();

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_DEFAULT_PROMPTS_H_
