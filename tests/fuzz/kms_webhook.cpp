// links: kms
#include "base/text.hpp"
#include "kms/webhook.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text(ByteView{data, size});
  const auto answer = kms::decision_of("http://u:p@auth", 200, text);
  if (answer && answer->allowed != answer->reason.empty()) __builtin_trap();
  if (!answer && answer.error().message().find("u:p") != std::string::npos) __builtin_trap();
  static_cast<void>(kms::webhook_info_of("http://auth", 200, text));
  if (const auto json = codec::parse_json(text); json) {
    const auto info = kms::boot_info_from_json(*json);
    if (info && !(*kms::boot_info_from_json(kms::to_record(*info)) == *info)) __builtin_trap();
  }
  static_cast<void>(kms::claimed_image_hash(text, ""));
  for (const std::size_t max : {0U, 1U, 5U, 512U}) {
    const std::string cut = kms::cut_text(text, max);
    if (!is_utf8(cut) || cut.size() > max) __builtin_trap();
  }
  if (!is_utf8(kms::redact_url(text))) __builtin_trap();
  return 0;
}
