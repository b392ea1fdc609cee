// Times of users' own files: the input's first part as a date and as numbers, and by a format that
// the second part gives.
#include "datasets/table/timestamps.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace openp5;

void ExpectMoment(const datasets::Moment& moment) {
  fuzz::Expect(moment.nanoseconds >= 0 && moment.nanoseconds < 1'000'000'000,
               "what follows a second is less than one");
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input = fuzz::Text(data, size);
  const std::string_view text = fuzz::Part(input, 0, 2);
  for (const int64_t units : {1, 1000, 1'000'000, 1'000'000'000}) {
    if (const auto moment = datasets::ParseUnixTime(text, units)) ExpectMoment(*moment);
  }
  const auto date = datasets::ParseDate(text);
  fuzz::ExpectMessage(date.status());
  if (date.ok()) ExpectMoment(*date);
  const std::string format(fuzz::Part(input, 1, 2));
  fuzz::ExpectMessage(datasets::CheckDateFormat(format));
  const auto own = datasets::ParseDateAs(text, format);
  fuzz::ExpectMessage(own.status());
  if (own.ok()) ExpectMoment(*own);
  return 0;
}
