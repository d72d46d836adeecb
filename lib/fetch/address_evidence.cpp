#include "fetch/address_evidence.hpp"

#include "attest/evidence.hpp"
#include "base/text.hpp"
#include "fetch/curl.hpp"
#include "fetch/http_client.hpp"
#include "x509/read.hpp"

#include <array>

namespace dstack::fetch {

namespace {

constexpr std::string_view scheme = "https://";

Result<Bytes> page(const std::string& url, std::chrono::milliseconds timeout)
{
  ClientLimits limits;
  limits.total = timeout;
  limits.max_body = attest::max_evidence;
  const http::Response answer = TRY(HttpClient{}.send({"GET", url, {}, ""}, limits));
  if (answer.status != 200) return fail(Errc::io, "{}: HTTP status {}", url, answer.status);
  return to_bytes(answer.body);
}

/// First certificate of what the handshake showed, as PEM.
Result<std::string> shown_certificate(CURL* handle)
{
  constexpr std::string_view label = "Cert:";
  curl_certinfo* chain = nullptr;
  if (curl().getinfo(handle, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == nullptr ||
      chain->num_of_certs < 1)
    return fail(Errc::io, "the server shows no certificate");
  for (const curl_slist* item = chain->certinfo[0]; item != nullptr; item = item->next) {
    const std::string_view line{item->data};
    if (line.starts_with(label)) return std::string{line.substr(label.size())};
  }
  return fail(Errc::io, "the server shows no certificate");
}

} // namespace

Result<Bytes> peer_certificate(std::string_view host_and_port, std::chrono::milliseconds timeout)
{
  const Easy handle = TRY(new_easy());
  const std::string url = fmt::format("{}{}/", scheme, host_and_port);
  std::array<char, CURL_ERROR_SIZE> detail{};
  curl().setopt(handle.get(), CURLOPT_URL, url.c_str());
  curl().setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "https");
  curl().setopt(handle.get(), CURLOPT_CONNECT_ONLY, 1L);
  curl().setopt(handle.get(), CURLOPT_CERTINFO, 1L);
  curl().setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl().setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  curl().setopt(handle.get(), CURLOPT_ERRORBUFFER, detail.data());
  // No CA vouches for an RA-TLS certificate: the attestation inside it does, and is verified.
  // Nothing is sent or read over this connection.
  curl().setopt(handle.get(), CURLOPT_SSL_VERIFYPEER, 0L);
  curl().setopt(handle.get(), CURLOPT_SSL_VERIFYHOST, 0L);
  const CURLcode code = curl().perform(handle.get());
  if (code != CURLE_OK)
    return fail(code == CURLE_OPERATION_TIMEDOUT ? Errc::timeout : Errc::io, "{}: {}", url,
                detail[0] != 0 ? detail.data() : curl().strerror(code));
  const std::string pem = TRY(shown_certificate(handle.get()).within("{}", url));
  return x509::first_certificate(as_bytes(pem)).within("{}", url);
}

Result<Bytes> address_evidence(std::string_view url, std::chrono::milliseconds timeout)
{
  if (!url.starts_with(scheme)) return fail(Errc::usage, "{} is no https:// address", url);
  const std::string_view rest = url.substr(scheme.size());
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos && slash + 1 < rest.size())
    return page(std::string{url}, timeout);
  const std::string_view host = rest.substr(0, slash);
  Bytes certificate = TRY(peer_certificate(host, timeout));
  const auto carried = attest::parse_ratls(certificate);
  if (carried || carried.error().code() != Errc::not_found) return certificate;
  const std::string info = fmt::format("{}{}/prpc/Worker.Info?json", scheme, host);
  return page(info, timeout).within("{}", carried.error().message());
}

} // namespace dstack::fetch
