// links: acme
// Everything a server can answer: what is accepted has only URLs that keep to https, tokens that
// can be part of a path, and texts of bounded length.
#include "acme/jws.hpp"
#include "acme/messages.hpp"
#include "acme/session.hpp"

using namespace dstack;
using namespace dstack::acme;

namespace {

constexpr std::string_view directory_url = "https://ca.example/dir";

void check_url(const std::string& url)
{
  DSTACK_ASSERT(url.starts_with("https://") && url.size() <= max_url);
  DSTACK_ASSERT(url.find_first_of(" \r\n\"") == std::string::npos);
}

void documents(std::string_view text)
{
  if (const auto directory = parse_directory(text, directory_url)) {
    check_url(directory->new_nonce);
    check_url(directory->new_account);
    check_url(directory->new_order);
  }
  if (const auto order = parse_order(text, directory_url)) {
    check_url(order->finalize);
    for (const std::string& url : order->authorizations)
      check_url(url);
    DSTACK_ASSERT(order->state != State::valid || !order->certificate.empty());
  }
  if (const auto authorization = parse_authorization(text, directory_url))
    for (const Challenge& one : authorization->challenges) {
      check_url(one.url);
      DSTACK_ASSERT(is_token(one.token));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  constexpr Time now{1'800'000'000'000};
  const std::string_view text = as_text({data, size});
  documents(text);
  static_cast<void>(account_state_of(text));
  DSTACK_ASSERT(parse_problem(text, 400).text().size() < 4096);
  if (const auto info = parse_renewal_info(text)) DSTACK_ASSERT(info->start < info->end);
  if (const auto at = retry_after(text, now)) DSTACK_ASSERT(*at >= now);
  if (const auto raw = parse_base64url(text)) DSTACK_ASSERT(base64url(*raw) == text);
  static_cast<void>(check_chain(text, ByteView{data, size}, {"a.example"}, now));
  return 0;
}
