#include "x509/app_chain.hpp"

#include "x509/app_certificate.hpp"

#include <doctest/doctest.h>

namespace dstack::x509 {
namespace {

constexpr Time now{1'767'225'600'000};
constexpr std::int64_t later = 2'000'000'000;

struct Made {
  crypto::P256Key key = crypto::P256Key::generate();
  Bytes der{};
};

Made make(const char* name,
          const char* issuer_name,
          const crypto::P256Key* issuer,
          std::optional<int> path_length,
          std::int64_t not_after = later)
{
  Made out;
  AppCertificateSpec spec;
  spec.subject.common_name = name;
  spec.issuer.common_name = issuer_name;
  spec.ca_path_length = path_length;
  spec.not_after = not_after;
  out.der = *make_app_certificate(spec, out.key.spki_der(), issuer == nullptr ? out.key : *issuer);
  return out;
}

std::string why(const Status& status)
{
  return status ? "" : status.error().message();
}

} // namespace

TEST_SUITE("x509::app_chain")
{
  TEST_CASE("a leaf, the app's authority and the known root are a chain")
  {
    const Made root = make("root", "root", nullptr, 1);
    const Made app = make("app", "root", &root.key, 0);
    const Made leaf = make("leaf", "app", &app.key, std::nullopt);
    const Bytes known = root.key.spki_der();
    CHECK(check_app_chain({leaf.der, app.der, root.der}, known, now));
    CHECK(check_app_chain({app.der, root.der}, known, now));
    // A replica's certificate of the same root key (trap 16: pin the key, not the certificate).
    AppCertificateSpec again;
    again.subject.common_name = again.issuer.common_name = "root";
    again.ca_path_length = 1;
    again.not_after = later + 9;
    const Bytes other = *make_app_certificate(again, known, root.key);
    CHECK(check_app_chain({leaf.der, app.der, other}, known, now));
  }

  TEST_CASE("nothing else is")
  {
    const Made root = make("root", "root", nullptr, 1);
    const Made app = make("app", "root", &root.key, 0);
    const Made leaf = make("leaf", "app", &app.key, std::nullopt);
    const Bytes known = root.key.spki_der();
    const Made stranger = make("root", "root", nullptr, 1);
    const Made theirs = make("app", "root", &stranger.key, 0);
    CHECK(why(check_app_chain({leaf.der, app.der, stranger.der}, known, now)) ==
          "the chain ends in another root");
    CHECK_FALSE(check_app_chain({leaf.der, theirs.der, root.der}, known, now));
    CHECK_FALSE(check_app_chain({leaf.der, root.der}, known, now)); // the app's is left out
    CHECK_FALSE(check_app_chain({leaf.der, app.der}, known, now));
    CHECK_FALSE(check_app_chain({root.der}, known, now));
    CHECK_FALSE(check_app_chain({}, known, now));
    CHECK_FALSE(check_app_chain({leaf.der, to_bytes("x"), root.der}, known, now));
    // A leaf that signs, and an authority below one that may have none.
    const Made below = make("below", "leaf", &leaf.key, std::nullopt);
    CHECK_FALSE(check_app_chain({below.der, leaf.der, app.der, root.der}, known, now));
    const Made under = make("under", "app", &app.key, 0);
    const Made deep = make("deep", "under", &under.key, std::nullopt);
    CHECK_FALSE(check_app_chain({deep.der, under.der, app.der, root.der}, known, now));
    // The root's key in a certificate that somebody else signed.
    AppCertificateSpec spec;
    spec.subject.common_name = spec.issuer.common_name = "root";
    spec.ca_path_length = 1;
    spec.not_after = later;
    const Bytes forged = *make_app_certificate(spec, known, stranger.key);
    CHECK_FALSE(check_app_chain({leaf.der, app.der, forged}, known, now));
    const Made old = make("old", "app", &app.key, std::nullopt, 1'000'000'000);
    CHECK(why(check_app_chain({old.der, app.der, root.der}, known, now)).find("expired") !=
          std::string::npos);
  }
}

} // namespace dstack::x509
