// links: kmsclient
// What a KMS answers, and addresses of one: no crash; a refusal is always short and printable. The
// first byte chooses the reader.
#include "kmsclient/trust.hpp"
#include "kmsclient/url.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  if (size == 0) return 0;
  const std::string text = to_text(ByteView{data + 1, size - 1});
  switch (data[0] % 8) {
  case 0:
    static_cast<void>(kmsclient::parse_temp_ca(text));
    break;
  case 1:
    static_cast<void>(kmsclient::parse_app_keys(text));
    break;
  case 2:
    if (const auto chain = kmsclient::parse_chain(text))
      static_cast<void>(kmsclient::check_certificate(*chain, {Bytes(91), Bytes(91), Bytes(20)},
                                                     Time{1'767'225'600'000}));
    break;
  case 3:
    static_cast<void>(kmsclient::parse_meta(text));
    break;
  case 4:
    if (const auto key = kmsclient::parse_env_key(text))
      static_cast<void>(kmsclient::check_env_key(*key, Bytes(20), {}, Time{1'767'225'600'000}));
    break;
  case 5: {
    const std::string why = kmsclient::refusal_of(http::Response{400, {}, text});
    DSTACK_ASSERT(!why.empty() && why.size() <= 1000);
    break;
  }
  case 6:
    if (const auto url = kmsclient::parse_url(text)) {
      const auto again = kmsclient::parse_url(url->text);
      DSTACK_ASSERT(again && again->host == url->host && again->port == url->port &&
                    again->path == url->path);
    }
    break;
  default:
    static_cast<void>(kmsclient::check_server(as_bytes(text)));
    break;
  }
  return 0;
}
