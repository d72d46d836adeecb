#include "fetch/kds.hpp"
#include "fetch/pcs_request.hpp"
#include "fetch/service_client.hpp"
#include "fetch/service_url.hpp"

#include <doctest/doctest.h>

namespace dstack::fetch {
namespace {

using std::chrono::milliseconds;

Errc code_of_base(std::string_view text)
{
  const auto base = service_base(text);
  REQUIRE_FALSE(base);
  return base.error().code();
}

PcsRequest request(dcap::TeeType tee, const TcbUpdate& update)
{
  return {{0x00, 0x80, 0x6f, 0x05, 0x00, 0xab}, tee, PckCa::processor, update};
}

http::Response busy(std::string retry_after)
{
  return {429, {{"retry-AFTER", std::move(retry_after)}}, ""};
}

} // namespace

TEST_SUITE("fetch::service")
{
  TEST_CASE("a service's address loses what people append to it")
  {
    for (const std::string_view text :
         {"https://h:8081", "https://h:8081/", "https://h:8081//",
          "https://h:8081/sgx/certification/v4", "https://h:8081/sgx/certification/v4/",
          "https://h:8081/tdx/certification/v4", "https://h:8081/vcek/v1"}) {
      CAPTURE(text);
      CHECK(*service_base(text) == "https://h:8081");
    }
    CHECK(*service_base("https://h/a/b/") == "https://h/a/b");
    CHECK(*service_base("HTTPS://H") == "HTTPS://H");
  }

  TEST_CASE("plain http is for this machine only")
  {
    for (const std::string_view text :
         {"http://localhost", "http://LOCALHOST:8081", "http://127.0.0.1:1", "http://127.9.9.9",
          "http://[::1]:8081"})
      CHECK(service_base(text));
    for (const std::string_view text :
         {"http://h", "http://127.0.0.1.example.com", "http://localhost.example.com", "http://127",
          "http://[::2]", "http://0x7f.1", "http://10.0.0.1"}) {
      CAPTURE(text);
      CHECK(code_of_base(text) == Errc::config);
    }
  }

  TEST_CASE("addresses with more than scheme, host, port and path are refused")
  {
    for (const std::string_view text :
         {"", "https://", "https:///x", "h:8081", "ftp://h", "file:///etc/passwd", "https:h",
          "https://h?x", "https://h#x", "https://me@h", "http://localhost@h",
          "https://h\\@localhost", "https://h/%2e", "https://h x", "https://h\n", "https//h"}) {
      CAPTURE(text);
      CHECK(code_of_base(text) == Errc::config);
    }
    CHECK(code_of_base("https://" + std::string(600, 'a')) == Errc::config);
    CHECK(service_base("https://me:secret@h").error().message().find("secret") ==
          std::string::npos);
  }

  TEST_CASE("PCS questions are those of the interface's description")
  {
    const auto tdx = request(dcap::TeeType::tdx, {});
    CHECK(tcb_info_url("https://h", tdx) ==
          "https://h/tdx/certification/v4/tcb?fmspc=00806F0500AB&update=standard");
    const auto early = request(dcap::TeeType::sgx, {TcbUpdate::Kind::early, 0});
    CHECK(qe_identity_url("https://h", early) ==
          "https://h/sgx/certification/v4/qe/identity?update=early");
    const auto number = request(dcap::TeeType::sgx, {TcbUpdate::Kind::number, 17});
    CHECK(tcb_info_url("https://h", number) ==
          "https://h/sgx/certification/v4/tcb?fmspc=00806F0500AB&tcbEvaluationDataNumber=17");
    CHECK(pck_crl_url("https://h", tdx) ==
          "https://h/sgx/certification/v4/pckcrl?ca=processor&encoding=der");
    CHECK(root_crl_url("https://h") == "https://h/sgx/certification/v4/rootcacrl");
    CHECK(root_crl_url(intel_pcs) ==
          "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
  }

  TEST_CASE("a PCK certificate is asked for with PCESVN in little-endian, at a PCCS with the QE id")
  {
    PckRequest one;
    one.encrypted_ppid = {0xab, 0xcd};
    one.cpu_svn[0] = 0x0f;
    one.pce_svn = 0x010d;
    one.qe_id[15] = 0xee;
    const std::string common = "/sgx/certification/v4/pckcert?encrypted_ppid=ABCD&cpusvn="
                               "0F000000000000000000000000000000&pcesvn=0D01&pceid=0000";
    CHECK(pck_certificate_url(intel_pcs, one) == std::string{intel_pcs} + common);
    CHECK(pck_certificate_url("https://h", one) ==
          "https://h" + common + "&qeid=000000000000000000000000000000EE");
    CHECK(tcbm_text(one) == "0F0000000000000000000000000000000D01");
  }

  TEST_CASE("words of the command line")
  {
    CHECK(parse_update("standard")->kind == TcbUpdate::Kind::standard);
    CHECK(parse_update("early")->kind == TcbUpdate::Kind::early);
    CHECK(parse_update("4294967295")->number == 4294967295U);
    for (const std::string_view text : {"", "0", "4294967296", "-1", "Early", "17x"})
      CHECK_FALSE(parse_update(text));
    for (const std::string_view text : {"", "00806F05000", "00806F0500000", "00806F05000G"})
      CHECK_FALSE(parse_fmspc(text));
    CHECK(*pck_ca_of_issuer("Intel SGX PCK Platform CA") == PckCa::platform);
    CHECK(*pck_ca_of_issuer("Intel SGX PCK Processor CA") == PckCa::processor);
    for (const std::string_view text :
         {"", "Intel SGX Root CA", "dstack SIMULATED SGX PCK Platform CA", "Platform CA"})
      CHECK(pck_ca_of_issuer(text).error().code() == Errc::unsupported);
  }

  TEST_CASE("VCEKs are asked for by product, chip and TCB")
  {
    KdsRequest one{"Genoa", Bytes(64, 0x1a), {10, 0, 23, 84, {}}};
    const std::string chip = hex(one.chip_id);
    CHECK(*vcek_url("https://h", one) ==
          "https://h/vcek/v1/Genoa/" + chip + "?blSPL=10&teeSPL=00&snpSPL=23&ucodeSPL=84");
    one.tcb.fmc = 1;
    CHECK_FALSE(vcek_url("https://h", one));
    one.product = "Turin";
    CHECK(*vcek_url("https://h", one) == "https://h/vcek/v1/Turin/" + chip.substr(0, 16) +
                                             "?fmcSPL=01&blSPL=10&teeSPL=00&snpSPL=23&ucodeSPL=84");
    one.chip_id = Bytes(64, 0);
    CHECK(vcek_url("https://h", one).error().code() == Errc::unsupported);
  }

  TEST_CASE("a busy service is left alone as long as it asks, within reason and the time left")
  {
    const milliseconds left{30'000};
    CHECK(*pause_before_retry(busy("2"), 0, left) == milliseconds{2000});
    CHECK(*pause_before_retry(busy("0"), 0, left) == milliseconds{0});
    CHECK(*pause_before_retry(busy("20"), 0, left) == milliseconds{20'000});
    CHECK_FALSE(pause_before_retry(busy("21"), 0, left));
    CHECK_FALSE(pause_before_retry(busy("18446744073709551617"), 0, left));
    CHECK_FALSE(pause_before_retry(busy("2"), 0, milliseconds{2000}));
    CHECK(*pause_before_retry(busy("2"), 0, milliseconds{2001}) == milliseconds{2000});
    const http::Response silent{503, {}, ""};
    CHECK(*pause_before_retry(silent, 0, left) == milliseconds{500});
    CHECK(*pause_before_retry(silent, 1, left) == milliseconds{1000});
    CHECK(*pause_before_retry(busy("Wed, 21 Oct 2026 07:28:00 GMT"), 0, left) == milliseconds{500});
  }
}

} // namespace dstack::fetch
