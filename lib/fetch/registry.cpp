#include "fetch/registry.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "fetch/proxy.hpp"
#include "fetch/service_url.hpp"
#include "oci/challenge.hpp"

#include <algorithm>
#include <unistd.h>

namespace dstack::fetch {

namespace {

constexpr int max_redirects = 5;
constexpr std::chrono::milliseconds blob_time{1'800'000};
constexpr std::size_t max_token = 65'536;

Error refused(const oci::Reference& reference, const http::Response& response)
{
  const std::string shown = reference.canonical();
  if (response.status == 404)
    return fail(Errc::not_found, "{}: the registry does not have it", shown);
  if (response.status == 401 || response.status == 403)
    return fail(Errc::denied,
                "{}: the registry denies access (private, or a name that does not exist)", shown);
  return fail(Errc::io, "{}: the registry answered {}", shown, response.status);
}

} // namespace

Result<std::string> Registry::base_url(const oci::Reference& reference) const
{
  if (reference.registry == "docker.io" && !options_.docker_mirror.empty()) {
    std::string mirror = options_.docker_mirror;
    while (mirror.ends_with('/'))
      mirror.pop_back();
    if (!mirror.starts_with("http://") && !mirror.starts_with("https://"))
      return fail(Errc::config, "registry mirror '{}' is no http or https URL", mirror);
    return mirror;
  }
  const std::string host = reference.api_host();
  const auto& insecure = options_.insecure_registries;
  const bool plain = is_loopback(host_of(host)) ||
                     std::find(insecure.begin(), insecure.end(), host) != insecure.end();
  return fmt::format("{}://{}", plain ? "http" : "https", host);
}

Result<std::string> Registry::token_for(const oci::Reference& reference,
                                        const std::string& challenge)
{
  const auto parsed = TRY(oci::parse_challenge(challenge));
  const std::string scope = fmt::format("repository:{}:pull", reference.repository);
  const std::string url = TRY(oci::token_url(parsed, scope));
  ClientLimits limits;
  limits.max_body = max_token;
  const auto answer = TRY(client_.send({"GET", url, {}, ""}, limits));
  if (answer.status != 200) return refused(reference, answer);
  const codec::Json json = TRY(codec::parse_json(answer.body).within("registry's token"));
  const std::string token = TRY(json.get_string("token", ""));
  return token.empty() ? json.need_string("access_token") : Result<std::string>{token};
}

Result<http::Response> Registry::get(const oci::Reference& reference,
                                     const std::string& path,
                                     const std::string& accept,
                                     const ClientLimits& limits,
                                     const BodySink* sink)
{
  const std::string place = fmt::format("{}/{}", reference.registry, reference.repository);
  ClientRequest request;
  request.url = fmt::format("{}/v2/{}/{}", TRY(base_url(reference)), reference.repository, path);
  const auto ask = [&]() -> Result<http::Response> {
    request.headers = {{"Accept", accept}};
    if (const auto token = tokens_.find(place); token != tokens_.end())
      request.headers.push_back({"Authorization", "Bearer " + token->second});
    return sink == nullptr ? client_.send(request, limits) : client_.send(request, limits, *sink);
  };
  http::Response answer = TRY(ask());
  const std::string* challenge = answer.header("www-authenticate");
  if (answer.status == 401 && challenge != nullptr) {
    tokens_[place] = TRY(token_for(reference, *challenge).within("{}", reference.canonical()));
    answer = TRY(ask());
  }
  if (answer.status != 200) return refused(reference, answer);
  return answer;
}

Result<Bytes> Registry::manifest_bytes(const oci::Reference& reference, const std::string& which)
{
  ClientLimits limits;
  limits.max_body = oci::max_manifest;
  limits.max_redirects = max_redirects;
  const auto answer =
      TRY(get(reference, "manifests/" + which, oci::accepted_types(), limits, nullptr));
  Bytes bytes = to_bytes(answer.body);
  if (which.starts_with("sha256:")) TRY(oci::check_digest(bytes, which, reference.canonical()));
  return bytes;
}

Result<std::string> Registry::resolve(const oci::Reference& reference)
{
  return TRY(describe(reference)).digest;
}

Result<ResolvedImage> Registry::describe(const oci::Reference& reference)
{
  ResolvedImage out;
  const std::string first = reference.digest.empty() ? reference.tag : reference.digest;
  Bytes bytes = TRY(manifest_bytes(reference, first));
  out.digest = oci::digest_of(bytes);
  out.manifest_digest = out.digest;
  oci::Document document = TRY(oci::parse_document(bytes).within("{}", reference.canonical()));
  out.documents[out.digest] = std::move(bytes);
  if (const auto* index = std::get_if<oci::Index>(&document)) {
    const auto chosen = TRY(oci::choose_platform(*index).within("{}", reference.canonical()));
    Bytes manifest = TRY(manifest_bytes(reference, chosen.digest));
    out.manifest_digest = chosen.digest;
    document = TRY(oci::parse_document(manifest).within("{}", reference.canonical()));
    out.documents[chosen.digest] = std::move(manifest);
  }
  auto* manifest = std::get_if<oci::Manifest>(&document);
  if (manifest == nullptr)
    return fail(Errc::unsupported, "{}: an index inside an index", reference.canonical());
  out.manifest = std::move(*manifest);
  return out;
}

Result<sys::fs::path> Registry::pull_blob(const oci::Reference& reference,
                                          const oci::Descriptor& blob,
                                          const sys::fs::path& directory)
{
  const std::string name = blob.digest.substr(blob.digest.find(':') + 1);
  const sys::fs::path path = directory / name;
  if (sys::fs::exists(path)) return path;
  TRY(sys::make_directories(directory, sys::Privacy::owner_only));
  const sys::fs::path temp = directory / fmt::format(".{}.{}.tmp", name, ::getpid());
  std::error_code ignored;
  sys::fs::remove(temp, ignored);
  const sys::Fd fd = TRY(sys::create_new(temp, sys::Privacy::owner_only));
  crypto::Sha256 hash;
  const BodySink sink = [&](ByteView piece) -> Status {
    hash.update(piece);
    return sys::write_all(fd.get(), piece);
  };
  ClientLimits limits;
  limits.total = blob_time;
  limits.max_body = static_cast<std::size_t>(blob.size);
  limits.max_redirects = max_redirects;
  auto got = get(reference, "blobs/" + blob.digest, "*/*", limits, &sink);
  Status done = got ? Status{ok()} : Status{std::move(got).error()};
  if (done && "sha256:" + hex(hash.finish()) != blob.digest)
    done = fail(Errc::untrusted, "{}: blob {} arrived with other bytes", reference.canonical(),
                blob.digest);
  if (done) done = sys::rename_path(temp, path);
  if (!done) {
    sys::fs::remove(temp, ignored);
    return std::move(done).error();
  }
  return path;
}

} // namespace dstack::fetch
