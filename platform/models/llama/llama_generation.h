#ifndef OPENP5_PLATFORM_MODELS_LLAMA_LLAMA_GENERATION_H_
#define OPENP5_PLATFORM_MODELS_LLAMA_LLAMA_GENERATION_H_

#include <memory>

#include "platform/models/common/generation.h"
#include "platform/models/llama/llama_weights.h"

namespace openp5::models {

// Decoding state after `prompts` but their last tokens, which are the start tokens. A prompt's keys
// and values are kept once a user and shared by its beams; generated ones once a continuation.
// What `context` refers to must outlive it.
std::unique_ptr<GenerationState> MakeLlamaGeneration(const LlamaContext& context,
                                                     const PackedBatch& prompts);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_LLAMA_LLAMA_GENERATION_H_
