#include "fetch/collateral_shelf.hpp"

#include "fetch/test_server.hpp"
#include "sys/clock.hpp"
#include "sys/test_directory.hpp"

#include <atomic>

namespace dstack::fetch {
namespace {

constexpr std::uint16_t encrypted_ppid = 2; // of 256 bytes
constexpr std::uint16_t pck_chain = 5;

dcap::Collateral named(std::string name)
{
  dcap::Collateral out;
  out.tcb_info = std::move(name);
  return out;
}

/// Of a platform that names itself by an encrypted PPID: its chain has to be fetched.
dcap::Quote quote_of(const Bytes& ids)
{
  dcap::Quote out;
  out.tee = dcap::TeeType::tdx;
  out.certification_type = encrypted_ppid;
  out.certification_data = ids;
  return out;
}

Bytes ids_of(std::uint8_t platform)
{
  constexpr std::size_t ppid = 256;
  constexpr std::size_t rest = 16 + 2 + 2; // CPUSVN, PCESVN, PCE id
  return Bytes(ppid + rest, platform);
}

CollateralShelf::Sources asking(const std::string& base, const sys::TestDirectory& cache)
{
  CollateralShelf::Sources out;
  ServiceOptions options;
  options.base = base;
  out.service.emplace(CollateralCache{cache.path}, options, dcap::Anchor::intel());
  out.anchor = dcap::Anchor::intel();
  return out;
}

} // namespace

TEST_SUITE("fetch::CollateralShelf")
{
  TEST_CASE("a given set is taken for every quote, that of the simulated TEE for its own")
  {
    const Bytes ids = ids_of(1);
    CollateralShelf::Sources sources;
    sources.simulated = named("simulated");
    CollateralShelf without{sources};
    CHECK((*without.collateral_for(quote_of(ids), true, sys::now()))->set().tcb_info == "simulated");
    const auto real = without.collateral_for(quote_of(ids), false, sys::now());
    REQUIRE(!real);
    CHECK(real.error().code() == Errc::config);
    sources.file = named("file");
    CollateralShelf with{sources};
    for (const bool simulated : {false, true})
      CHECK((*with.collateral_for(quote_of(ids), simulated, sys::now()))->set().tcb_info == "file");
    CollateralShelf empty{{}};
    CHECK(empty.collateral_for(quote_of(ids), true, sys::now()).error().code() == Errc::not_found);
  }

  TEST_CASE("one asks for a platform, others wait; a refusal is kept and says nothing of the quote")
  {
    ::setenv("no_proxy", "127.0.0.1", 1);
    std::atomic<int> asked = 0;
    const net::Handler nothing = [&](const http::Request&, const net::Responder& to) {
      ++asked;
      to.send({404, {}, ""});
    };
    with_server(nothing, [&](const std::string& base) {
      const sys::TestDirectory cache;
      CollateralShelf shelf{asking(base, cache)};
      const Bytes first = ids_of(1);
      const auto ask = [&]() -> Status {
        const auto got = shelf.collateral_for(quote_of(first), false, sys::now());
        CHECK(!got);
        CHECK(got.error().code() == Errc::io);
        return ok();
      };
      CHECK(sys::run_parallel({ask, ask, ask, ask}, 4));
      CHECK(asked == 1);
      const Bytes second = ids_of(2);
      CHECK(!shelf.collateral_for(quote_of(second), false, sys::now()));
      CHECK(asked == 2);
    });
  }

  TEST_CASE("nobody is asked about a platform that no vendor vouches for")
  {
    ::setenv("no_proxy", "127.0.0.1", 1);
    std::atomic<int> asked = 0;
    const net::Handler count = [&](const http::Request&, const net::Responder& to) {
      ++asked;
      to.send({404, {}, ""});
    };
    with_server(count, [&](const std::string& base) {
      const sys::TestDirectory cache;
      CollateralShelf shelf{asking(base, cache)};
      dcap::Quote quote;
      quote.certification_type = pck_chain;
      const Bytes chain = to_bytes("no chain");
      quote.certification_data = chain;
      CHECK(!shelf.collateral_for(quote, false, sys::now()));
      CHECK(asked == 0);
    });
  }

  TEST_CASE("without a service of AMD's its certificates cannot be had")
  {
    const CollateralShelf shelf{{}};
    CHECK(!shelf.certificates_for(snp::Report{}, sys::now()));
  }
}

} // namespace dstack::fetch
