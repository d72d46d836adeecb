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
    if (!keys_.app_ca) return fail(Errc::unsupported, "there is nobody to sign certificates");
    auto key = TRY(crypto::P256Key::from_scalar(keys_.app_ca->scalar().view()));
    issuer_ = TRY(Issuer::create(std::move(key), evidence_, now()).within("app CA"));
  }
  return &*issuer_;
}

Result<Guest::Issued> Guest::issue_here(const LeafRequest& request, const crypto::P256Key& key)
{
  const Issuer* from = TRY(issuer());
  Issued out;
  out.chain = TRY(from->issue(request, key, evidence_, now()));
  out.key_pem = key.pkcs8_pem();
  return out;
}

void Guest::issue(const LeafRequest& request,
                  const crypto::P256Key& key,
                  std::function<void(Result<Issued>)> done)
{
  if (!outside_.sign_cert) return done(issue_here(request, key));
  auto asked = signing_request(request, key, evidence_);
  if (!asked) return done(std::move(asked).error());
  outside_.sign_cert(*std::move(asked), [pem = key.pkcs8_pem(),
                                         done = std::move(done)](Result<CertificateChain> chain) {
    if (!chain) return done(std::move(chain).error());
    done(Issued{pem, *std::move(chain)});
  });
}

const std::string& Guest::demo_certificate()
{
  constexpr std::int64_t pause_ms = 30'000;
  if (!demo_->pem.empty() || demo_->asked || now() < demo_->again) return demo_->pem;
  LeafRequest request;
  request.subject = "demo-cert";
  request.client_auth = true;
  request.ra_tls = true;
  const auto key = random_p256("");
  if (!key) return demo_->pem;
  demo_->asked = true;
  demo_->again = Time{now().ms + pause_ms};
  issue(request, *key, [demo = demo_](const Result<Issued>& made) {
    demo->asked = false;
    // Each PEM ends its line: one empty line between.
    if (made) demo->pem = join(made->chain, "\n");
  });
  return demo_->pem;
}

Result<crypto::P256Key> random_p256(std::string_view context)
{
  Secret<32> seed;
  crypto::random_bytes(seed.mutable_view());
  return keys::derive_p256(seed.view(), {context});
}

} // namespace dstack::guestapi
