#include "snp/anchors.hpp"

#include "crypto/hash.hpp"
#include "x509/read.hpp"

#include <doctest/doctest.h>

using namespace dstack;
using namespace dstack::snp;

TEST_CASE("the pinned roots are AMD's")
{
  struct Expected {
    std::string_view certificate;
    std::string_view spki;
    std::string_view subject;
  };
  // openssl x509 -outform DER | sha256sum, and of its public key, over both sources of anchors.hpp
  constexpr std::array<Expected, 3> expected{
      {{"69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd",
        "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9", "ARK-Milan"},
       {"4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1",
        "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831", "ARK-Genoa"},
       {"1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a",
        "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08", "ARK-Turin"}}};
  const std::vector<Anchor> anchors = amd_anchors();
  REQUIRE(anchors.size() == expected.size());
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    const Bytes& der = anchors[i].certificate;
    CHECK(hex(crypto::sha256(der)) == expected[i].certificate);
    const auto certificate = x509::read_certificate(der);
    REQUIRE(certificate);
    CHECK(hex(crypto::sha256(certificate->spki)) == expected[i].spki);
    CHECK(certificate->subject.find(expected[i].subject) != std::string::npos);
    CHECK(expected[i].subject.ends_with(name_of(anchors[i].product)));
  }
}
