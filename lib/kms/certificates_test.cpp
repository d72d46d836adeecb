#include "kms/certificates.hpp"

#include "attest/ratls.hpp"
#include "attest/ratls_write.hpp"
#include "crypto/hash.hpp"
#include "keys/root_keys.hpp"
#include "x509/read.hpp"

#include <doctest/doctest.h>

namespace dstack::kms {

namespace {

// spec kms 20
constexpr std::int64_t now = 1'767'225'600;
const Bytes app_id(20, 0xa1);

crypto::P256Key named_key(std::string_view words)
{
  return *crypto::P256Key::from_scalar(crypto::sha256(as_bytes(words)));
}
keys::RootKeys roots()
{
  const auto scalar = [](std::string_view text) { return *parse_hex_array<32>(text); };
  return {*crypto::P256Key::from_scalar(
              scalar("b872aaae4e75557b269600ac33a15ab16da9c854049ac60bd0b0313bdc51c70c")),
          Secret<32>{scalar("f5f94c8459cfa67d158bfa03a83eca3ea334523c5eacfda235429b2105fed3d8")}};
}

crypto::X509Certificate decode(const Bytes& der)
{
  const unsigned char* at = der.data();
  return crypto::X509Certificate{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
}

std::string serial(const Bytes& der)
{
  const auto read = decode(der);
  const crypto::Bn number{ASN1_INTEGER_to_BN(X509_get0_serialNumber(read.get()), nullptr)};
  std::array<std::uint8_t, 20> raw{};
  REQUIRE(BN_bn2binpad(number.get(), raw.data(), 20) == 20);
  return hex(raw);
}

std::string name(const X509_NAME* of)
{
  std::array<char, 256> text{};
  X509_NAME_oneline(of, text.data(), text.size());
  return text.data();
}
std::string subject(const Bytes& der)
{
  return name(X509_get_subject_name(decode(der).get()));
}
std::string issuer(const Bytes& der)
{
  return name(X509_get_issuer_name(decode(der).get()));
}

std::string extension_value(const Bytes& der, const char* oid)
{
  const auto read = *x509::read_certificate(der);
  const Bytes* found = read.find(oid);
  return found == nullptr ? "none" : hex(*found);
}

std::vector<std::string> oids(const Bytes& der)
{
  std::vector<std::string> out;
  const auto read = *x509::read_certificate(der);
  for (const auto& one : read.extensions)
    out.push_back(one.oid);
  return out;
}

bool verifies(const Bytes& leaf, const std::vector<Bytes>& between, const Bytes& root)
{
  const std::unique_ptr<X509_STORE, crypto::FreeWith<X509_STORE_free>> store{X509_STORE_new()};
  X509_STORE_add_cert(store.get(), decode(root).get());
  std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> middle{
      sk_X509_new_null(), [](STACK_OF(X509) * all) { sk_X509_pop_free(all, X509_free); }};
  for (const Bytes& one : between)
    sk_X509_push(middle.get(), decode(one).release());
  const std::unique_ptr<X509_STORE_CTX, crypto::FreeWith<X509_STORE_CTX_free>> context{
      X509_STORE_CTX_new()};
  const auto last = decode(leaf);
  X509_STORE_CTX_init(context.get(), store.get(), last.get(), middle.get());
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), now);
  return X509_verify_cert(context.get()) == 1;
}

attest::Csr request()
{
  attest::Csr out;
  out.public_key = named_key("leaf").spki_der();
  out.config.subject = "app.example.com";
  out.config.alt_names = {"app.example.com", "10.0.0.7"};
  out.config.server_auth = true;
  return out;
}

Errc code_of(const auto& result)
{
  REQUIRE_FALSE(result);
  return result.error().code();
}

constexpr const char* oid_app_id = "1.3.6.1.4.1.62397.1.3";
constexpr const char* oid_usage = "1.3.6.1.4.1.62397.1.4";
constexpr const char* oid_attestation = "1.3.6.1.4.1.62397.1.8";
constexpr const char* oid_app_info = "1.3.6.1.4.1.62397.1.9";

} // namespace

