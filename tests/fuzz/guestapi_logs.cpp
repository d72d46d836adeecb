// links: guestapi
// A container's log as dockerd streams it, in each form: whole and byte by byte give the same, text
// is UTF-8, nothing a terminal would obey is left in stripped text, output is bounded by input.
#include "base/text.hpp"
#include "guestapi/log_frames.hpp"
#include "guestapi/page.hpp"

using namespace dstack;

namespace {

std::string formatted(std::string_view data, guestapi::LogForm form, std::size_t step)
{
  std::string out;
  guestapi::LogFormatter formatter{form};
  for (std::size_t at = 0; at < data.size(); at += step)
    out += formatter.feed(data.substr(at, step));
  return out + formatter.finish();
}

enum class Cuts { none, tried };

void check_form(std::string_view data, guestapi::LogForm form, Cuts cuts)
{
  // An empty line of a terminal becomes {"channel":"console","message":"Cg=="} and a line feed.
  constexpr std::size_t most_per_byte = 40;
  constexpr std::size_t error_line = 128;
  const std::string whole = formatted(data, form, data.empty() ? 1 : data.size());
  if (cuts == Cuts::tried) {
    DSTACK_ASSERT(whole == formatted(data, form, 1));
    DSTACK_ASSERT(whole == formatted(data, form, 7));
  }
  DSTACK_ASSERT(is_utf8(whole));
  DSTACK_ASSERT(whole.size() <= data.size() * most_per_byte + error_line);
  if (form.text && form.bare && !form.ansi) DSTACK_ASSERT(whole.find('\x1b') == std::string::npos);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  for (unsigned bits = 0; bits < 8; ++bits)
    check_form(text, {(bits & 1U) != 0, (bits & 2U) != 0, (bits & 4U) != 0},
               size % 8 == bits ? Cuts::tried : Cuts::none);
  const std::string lossy = guestapi::lossy_utf8(text);
  DSTACK_ASSERT(is_utf8(lossy));
  DSTACK_ASSERT(!is_utf8(text) || lossy == text);
  const std::string html = guestapi::escape_html(text);
  DSTACK_ASSERT(html.find_first_of("<>\"'") == std::string::npos);
  return 0;
}
