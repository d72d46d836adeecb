#pragma once
/// For tests only: an ACME server and a Cloudflare account in memory, for several orders at once,
/// asked from any thread.

#include "acme/session.hpp"
#include "certs/world.hpp"
#include "codec/json.hpp"
#include "crypto/hash.hpp"
#include "x509/certificate.hpp"
#include "x509/request.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

namespace dstack::certs {

/// https://dns/client/v4, one zone: example.org.
class TestCloudflare {
public:
  struct Record {
    std::string type{};
    std::string name{};
    codec::Json body{};
  };

  std::string token = "secret-token";
  bool refuses_removal = false;
  std::map<std::string, Record> records{};

  bool has_text(const std::string& name, const std::string& value) const
  {
    return std::any_of(records.begin(), records.end(), [&](const auto& one) {
      return one.second.type == "TXT" && one.second.name == name &&
             *one.second.body.need_string("content") == value;
    });
  }
  void put(codec::Json body)
  {
    const Record one{*body.need_string("type"), *body.need_string("name"), body};
    records.emplace(fmt::format("r{}", ++made_), one);
  }

  http::Response answer(const fetch::ClientRequest& request, std::string_view path)
  {
    if (request.headers.empty() || request.headers[0].value != "Bearer " + token)
      return refusal(403, "Invalid access token");
    if (path.starts_with("/zones?"))
      return success(R"([{"id":"z1","name":"org"},{"id":"z2","name":"example.org"}])");
    const std::string base = "/zones/z2/dns_records";
    if (!path.starts_with(base)) return refusal(404, "no such zone");
    if (request.method == "POST") {
      put(*codec::parse_json(request.body));
      return success(R"({"id":"new"})");
    }
    if (request.method == "GET") return list(path);
    if (refuses_removal) return refusal(400, "not now");
    return records.erase(std::string{path.substr(base.size() + 1)}) == 1
               ? success(R"({"id":"gone"})")
               : refusal(404, "no such record");
  }

private:
  http::Response list(std::string_view path) const
  {
    std::string items;
    for (const auto& [id, one] : records) {
      if (path.find("type=" + one.type + "&name=" + one.name + "&") == std::string_view::npos)
        continue;
      codec::Json item = one.body;
      items += (items.empty() ? "" : ",") + write_json(item.set("id", id));
    }
    return success("[" + items + "]");
  }
  static http::Response success(const std::string& result)
  {
    http::Response out;
    out.body = fmt::format(
        R"({{"success":true,"errors":[],"result":{},"result_info":{{"total_pages":1}}}})", result);
    return out;
  }
  static http::Response refusal(int status, std::string_view text)
  {
    http::Response out;
    out.status = status;
    out.body = fmt::format(
        R"({{"success":false,"errors":[{{"code":9109,"message":"{}"}}],"result":null}})", text);
    return out;
  }

  unsigned made_ = 0;
};

/// https://ca/dir
class TestAuthority {
public:
  using Instead = std::function<std::optional<Result<http::Response>>(const std::string& path)>;

  explicit TestAuthority(std::function<Time()> now) : now_(std::move(now)) {}

  Instead instead{}; ///< answers first
  std::int64_t lifetime_ms = 90LL * 86'400'000;
  std::optional<acme::RenewalInfo> renewal{};
  std::string kind = "dns-01"; ///< the challenge that is offered
  /// Whether a challenge for a name is met, by what the answer should be.
  std::function<bool(const std::string& domain, const std::string& key_authorization)> proven{};
  std::vector<std::string> orders{}; ///< names, one text each
  std::string last_order{};          ///< payload
  int accounts = 0;
  int directories = 0;

