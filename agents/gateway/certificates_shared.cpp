/// What other nodes got, and what they vouch for.

#include "agents/gateway/certificates.hpp"

#include "sys/clock.hpp"

namespace dstack::gatewaynode {

Status Certificates::follow(const cluster::Certificate& one)
{
  auto read = TRY(certs::read_certificate(one.domain, one.chain_pem, one.key_pem));
  const auto known = held_.find(one.domain);
  if (known != held_.end() && known->second.certificate.chain_pem == one.chain_pem) return ok();
  TRY(state_.save_certificate({one.domain, one.chain_pem, one.key_pem, one.issued}));
  log_.info("certificates", "in use",
            {{"domain", one.domain},
             {"until", format_utc(read.not_after)},
             {"from_node", fmt::format("{}", one.node)}});
  manager_->adopt(read);
  held_[one.domain] = {std::move(read), one.issued};
  hooks_.changed();
  attest_all();
  return ok();
}

Status Certificates::follow(const cluster::Account& one)
{
  TRY(state_.save_account({one.directory_url, one.url, one.key_der}));
  if (one.directory_url != directory_ || one.url == manager_->account_url()) return ok();
  return manager_->adopt(certs::Account{one.directory_url, one.url, one.key_der});
}

Status Certificates::follow(const cluster::Attestation& one)
{
  if (is_attested(one.subject, one.what.public_key)) return ok();
  return state_.add_attestation(one.subject, one.what);
}

void Certificates::answer_too(const std::vector<cluster::Challenges>& others)
{
  if (others.empty() && others_.empty()) return;
  others_ = others;
  hooks_.changed();
}

std::vector<proxy::AlpnChallenge> Certificates::challenges() const
{
  std::vector<proxy::AlpnChallenge> out = alpn_;
  for (const cluster::Challenges& other : others_)
    for (const cluster::Challenges::Alpn& one : other.alpn)
      out.push_back({one.name, one.certificate_pem, one.key_pem});
  return out;
}

Result<Certificates::Known> Certificates::known(std::uint64_t node) const
{
  Known out;
  std::vector<std::string> subjects;
  for (const auto& [domain, held] : held_) {
    out.certificates.push_back(
        {domain, held.certificate.chain_pem, held.certificate.key_pem, held.issued, node});
    subjects.push_back("zt-cert:" + domain);
  }
  if (const auto account = TRY(state_.account(directory_))) {
    out.account = cluster::Account{account->directory_url, account->url, account->key_der};
    subjects.push_back("acme-account:" + account->url);
  }
  constexpr std::size_t most = 64;
  for (const std::string& subject : subjects)
    for (const gateway::Attested& one : TRY(state_.attestations(subject, most)))
      out.attestations.push_back({subject, one});
  return out;
}

} // namespace dstack::gatewaynode
