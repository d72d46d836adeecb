#include "vault/documents.hpp"

#include "vault/test_roots.hpp"
#include "vault/test_tools.hpp"

#include <doctest/doctest.h>

namespace dstack::vault {

namespace {

using testing::code_of;
using testing::now;
using testing::published_root;
using testing::replaced;

const Secret<32> root_key{{1, 2, 3}};

Custody quorum()
{
  Custody out;
  out.provider = Provider::quorum;
  out.circle = testing::shares(3, 2)[0].circle;
  return out;
}

} // namespace

TEST_SUITE("vault::documents")
{
  TEST_CASE("the public part is written and read")
  {
    const RootMaterial material = *with_new_epoch(published_root(), now);
    const PublicRoot root = *public_root_of(material, now);
    CHECK(hex(root.k256) == "03e206818ce77f40bdfce29d7b9acd7ea58fa11ae84b59004df31b6783a992924a");
    CHECK(root.epochs.size() == 2);
    const auto back = read_public(write_public(root));
    REQUIRE(back);
    CHECK(*back == root);
  }

  TEST_CASE("a public part whose pieces do not fit each other")
  {
    const PublicRoot root = *public_root_of(published_root(), now);
    const PublicRoot other = *public_root_of(generate_root(), now);
    const auto code = [](const PublicRoot& changed) {
      return code_of(read_public(write_public(changed)));
    };
    PublicRoot changed = root;
    changed.cluster[3] ^= 1U;
    CHECK(code(changed) == Errc::malformed);
    changed = root;
    changed.root_ca = other.root_ca;
    CHECK(code(changed) == Errc::malformed);
    changed = root;
    changed.epochs[0].epoch = 1;
    CHECK(code(changed) == Errc::malformed);
    changed = root;
    changed.epochs.clear();
    CHECK(code(changed) == Errc::malformed);
    const std::string text = to_text(write_public(root));
    CHECK(code_of(read_public(as_bytes(replaced(text, "public/1", "public/2")))) ==
          Errc::unsupported);
    CHECK(code_of(read_public(as_bytes(replaced(text, "{", "{\"x\": 1,")))) == Errc::malformed);
    for (std::size_t n = 0; n + 2 < text.size(); n += 7)
      CHECK_FALSE(read_public(as_bytes(text).first(n)));
  }

  TEST_CASE("a sealed root opens with its key, and says beforehand who can open it")
  {
    const RootMaterial material = *with_new_epoch(published_root(), now);
    for (const Custody& custody : {Custody{}, quorum()}) {
      const SealedRoot sealed = seal_root(material, custody, root_key);
      const Bytes text = write_sealed(sealed);
      const auto back = read_sealed(text);
      REQUIRE(back);
      CHECK(write_sealed(*back) == text);
      CHECK(back->custody.provider == custody.provider);
      const auto opened = unseal_root(*back, root_key);
      REQUIRE(opened);
      CHECK(equal(encode(*opened).view(), encode(material).view()));
      CHECK(code_of(unseal_root(*back, Secret<32>{})) == Errc::untrusted);
      // Nothing of the root is in the file.
      CHECK(as_text(text).find(hex(material.root.ca.scalar().view())) == std::string::npos);
      CHECK(as_text(text).find(hex(material.root.k256.view())) == std::string::npos);
    }
  }

  TEST_CASE("the same root never has the same ciphertext twice")
  {
    const SealedRoot a = seal_root(published_root(), {}, root_key);
    const SealedRoot b = seal_root(published_root(), {}, root_key);
    CHECK(a.nonce != b.nonce);
    CHECK(a.sealed != b.sealed);
  }

  TEST_CASE("ciphertext is bound to its cluster and to who can open it")
  {
    const SealedRoot sealed = seal_root(published_root(), quorum(), root_key);
    SealedRoot changed = sealed;
    changed.cluster[0] ^= 1U;
    CHECK(code_of(unseal_root(changed, root_key)) == Errc::untrusted);
    changed = sealed;
    changed.custody.circle.custodians[0] = "mallory";
    CHECK(code_of(unseal_root(changed, root_key)) == Errc::untrusted);
    changed = sealed;
    changed.custody.circle.commitments.pop_back();
    CHECK(code_of(unseal_root(changed, root_key)) == Errc::untrusted);
    changed = sealed;
    changed.custody = {};
    CHECK(code_of(unseal_root(changed, root_key)) == Errc::untrusted);
    for (std::size_t i = 0; i < sealed.sealed.size(); ++i) {
      changed = sealed;
      changed.sealed[i] ^= 0x80U;
      CHECK_FALSE(unseal_root(changed, root_key));
    }
  }

  TEST_CASE("a sealed root that does not follow the format")
  {
    const std::string text = to_text(write_sealed(seal_root(published_root(), quorum(), root_key)));
    const auto code = [&](std::string_view from, std::string_view to) {
      return code_of(read_sealed(as_bytes(replaced(text, from, to))));
    };
    CHECK(code("sealed/1", "sealed/9") == Errc::unsupported);
    CHECK(code("quorum", "plain") == Errc::unsupported);
    CHECK(code("quorum", "passphrase") == Errc::malformed);
    CHECK(code("\"nonce\": \"", "\"nonce\": \"00") == Errc::malformed);
    CHECK(code("\"threshold\": 2", "\"threshold\": 3") == Errc::malformed);
    CHECK(code("{", "{\"x\": 1,") == Errc::malformed);
    CHECK(code_of(read_sealed(Bytes(max_document + 1, ' '))) == Errc::malformed);
    for (std::size_t n = 0; n + 2 < text.size(); n += 5)
      CHECK_FALSE(read_sealed(as_bytes(text).first(n)));
  }
}

} // namespace dstack::vault
