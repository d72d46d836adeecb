#include "agents/gateway/certificates.hpp"

#include "crypto/hash.hpp"
#include "gateway/service.hpp"
#include "route/host_name.hpp"
#include "sys/clock.hpp"
#include "sys/sockets.hpp"

#include <algorithm>

namespace dstack::gatewaynode {

namespace {

using codec::Json;

constexpr std::chrono::milliseconds attest_again{60'000};
constexpr std::size_t max_shown = 64; ///< keys of one domain in acme-info
constexpr std::size_t max_http_connections = 256;

std::string certificate_subject(const std::string& domain)
{
  return "zt-cert:" + domain;
}

std::string account_subject(const std::string& url)
{
  return "acme-account:" + url;
}

/// Spec gateway 15.6: SHA-512 of the tag and what it is about.
std::array<std::uint8_t, 64> report_data(std::string_view tag, ByteView about)
{
  return crypto::sha512(concat({as_bytes(tag), about}));
}

http::Response text(int status, std::string body)
{
  return {status, {{"Content-Type", "application/octet-stream"}}, std::move(body)};
}

} // namespace

Result<std::unique_ptr<Certificates>> Certificates::create(sys::Loop& loop,
                                                           const Foundation& on,
                                                           State& state,
                                                           sys::WorkerPool& workers,
                                                           launch::Log& log,
                                                           Hooks hooks)
{
  const gateway::CertificateSettings& from = on.settings.certificates;
  const bool acme = from.authority == gateway::CertificateSettings::Authority::acme;
  std::unique_ptr<Certificates> out{new Certificates{
      loop, state, workers, log, acme ? from.directory : "", on.agent, std::move(hooks)}};
  auto account = acme ? TRY(state.account(from.directory)) : std::optional<StoredAccount>{};
  auto settings = TRY(certs_settings(on, std::move(account)).within("certificates"));
  TRY(out->load());
  certs::World world = certs::real_world();
  world.turn = out->hooks_.turn;
  out->manager_ = TRY(certs::Manager::create(loop, std::move(settings), out->listener(), world)
                          .within("certificates"));
  if (!from.http_listen.empty()) TRY(out->answer_http(from.http_listen).within("http_listen"));
  return out;
}

Certificates::~Certificates()
{
  loop_.cancel(retry_timer_);
}

/// One that cannot be read is not a reason to serve nothing: it is got anew.
Status Certificates::load()
{
  for (StoredCertificate& one : TRY(state_.certificates())) {
    const std::string domain = one.domain;
    auto read = certs::read_certificate(domain, std::move(one.chain_pem), std::move(one.key_pem));
    if (read)
      held_[domain] = {*std::move(read), one.issued};
    else
      log_.error("certificates", read.error().message(), {{"domain", domain}});
  }
  return ok();
}

certs::Listener Certificates::listener()
{
  certs::Listener out;
  out.save_account = [this](const certs::Account& account) -> Status {
    return state_.save_account({account.directory_url, account.url, account.key_der});
  };
  out.certificate = [this](const certs::Certificate& certificate) { issued(certificate); };
  out.challenges = [this](const certs::Challenges& all) {
    alpn_.clear();
    for (const certs::AlpnChallenge& one : all.alpn)
      alpn_.push_back({one.name, one.certificate_pem, one.key_pem});
    http_ = all.http;
    hooks_.changed();
  };
  out.failed = [this](const certs::Failure& failure) {
    if (failure.error.code() == Errc::denied && hooks_.turn)
      return log_.info("certificates", failure.error.message(), {{"domain", failure.domain}});
    log_.error("certificates", failure.error.message(),
               {{"domain", failure.domain}, {"next_try", format_utc(failure.next_try)}});
  };
  out.note = [this](const std::string& note) { log_.info("certificates", note); };
  return out;
}

void Certificates::issued(const certs::Certificate& certificate)
{
  const auto known = held_.find(certificate.domain);
  const bool same =
      known != held_.end() && known->second.certificate.chain_pem == certificate.chain_pem;
  if (!same) {
    const Time now = sys::now();
    const Status kept = state_.save_certificate(
        {certificate.domain, certificate.chain_pem, certificate.key_pem, now});
    // Served all the same: names without a certificate help nobody.
    if (!kept) log_.error("certificates", kept.error().message(), {{"domain", certificate.domain}});
    held_[certificate.domain] = {certificate, now};
    log_.info("certificates", "in use",
              {{"domain", certificate.domain}, {"until", format_utc(certificate.not_after)}});
  }
  hooks_.changed();
  attest_all();
}

void Certificates::set_domains(const std::vector<gateway::DomainSettings>& domains)
{
  std::vector<certs::Domain> wanted;
  std::vector<certs::Certificate> kept;
  domains_.clear();
  for (const gateway::DomainSettings& one : domains) {
    wanted.push_back(certs_domain(one));
    domains_[one.name] = one;
    const auto held = held_.find(one.name);
    if (held != held_.end()) kept.push_back(held->second.certificate);
  }
  manager_->set_domains(wanted, kept);
  attest_all();
}

Status Certificates::reload(const Foundation& on)
{
  manager_->set_dns(TRY(dns_settings(on)));
  return ok();
}

std::vector<proxy::DomainCertificate> Certificates::served() const
{
  std::vector<proxy::DomainCertificate> out;
  const Time now = sys::now();
  for (const auto& [domain, held] : held_) {
    const auto wanted = domains_.find(domain);
    if (wanted != domains_.end() && held.certificate.not_after > now)
      out.push_back({domain, held.certificate.chain_pem, held.certificate.key_pem,
                     wanted->second.has_apps(), wanted->second.serves_itself()});
  }
  return out;
}

void Certificates::set_caa(const std::string& domain, std::function<void(Status)> done)
{
  manager_->set_caa(domain, [done = std::move(done)](const Result<acme::CaaPlan>& plan) {
    done(plan ? Status{ok()} : Status{plan.error()});
  });
}

void Certificates::add_to(std::vector<gateway::DomainView>& domains) const
{
  const auto states = manager_->state();
  for (gateway::DomainView& view : domains) {
    const auto held = held_.find(view.settings.name);
    if (held != held_.end()) {
      view.not_after = held->second.certificate.not_after;
      view.issued = held->second.issued;
    }
    for (const certs::DomainState& one : states) {
      if (one.domain.name != view.settings.name) continue;
      view.issuing = one.running;
      view.problem = one.last_error;
    }
  }
}

Json Certificates::acme_info() const
{
  std::vector<gateway::Attested> keys;
  for (const auto& [domain, settings] : domains_) {
    const auto all = state_.attestations(certificate_subject(domain), max_shown);
    if (all) keys.insert(keys.end(), all->begin(), all->end());
  }
  const std::string url = manager_->account_url();
  const auto account = state_.attestations(account_subject(url), 1);
  std::optional<gateway::Attested> newest;
  if (account && !account->empty()) newest = account->front();
  return gateway::acme_info_json(url, newest, keys);
}

void Certificates::attest_all()
{
  for (const auto& [domain, held] : held_)
    if (domains_.contains(domain)) attest_certificate(held.certificate);
  attest_account();
}

void Certificates::attest_certificate(const certs::Certificate& certificate)
{
  attest({certificate_subject(certificate.domain), certificate.spki,
          report_data("zt-cert:", certificate.spki)});
}

void Certificates::attest_account()
{
  const std::string url = manager_->account_url();
  if (!url.empty()) attest({account_subject(url), {}, report_data("acme-account:", as_bytes(url))});
}

bool Certificates::is_attested(const std::string& subject, const Bytes& public_key) const
{
  const auto there = state_.attestations(subject, max_shown);
  return there && std::any_of(there->begin(), there->end(), [&](const gateway::Attested& one) {
           return one.public_key == public_key;
         });
}

/// Unless it has been, or is under way. Failures are tried again.
void Certificates::attest(const Statement& what)
{
  const std::string mark = hex(what.report_data);
  if (is_attested(what.subject, what.public_key) || !attesting_.insert(mark).second) return;
  using Answer = Result<gateway::Attested>;
  const auto answer = std::make_shared<Answer>(fail(Errc::internal, "not asked"));
  const auto work = [answer, agent = agent_, what] {
    const Json request = Json{}.set("report_data", hex(what.report_data));
    const auto quote = agent.ask("GetQuote", request);
    const auto attestation = agent.ask("Attest", request);
    if (!quote) {
      *answer = quote.error();
      return;
    }
    *answer = gateway::Attested{what.public_key, write_json(*quote),
                                attestation ? write_json(*attestation) : "", sys::now()};
  };
  const auto done = [this, answer, what, mark] {
    attesting_.erase(mark);
    if (is_attested(what.subject, what.public_key)) return; // by another node meanwhile
    const Status kept =
        *answer ? state_.add_attestation(what.subject, **answer) : Status{answer->error()};
    if (kept && hooks_.attested) hooks_.attested({what.subject, **answer});
    if (kept) return;
    log_.error("certificates", "not attested: " + kept.error().message(),
               {{"subject", what.subject}});
    loop_.cancel(retry_timer_);
    retry_timer_ = loop_.after(attest_again, [this] { attest_all(); });
  };
  if (!workers_.run(work, done)) attesting_.erase(mark);
}

Status Certificates::answer_http(const std::string& address)
{
  const route::Endpoint where = TRY(route::parse_endpoint(address));
  net::ServerLimits limits;
  limits.max_connections = max_http_connections;
  http_server_ = std::make_unique<net::HttpServer>(
      loop_, limits, [this](const http::Request& request, const net::Responder& to) {
        const std::string* header = request.header("Host");
        const auto host = route::host_name(
            header == nullptr ? "" : std::string_view{*header}.substr(0, header->find(':')));
        for (const certs::HttpChallenge& one : http_)
          if (host && *host == one.host && request.path() == one.path)
            return to.send(text(200, one.body));
        for (const cluster::Challenges& other : others_)
          for (const cluster::Challenges::Http& one : other.http)
            if (host && *host == one.host && request.path() == one.path)
              return to.send(text(200, one.body));
        to.send(text(404, ""));
      });
  return http_server_->serve(TRY(sys::listen_tcp(where.address.text(), where.port)));
}

} // namespace dstack::gatewaynode
