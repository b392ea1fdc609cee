#include "platform/text/tokenizer_json.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = openp5::text::ParseTokenizerJson(std::string(openp5::fuzz::Text(data, size)));
  openp5::fuzz::ExpectMessage(parsed.status());
  if (!parsed.ok()) return 0;
  openp5::fuzz::Expect(parsed->pieces.size() <= size, "no more pieces than the file has bytes");
  const auto model = openp5::text::MakePieceModel(*parsed);
  openp5::fuzz::ExpectMessage(model.status());
  if (!model.ok()) return 0;
  // Texts go through the file's own steps, and every word has ids of the file.
  for (const char* text : {"", "Toy item_1034, x", "  e\xcc\x81 \xef\xac\x81\n12 \xe6\x97\xa5"}) {
    const std::string normalized = parsed->normalizer.Normalize(text);
    if (normalized.size() > 100'000) return 0;  // a file may make a letter a book
    std::vector<int32_t> ids;
    parsed->pre_tokenizer.Split({normalized, true},
                                [&](const auto& word) { (*model)->Encode(word.text, &ids); });
    for (const int32_t id : ids) {
      openp5::fuzz::Expect(id >= 0 && id < static_cast<int32_t>(parsed->pieces.size()),
                           "ids of the file");
    }
  }
  return 0;
}
