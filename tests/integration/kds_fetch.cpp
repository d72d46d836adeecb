// Fetches the chain of an AMD chip and prints its parts in hex, or {"code","message"}.
// Usage: kds_fetch ROOT.der BASE CACHE PRODUCT CHIP_ID UNIX_SECONDS [offline]
#include "codec/json.hpp"
#include "fetch/kds.hpp"
#include "fetch/service_url.hpp"
#include "sys/files.hpp"

#include <cstdio>

namespace dstack {
namespace {

constexpr std::chrono::milliseconds timeout{2000};

Result<codec::Json> chain(const std::vector<std::string>& words)
{
  fetch::ServiceOptions options;
  const snp::Anchor root{snp::Product::milan, TRY(sys::read_file(words.at(0), 65536))};
  options.base = TRY(fetch::service_base(words.at(1)));
  options.timeout = timeout;
  options.refresh_after = std::chrono::milliseconds{0};
  if (words.size() > 6) options.network = fetch::Network::offline;
  const fetch::KdsSource source{fetch::CollateralCache{words.at(2)}, options, {root}};
  fetch::KdsRequest request{words.at(3), TRY(parse_hex(words.at(4))), {4, 0, 23, 213, {}}};
  if (request.product == "Turin") request.tcb.fmc = 1;
  const Time at{static_cast<std::int64_t>(TRY(parse_u64(words.at(5)))) * 1000};
  const fetch::KdsChain got = TRY(source.chain(request, at));
  return codec::Json{}
      .set("vcek", hex(got.vcek))
      .set("ask", hex(got.ask))
      .set("ark", hex(got.ark))
      .set("crl", hex(got.crl))
      .set("from_network", std::uint64_t{got.from_network});
}

} // namespace
} // namespace dstack

int main(int argc, char** argv)
{
  using dstack::codec::Json;
  if (argc < 7) return 2;
  const auto got = dstack::chain({argv + 1, argv + argc});
  const Json out = got ? *got
                       : Json{}
                             .set("code", dstack::name_of(got.error().code()))
                             .set("message", got.error().message());
  std::puts(dstack::codec::write_json(out).c_str());
  return 0;
}
