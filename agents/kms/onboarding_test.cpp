#include "agents/kms/onboarding.hpp"

#include "vault/test_roots.hpp"
#include "x509/app_certificate.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsnode {

using codec::Json;

namespace {

kmsclient::KnownCertificate known(const crypto::P256Key& key)
{
  return {{}, key.spki_der()};
}

/// What the peer showed before, and what it answers.
struct Peer {
  vault::RootMaterial root = vault::testing::published_root();
  Json answer = of(root);

  static Json of(const vault::RootMaterial& root)
  {
    Json keys = Json::array();
    keys.push(
        Json{}.set("ca_key", root.root.ca.pkcs8_pem()).set("k256_key", hex(root.root.k256.view())));
    return Json{}.set("temp_ca_key", root.temp_ca.pkcs8_pem()).set("keys", std::move(keys));
  }

  Result<vault::RootMaterial> read() const
  {
    const kmsclient::TempCa authorities{
        known(root.root.ca), known(root.temp_ca),
        *crypto::P256Key::from_scalar(root.temp_ca.scalar().view())};
    return root_from_answer(codec::write_json(answer), authorities,
                            *crypto::k256_public(root.root.k256));
  }
  std::string why() const
  {
    const auto out = read();
    return out ? "taken" : out.error().message();
  }
};

Json epoch(int number)
{
  return Json{}
      .set("epoch", number)
      .set("seed", hex(Bytes(32, static_cast<std::uint8_t>(number))))
      .set("created_at", 1'767'225'600);
}

} // namespace

TEST_SUITE("kmsnode::onboarding")
{
  TEST_CASE("the root that the peer shows and hands out is taken over whole")
  {
    Peer peer;
    const auto root = peer.read();
    REQUIRE(root);
    CHECK(root->root.ca.spki_der() == peer.root.root.ca.spki_der());
    CHECK(equal(root->root.k256.view(), peer.root.root.k256.view()));
    CHECK(root->epochs.empty());
    peer.answer.set("epochs", codec::JsonArray{epoch(1), epoch(2)});
    CHECK(peer.read()->epochs.size() == 2);
  }

  TEST_CASE("trap 19: keys that are not those of its certificates and of GetMeta are refused")
  {
    const vault::RootMaterial other = vault::generate_root();
    const Json theirs = Peer::of(other);
    const auto part = [&](const char* name) { return *theirs.find(name); };
    Peer peer;
    const Json& good = (*peer.answer.need_array("keys"))->items().at(0);
    const Json& bad = (*theirs.need_array("keys"))->items().at(0);
    Peer ca;
    ca.answer.set("keys", codec::JsonArray{Json{bad}.set("k256_key", *good.find("k256_key"))});
    CHECK(ca.why() ==
          "ca_key is not the key of its root certificate: the source is not what it says");
    Peer k256;
    k256.answer.set("keys", codec::JsonArray{Json{good}.set("k256_key", *bad.find("k256_key"))});
    CHECK(k256.why().starts_with("k256_key is not the key of its GetMeta"));
    Peer temp;
    temp.answer.set("temp_ca_key", part("temp_ca_key"));
    CHECK(temp.why().starts_with("temp_ca_key is not the key of its temporary CA"));
  }

  TEST_CASE("no keys, two sets, gaps between epochs, and other things that are no answer")
  {
    Peer peer;
    const Json keys = *peer.answer.find("keys");
    for (const Json& list :
         {Json::array(), Json{codec::JsonArray{keys.items()[0], keys.items()[0]}}}) {
      peer.answer.set("keys", list);
      CHECK(peer.why() == "Invalid keys");
    }
    Peer gap;
    gap.answer.set("epochs", codec::JsonArray{epoch(1), epoch(3)});
    CHECK(gap.why() == "epochs: 3 comes after 1");
    Peer zero;
    zero.answer.set("epochs", codec::JsonArray{epoch(0)});
    CHECK(zero.why() == "epochs: 0 comes after 0");
    Peer odd;
    odd.answer.set("keys", codec::JsonArray{Json{}.set("ca_key", "no PEM").set("k256_key", "00")});
    CHECK(odd.why().starts_with("ca_key"));
    const std::string text = codec::write_json(Peer{}.answer);
    const kmsclient::TempCa authorities{known(odd.root.root.ca), known(odd.root.temp_ca),
                                        crypto::P256Key::generate()};
    for (std::size_t size = 0; size < text.size(); ++size)
      CHECK_FALSE(root_from_answer(text.substr(0, size), authorities,
                                   *crypto::k256_public(odd.root.root.k256)));
  }
}

} // namespace dstack::kmsnode
