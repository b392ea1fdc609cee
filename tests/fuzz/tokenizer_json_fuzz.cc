#include "platform/text/byte_level_bpe.h"
#include "platform/text/tokenizer_json.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = openp5::text::ParseTokenizerJson(std::string(openp5::fuzz::Text(data, size)));
  openp5::fuzz::ExpectMessage(parsed.status());
  if (!parsed.ok()) return 0;
  openp5::fuzz::Expect(parsed->pieces.size() <= size, "no more pieces than the file has bytes");
  const auto bpe =
      openp5::text::ByteLevelBpe::Create(parsed->pieces, parsed->merges, parsed->ignore_merges);
  openp5::fuzz::ExpectMessage(bpe.status());
  return 0;
}
