// links: gatewayclient
// What a gateway answers to a registration, its certificate, and the kernel's handshakes: no crash;
// what is taken has few servers, each with a key, an address and an endpoint of its own, and
// nothing that could add a line to WireGuard's configuration or obey a terminal. The first byte
// chooses the reader.
#include "gatewayclient/handshakes.hpp"
#include "gatewayclient/registration.hpp"
#include "gatewayclient/trust.hpp"

using namespace dstack;

namespace {

bool is_plain(std::string_view text)
{
  for (const char c : text)
    if (c <= ' ' || c >= 0x7f) return false;
  return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  if (size == 0) return 0;
  const ByteView rest{data + 1, size - 1};
  if (data[0] % 4 == 1) {
    static_cast<void>(gatewayclient::check_gateway(rest, "any"));
    return 0;
  }
  if (data[0] % 4 == 2) {
    if (const auto newest = gatewayclient::newest_handshake(as_text(rest)))
      DSTACK_ASSERT(*newest >= 0);
    return 0;
  }
  const auto answer = gatewayclient::parse_registration(as_text(rest));
  if (!answer) return 0;
  DSTACK_ASSERT(answer->servers.size() <= gatewayclient::max_servers);
  DSTACK_ASSERT(is_plain(answer->domain));
  for (std::size_t i = 0; i < answer->servers.size(); ++i) {
    const gatewayclient::Server& server = answer->servers[i];
    DSTACK_ASSERT(!server.host.empty() && is_plain(server.host) && server.port != 0);
    DSTACK_ASSERT(server.address.is_v4() && server.address != answer->client);
    for (std::size_t k = 0; k < i; ++k)
      DSTACK_ASSERT(server.public_key != answer->servers[k].public_key &&
                    server.address != answer->servers[k].address);
  }
  return 0;
}
