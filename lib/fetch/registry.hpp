#pragma once
/// Registry client (OCI distribution specification 1.1): resolve a tag, pull what a digest names.
/// Every byte is checked against its digest before it is used or kept.

#include "fetch/http_client.hpp"
#include "oci/manifest.hpp"
#include "oci/reference.hpp"

#include <map>

namespace dstack::fetch {

struct RegistryOptions {
  std::string docker_mirror{};                    ///< base URL used for docker.io, "" = none
  std::vector<std::string> insecure_registries{}; ///< host[:port] that may be asked over plain http
};

/// An image with its bytes' digests, ready to be pulled.
struct ResolvedImage {
  std::string digest{};          ///< what a pinned reference names: the index or the manifest
  std::string manifest_digest{}; ///< linux/amd64
  oci::Manifest manifest{};
  std::map<std::string, Bytes> documents{}; ///< index and manifest bytes by digest
};

class Registry {
public:
  explicit Registry(RegistryOptions options) : options_(std::move(options)) {}

  /// The digest the reference means now (the registry's answer is hashed, not believed).
  Result<std::string> resolve(const oci::Reference& reference);
  /// Index and manifest for linux/amd64.
  Result<ResolvedImage> describe(const oci::Reference& reference);
  /// One blob into directory/<hex>, unless it is there already; written only when it is right.
  Result<sys::fs::path> pull_blob(const oci::Reference& reference,
                                  const oci::Descriptor& blob,
                                  const sys::fs::path& directory);

private:
  Result<http::Response> get(const oci::Reference& reference,
                             const std::string& path,
                             const std::string& accept,
                             const ClientLimits& limits,
                             const BodySink* sink);
  Result<Bytes> manifest_bytes(const oci::Reference& reference, const std::string& which);
  Result<std::string> base_url(const oci::Reference& reference) const;
  Result<std::string> token_for(const oci::Reference& reference, const std::string& challenge);

  RegistryOptions options_;
  HttpClient client_;
  std::map<std::string, std::string> tokens_; ///< by registry and repository
};

} // namespace dstack::fetch