TEST_SUITE("kms::certificates")
{
  TEST_CASE("the root CA (spec kms 7.4, 20.1)")
  {
    const Bytes der = *root_ca_certificate(roots().ca, now);
    CHECK(serial(der) == "11205b48c4fd6628786c94813b509d84ae62adaf");
    CHECK(extension_value(der, "2.5.29.14") == "041477ad61ed69f618e6a3c8cc47aad8eca73888f8de");
    CHECK(subject(der) == "/O=Dstack/CN=Dstack KMS CA");
    CHECK(issuer(der) == subject(der));
    CHECK(extension_value(der, "2.5.29.19") == "30060101ff020101");
    CHECK(extension_value(der, "2.5.29.15") == "03020186");
    const auto read = *x509::read_certificate(der);
    CHECK(read.not_before == x509::default_not_before);
    CHECK(read.not_after == now + std::int64_t{3650} * 86'400);
    CHECK(read.extensions.size() == 3);
  }

  TEST_CASE("the temporary CA may sign leaves only")
  {
    const Bytes der = *temp_ca_certificate(named_key("temp"), now);
    CHECK(subject(der) == "/O=Dstack/CN=Dstack Client Temp CA");
    CHECK(extension_value(der, "2.5.29.19") == "30060101ff020100");
  }

  TEST_CASE("the app CA: key, serial and key identifier of spec kms 20.2")
  {
    const auto root = roots();
    const auto app = *keys::app_ca_key(root, app_id);
    CHECK(hex(app.public_xy()).substr(0, 16) == "cd5fdceb31482c18");
    const Bytes der = *app_ca_certificate(root.ca, app, app_id, now);
    CHECK(serial(der) == "0c16114686100688e6abb556974adf7f40da3047");
    CHECK(extension_value(der, "2.5.29.14") == "04143c192cb9fcf5d0be1846cf868abd4e1857ab1cd0");
    CHECK(subject(der) == "/O=Dstack/CN=Dstack App CA");
    CHECK(issuer(der) == "/O=Dstack/CN=Dstack KMS CA");
    CHECK(extension_value(der, "2.5.29.19") == "30060101ff020100");
    CHECK(extension_value(der, oid_app_id) == "0414" + hex(app_id));
    CHECK(extension_value(der, oid_usage) == "0406" + hex(as_bytes("app:ca")));
    CHECK(verifies(der, {}, *root_ca_certificate(root.ca, now)));
  }

  TEST_CASE("the server's certificate says that it is a KMS', under several names (spec kms 20.7)")
  {
    const auto root = roots();
    const Bytes der = *rpc_certificate(root.ca, named_key("rpc").spki_der(),
                                       {"kms.example.com", "10.0.2.2", "::1"},
                                       {{oid_attestation, *parse_hex("04022a2a"), false}}, now);
    CHECK(subject(der) == "/CN=kms.example.com");
    CHECK(extension_value(der, oid_usage) == "04076b6d733a727063");
    CHECK(extension_value(der, "2.5.29.17") ==
          "3029820f6b6d732e6578616d706c652e636f6d87040a000202871000000000000000000000000000000001");
    CHECK(oids(der) ==
          std::vector<std::string>{"2.5.29.17", "2.5.29.15", oid_usage, oid_attestation});
    CHECK(verifies(der, {}, *root_ca_certificate(root.ca, now)));
    CHECK(attest::certificate_marks(der)->usage == attest::usage_kms);
    CHECK(code_of(rpc_certificate(root.ca, named_key("rpc").spki_der(), {}, {}, now)) ==
          Errc::config);
    CHECK(code_of(rpc_certificate(root.ca, named_key("rpc").spki_der(), {"a b"}, {}, now)) ==
          Errc::config);
  }

  TEST_CASE("a leaf has what was asked for, in the order of the profile")
  {
    const auto root = roots();
    const auto app = *keys::app_ca_key(root, app_id);
    LeafFacts facts{app_id, x509::Extension{oid_attestation, *parse_hex("0401aa"), false},
                    x509::Extension{oid_app_info, *parse_hex("0401bb"), false}};
    const Bytes plain = *leaf_certificate(app, request(), facts, {}, now);
    CHECK(oids(plain) ==
          std::vector<std::string>{"2.5.29.17", "2.5.29.15", "2.5.29.37", oid_app_id, oid_usage});
    CHECK(extension_value(plain, oid_usage) == "040a" + hex(as_bytes("app:custom")));
    CHECK(x509::read_certificate(plain)->not_after == now + x509::default_validity);

    attest::Csr csr = request();
    csr.config.organisation = "Acme";
    csr.config.ext_quote = csr.config.ext_app_info = true;
    csr.config.not_before = 1'767'225'600;
    csr.config.not_after = 1'798'761'600;
    const Bytes full = *leaf_certificate(app, csr, facts, {}, now);
    CHECK(oids(full) == std::vector<std::string>{"2.5.29.17", "2.5.29.15", "2.5.29.37", oid_app_id,
                                                 oid_app_info, oid_usage, oid_attestation});
    CHECK(subject(full) == "/O=Acme/CN=app.example.com");
    const auto read = *x509::read_certificate(full);
    CHECK(read.not_before == 1'767'225'600);
    CHECK(read.not_after == 1'798'761'600);
    CHECK(verifies(full, {*app_ca_certificate(root.ca, app, app_id, now)},
                   *root_ca_certificate(root.ca, now)));
  }

  TEST_CASE("trap 18: no leaf has a name of the KMS or outlives its authority")
  {
    const auto app = named_key("app");
    const std::vector<std::string> own = {"kms.example.com", "10.0.2.2", "localhost", "127.0.0.1",
                                          "2001:db8::1"};
    const auto asked = [&](const std::string& what) {
      attest::Csr csr = request();
      csr.config.alt_names = {"app.example.com", what};
      return leaf_certificate(app, csr, {app_id, {}, {}}, own, now);
    };
    for (const char* taken :
         {"kms.example.com", "KMS.Example.com", "kms.example.com.", "*.example.com", "10.0.2.2",
          "k*s.example.com", "2001:DB8:0:0::1", "::ffff:10.0.2.2"}) {
      CAPTURE(taken);
      CHECK(code_of(asked(taken)) == Errc::denied);
    }
    for (const char* free : {"localhost", "127.0.0.1", "other.example.com", "*.other.example.com",
                             "xkms.example.com", "10.0.2.3", "example.com"}) {
      CAPTURE(free);
      CHECK(asked(free));
    }
    attest::Csr csr = request();
    csr.config.subject = "kms.example.com";
    CHECK(code_of(leaf_certificate(app, csr, {app_id, {}, {}}, own, now)) == Errc::denied);

    csr = request();
    csr.config.not_after = 253'402'300'799;
    const Bytes long_lived = *leaf_certificate(app, csr, {app_id, {}, {}}, own, now);
    CHECK(x509::read_certificate(long_lived)->not_after == now + x509::default_validity);
    csr.config.not_after = UINT64_MAX;
    CHECK(code_of(leaf_certificate(app, csr, {app_id, {}, {}}, own, now)) == Errc::malformed);
    csr.config.not_after = 100;
    CHECK(code_of(leaf_certificate(app, csr, {app_id, {}, {}}, own, now)) == Errc::malformed);
  }

  TEST_CASE("domains (spec kms 3.1)")
  {
    for (const char* good : {"localhost", "kms.example.com", "10.0.2.2", "a-b.c", "::1",
                             "2001:db8::1", "xn--bcher-kva.example"})
      CHECK_MESSAGE(check_domain(good), good);
    for (const std::string& bad :
         {std::string{}, std::string{"-a"}, std::string{"a-.b"}, std::string{"a..b"},
          std::string{"a."}, std::string{"a b"}, std::string{"b\xc3\xbc.de"}, std::string(64, 'a'),
          std::string{"*.a"}, std::string("a\0b", 3)})
      CHECK_MESSAGE(code_of(check_domain(bad)) == Errc::config, bad);
    std::string long_name = "a";
    while (long_name.size() < 254)
      long_name += ".a";
    CHECK(code_of(check_domain(long_name)) == Errc::config);
  }

  TEST_CASE("certificates are made again in their last year (spec kms 4.5)")
  {
    CHECK(ends_soon(now + 365 * 86'400, now));
    CHECK_FALSE(ends_soon(now + 365 * 86'400 + 1, now));
  }
}

} // namespace dstack::kms
