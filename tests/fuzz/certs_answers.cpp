// links: certs
// What Cloudflare and operators' programs answer: ids can be part of a path, records that are read
// can be written again.
#include "certs/cloudflare.hpp"
#include "certs/dynamic_update.hpp"

using namespace dstack;
using namespace dstack::certs;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  if (const auto zones = parse_cloudflare_zones(text))
    for (const CloudflareZone& one : zones->items)
      DSTACK_ASSERT(!one.id.empty() && one.id.find_first_of("/.?# \r\n") == std::string::npos);
  if (const auto records = parse_cloudflare_records(text))
    for (const CloudflareRecord& one : records->items) {
      DSTACK_ASSERT(!one.id.empty() && one.id.find_first_of("/.?# \r\n") == std::string::npos);
      if (const auto* caa = std::get_if<acme::CaaRecord>(&one.data))
        DSTACK_ASSERT(caa->flags <= 255);
    }
  if (const auto done = parse_cloudflare_done(text); !done)
    DSTACK_ASSERT(done.error().message().size() < 4096);
  if (const auto record = acme::parse_caa_record(text)) {
    const auto again = acme::parse_caa_record(record->text());
    DSTACK_ASSERT(again && *again == *record);
  }
  if (const auto server = parse_server(text))
    DSTACK_ASSERT(!server->host.empty() && server->port > 0);
  return 0;
}