  Result<http::Response> answer(const fetch::ClientRequest& request, const std::string& path)
  {
    if (instead)
      if (auto other = instead(path)) return *std::move(other);
    http::Response out;
    out.headers = {{"Replay-Nonce", fmt::format("nonce-{}", ++nonces_)}};
    if (path == "/dir") {
      ++directories;
      out.body = directory();
    } else if (path.starts_with("/renewal/")) {
      out.body = renewal_info();
    } else if (path != "/nonce") {
      post(path, request.body, out);
    }
    return out;
  }

  static http::Response problem(int status, std::string_view type)
  {
    http::Response out;
    out.status = status;
    out.body = fmt::format(R"({{"type":"urn:ietf:params:acme:error:{}","detail":"no"}})", type);
    return out;
  }

private:
  struct Order {
    std::vector<std::string> names{};
    std::set<std::size_t> told{};
    std::set<std::size_t> valid{};
    Bytes spki{};
  };

  std::string directory() const
  {
    return fmt::format(
        R"({{"newNonce":"https://ca/nonce","newAccount":"https://ca/account",)"
        R"("newOrder":"https://ca/order"{},"meta":{{"caaIdentities":["ca.test"]}}}})",
        renewal ? R"(,"renewalInfo":"https://ca/renewal")" : "");
  }
  std::string renewal_info() const
  {
    return fmt::format(R"({{"suggestedWindow":{{"start":"{}","end":"{}"}}}})",
                       format_utc(renewal->start), format_utc(renewal->end));
  }

  void post(const std::string& path, const std::string& body, http::Response& out)
  {
    const auto all = *codec::parse_json(body);
    const auto header =
        *codec::parse_json(as_text(*acme::parse_base64url(*all.need_string("protected"))));
    const std::string payload = to_text(*acme::parse_base64url(*all.need_string("payload")));
    if (const auto* jwk = header.find("jwk")) thumbprint_ = thumbprint_of(*jwk);
    const auto parts = split(path, '/');
    if (path == "/account") {
      out.status = 201;
      out.headers.push_back({"Location", fmt::format("https://ca/account/{}", ++accounts)});
      out.body = R"({"status":"valid"})";
    } else if (path == "/order") {
      make_order(payload, out);
    } else {
      Order& order = made_.at(*parse_u64(parts.at(2)));
      serve(order, parts, payload, out);
    }
  }

  static std::string thumbprint_of(const codec::Json& jwk)
  {
    const std::string text = fmt::format(R"({{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}})",
                                         *jwk.need_string("x"), *jwk.need_string("y"));
    return acme::base64url(crypto::sha256(as_bytes(text)));
  }

  void make_order(const std::string& payload, http::Response& out)
  {
    last_order = payload;
    Order order;
    const auto json = *codec::parse_json(payload);
    for (const auto& one : (*json.need_array("identifiers"))->items())
      order.names.push_back(*one.need_string("value"));
    orders.push_back(join(order.names, ","));
    made_.push_back(order);
    out.status = 201;
    out.headers.push_back({"Location", fmt::format("https://ca/order/{}", made_.size() - 1)});
    out.body = text_of(made_.back(), made_.size() - 1);
  }

  void serve(Order& order,
             const std::vector<std::string_view>& parts,
             const std::string& payload,
             http::Response& out)
  {
    const std::size_t at = *parse_u64(parts[2]);
    if (parts[1] == "authz") {
      out.body = authorization(order, at, *parse_u64(parts[3]));
    } else if (parts[1] == "chall") {
      challenge(order, at, *parse_u64(parts[3]));
      out.body = "{}";
    } else if (parts[1] == "cert") {
      out.body = chain(order, at);
    } else {
      if (parts[1] == "finalize") order.spki = spki_in(payload);
      out.body = text_of(order, at);
    }
  }

  void challenge(Order& order, std::size_t at, std::size_t which)
  {
    const std::string& name = order.names.at(which);
    const std::string domain = name.starts_with("*.") ? name.substr(2) : name;
    order.told.insert(which);
    const std::string key_authorization = fmt::format("token-{}-{}.{}", at, which, thumbprint_);
    if (!proven || proven(domain, key_authorization)) order.valid.insert(which);
  }

  std::string authorization(const Order& order, std::size_t at, std::size_t which) const
  {
    const std::string& name = order.names.at(which);
    const bool wildcard = name.starts_with("*.");
    const bool valid = order.valid.contains(which);
    const bool told = order.told.contains(which);
    const std::string_view status = valid ? "valid" : told ? "invalid" : "pending";
    return fmt::format(
        R"({{"identifier":{{"type":"dns","value":"{}"}},"status":"{}","wildcard":{},)"
        R"("challenges":[{{"type":"{}","url":"https://ca/chall/{}/{}","token":"token-{}-{}",)"
        R"("status":"{}"}}]}})",
        wildcard ? name.substr(2) : name, status, wildcard, kind, at, which, at, which, status);
  }

  static std::string text_of(const Order& order, std::size_t at)
  {
    std::string identifiers;
    std::string authorizations;
    for (std::size_t i = 0; i < order.names.size(); ++i) {
      const char* const comma = i == 0 ? "" : ",";
      identifiers += fmt::format(R"({}{{"type":"dns","value":"{}"}})", comma, order.names[i]);
      authorizations += fmt::format(R"({}"https://ca/authz/{}/{}")", comma, at, i);
    }
    const char* const status = !order.spki.empty()                        ? "valid"
                               : order.valid.size() == order.names.size() ? "ready"
                                                                          : "pending";
    return fmt::format(
        R"({{"status":"{}","identifiers":[{}],"authorizations":[{}],)"
        R"("finalize":"https://ca/finalize/{}"{}}})",
        status, identifiers, authorizations, at,
        order.spki.empty() ? "" : fmt::format(R"(,"certificate":"https://ca/cert/{}")", at));
  }

  /// Of the request: the only key of P-256 in it.
  static Bytes spki_in(const std::string& payload)
  {
    constexpr std::size_t spki_size = 91;
    const auto json = *codec::parse_json(payload);
    const Bytes csr = *acme::parse_base64url(*json.need_string("csr"));
    const Bytes start = *parse_hex("3059301306072a8648ce3d020106082a8648ce3d030107034200");
    const auto at = std::search(csr.begin(), csr.end(), start.begin(), start.end());
    return {at, at + spki_size};
  }

  std::string chain(const Order& order, std::size_t at) const
  {
    x509::CertificateSpec spec;
    spec.subject_cn = "leaf";
    spec.issuer_cn = "ca";
    spec.serial = at + 1;
    spec.not_before = now_().seconds() - 3600;
    spec.not_after = now_().seconds() + lifetime_ms / 1000;
    spec.extensions.push_back({"2.5.29.17", *x509::alt_names_value(order.names), false});
    return x509::to_pem(*x509::make_certificate(spec, order.spki, issuer_));
  }

  std::function<Time()> now_;
  crypto::P256Key issuer_ = crypto::P256Key::generate();
  std::vector<Order> made_{};
  std::string thumbprint_{};
  unsigned nonces_ = 0;
};

/// Both behind one lock, as a World's send.
class TestInternet {
public:
  explicit TestInternet(const std::function<Time()>& now) : authority(now) {}

  TestAuthority authority;
  TestCloudflare cloudflare{};
  std::recursive_mutex lock{};

  Result<http::Response> send(const fetch::ClientRequest& request)
  {
    const std::lock_guard guard{lock};
    constexpr std::string_view api = "https://dns/client/v4";
    if (request.url.starts_with(api))
      return cloudflare.answer(request, std::string_view{request.url}.substr(api.size()));
    constexpr std::string_view ca = "https://ca";
    if (request.url.starts_with(ca))
      return authority.answer(request, request.url.substr(ca.size()));
    return fail(Errc::io, "no route to {}", request.url);
  }
};

} // namespace dstack::certs
