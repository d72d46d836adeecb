#pragma once
/// For tests only: an ACME server that answers calls in memory, as slowly or wrongly as it is told.

#include "acme/session.hpp"
#include "x509/certificate.hpp"
#include "x509/request.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace dstack::acme {

class FakeAuthority {
public:
  FakeAuthority(const std::vector<std::string>& names, const crypto::P256Key& certificate_key)
      : names_(names), spki_(certificate_key.spki_der())
  {
  }

  std::set<std::string> valid_from_before{}; ///< names with an authorization that needs no proof
  int validation_rounds = 1;                 ///< questions until an authorization is valid
  int issuance_rounds = 1;
  std::string invalid_name{}; ///< its proof fails
  bool external_required = false;
  std::string order_names_lie{}; ///< another name in the order
  std::string chain_lie{};       ///< sent instead of the chain
  std::vector<std::string> log{};

  http::Response answer(const Call& call)
  {
    const std::string path = call.url.substr(call.url.find('/', 8));
    log.push_back(call.method + " " + path);
    http::Response out;
    out.headers = {{"Replay-Nonce", fmt::format("nonce-{}", ++nonces_)}};
    if (path == "/dir") {
      out.headers.clear();
      out.body = directory();
    } else if (path != "/nonce") {
      if (const std::string wrong = check(call); !wrong.empty())
        return problem(400, "malformed", wrong);
      post(path, out);
    }
    return out;
  }

  static http::Response problem(int status, std::string_view type, std::string_view detail = "")
  {
    http::Response out;
    out.status = status;
    out.headers = {{"replay-nonce", "nonce-of-problem"}};
    out.body =
        fmt::format(R"({{"type":"urn:ietf:params:acme:error:{}","detail":"{}"}})", type, detail);
    return out;
  }

private:
  std::string directory() const
  {
    return fmt::format(R"({{"newNonce":"https://ca/nonce","newAccount":"https://ca/account",)"
                       R"("newOrder":"https://ca/order","meta":{{"termsOfService":"https://ca/t",)"
                       R"("caaIdentities":["ca"],"externalAccountRequired":{}}}}})",
                       external_required);
  }

  /// What is wrong with a signed request, or nothing.
  std::string check(const Call& call)
  {
    const auto all = codec::parse_json(call.body);
    if (!all || call.content_type != "application/jose+json") return "no JWS";
    const auto header =
        codec::parse_json(to_text(*parse_base64url(*all->need_string("protected"))));
    payload = to_text(*parse_base64url(*all->need_string("payload")));
    if (*header->need_string("url") != call.url) return "for another URL";
    if (!used_.insert(*header->need_string("nonce")).second) return "a nonce twice";
    const bool by_key = header->find("jwk") != nullptr;
    return by_key == call.url.ends_with("/account") ? "" : "key or account";
  }

  void post(const std::string& path, http::Response& out)
  {
    if (path == "/account" || path == "/account/1") {
      out.status = path == "/account" ? 201 : 200;
      out.headers.push_back({"Location", "https://ca/account/1"});
      out.body = R"({"status":"valid"})";
    } else if (path == "/order") {
      out.status = 201;
      out.headers.push_back({"Location", "https://ca/order/1"});
      out.body = order();
    } else if (path == "/order/1" || path == "/finalize") {
      finalized_ = finalized_ || path == "/finalize";
      if (path == "/order/1" && finalized_ && issuance_rounds > 0) --issuance_rounds;
      out.body = order();
    } else if (path.starts_with("/authz/")) {
      out.body = authorization(names_.at(index_of(path)));
    } else if (path.starts_with("/chall/")) {
      told_.insert(names_.at(index_of(path)));
      out.body = "{}";
    } else {
      out.body = chain_lie.empty() ? chain() : chain_lie;
    }
  }

  static std::size_t index_of(const std::string& path) { return *parse_u64(path.substr(7)); }

  bool is_valid(const std::string& name) const
  {
    return valid_from_before.contains(name) ||
           (told_.contains(name) && name != invalid_name && validation_rounds <= 0);
  }

  std::string authorization(const std::string& name)
  {
    if (told_.contains(name) && validation_rounds > 0) --validation_rounds;
    const bool failed = told_.contains(name) && name == invalid_name;
    const bool wildcard = name.starts_with("*.");
    const std::string status = is_valid(name) ? "valid" : failed ? "invalid" : "pending";
    const auto at = std::find(names_.begin(), names_.end(), name) - names_.begin();
    const auto challenge = [&](std::string_view type) {
      return fmt::format(R"({{"type":"{}","url":"https://ca/chall/{}","token":"t{}",)"
                         R"("status":"{}"{}}})",
                         type, at, at, status,
                         failed ? R"(,"error":{"type":"urn:ietf:params:acme:error:dns",)"
                                  R"("detail":"no such record"})"
                                : "");
    };
    return fmt::format(R"({{"identifier":{{"type":"dns","value":"{}"}},"status":"{}",)"
                       R"("wildcard":{},"challenges":[{{"type":"odd-09"}},{}{}]}})",
                       wildcard ? name.substr(2) : name, status, wildcard, challenge("dns-01"),
                       wildcard ? "" : "," + challenge("http-01") + "," + challenge("tls-alpn-01"));
  }

  std::string order() const
  {
    std::string identifiers;
    std::string authorizations;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const std::string& name = order_names_lie.empty() ? names_[i] : order_names_lie;
      identifiers += fmt::format(R"({}{{"type":"dns","value":"{}"}})", i == 0 ? "" : ",", name);
      authorizations += fmt::format(R"({}"https://ca/authz/{}")", i == 0 ? "" : ",", i);
    }
    const bool ready = std::all_of(names_.begin(), names_.end(),
                                   [&](const std::string& name) { return is_valid(name); });
    const std::string status = finalized_ && issuance_rounds <= 0 ? "valid"
                               : finalized_                       ? "processing"
                               : ready                            ? "ready"
                                                                  : "pending";
    return fmt::format(R"({{"status":"{}","identifiers":[{}],"authorizations":[{}],)"
                       R"("finalize":"https://ca/finalize"{}}})",
                       status, identifiers, authorizations,
                       status == "valid" ? R"(,"certificate":"https://ca/cert")" : "");
  }

  std::string chain() const
  {
    static const auto issuer = crypto::P256Key::generate();
    x509::CertificateSpec spec;
    spec.subject_cn = "leaf";
    spec.issuer_cn = "ca";
    spec.not_after = 4'000'000'000;
    spec.extensions.push_back({"2.5.29.17", *x509::alt_names_value(names_), false});
    return x509::to_pem(*x509::make_certificate(spec, spki_, issuer));
  }

public:
  std::string payload{}; ///< of the last signed request

private:
  std::vector<std::string> names_;
  Bytes spki_;
  std::set<std::string> used_{};
  std::set<std::string> told_{};
  unsigned nonces_ = 0;
  bool finalized_ = false;
};

} // namespace dstack::acme
