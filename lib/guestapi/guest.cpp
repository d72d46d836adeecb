#include "guestapi/guest.hpp"

#include "base/text.hpp"
#include "crypto/random.hpp"

namespace dstack::guestapi {

Guest::Guest(Facts facts, Evidence::Quote quote, keys::AppKeys app_keys, Outside outside)
    : evidence_(std::move(facts), std::move(quote)), keys_(std::move(app_keys)),
      outside_(std::move(outside))
{
}

Result<const Issuer*> Guest::issuer()
{
  if (!issuer_) {
    auto key = TRY(crypto::P256Key::from_scalar(keys_.app_ca.scalar().view()));
    issuer_ = TRY(Issuer::create(std::move(key), evidence_, now()).within("app CA"));
  }
  return &*issuer_;
}

Result<Guest::Issued> Guest::issue(const LeafRequest& request, const crypto::P256Key& key)
{
  const Issuer* from = TRY(issuer());
  Issued out;
  out.chain = TRY(from->issue(request, key, evidence_, now()));
  out.key_pem = key.pkcs8_pem();
  return out;
}

const std::string& Guest::demo_certificate()
{
  if (!demo_.empty()) return demo_;
  LeafRequest request;
  request.subject = "demo-cert";
  request.client_auth = true;
  request.ra_tls = true;
  const auto key = random_p256("");
  if (!key) return demo_;
  const auto made = issue(request, *key);
  if (made) demo_ = join(made->chain, "\n"); // each PEM ends its line: one empty line between
  return demo_;
}

Result<crypto::P256Key> random_p256(std::string_view context)
{
  Secret<32> seed;
  crypto::random_bytes(seed.mutable_view());
  return keys::derive_p256(seed.view(), {context});
}

} // namespace dstack::guestapi
