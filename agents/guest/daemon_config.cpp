#include "codec/json_list.hpp"
#include "guest/runtime.hpp"

#include <algorithm>

namespace dstack::guest {

namespace {

/// "http://10.0.2.2:5000/x" -> "10.0.2.2:5000"
std::string authority_of(std::string_view url)
{
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string{url.substr(0, url.find('/'))};
}

} // namespace

Result<std::string> daemon_config(std::string_view base,
                                  const std::string& mirror,
                                  const std::vector<std::string>& insecure_registries)
{
  codec::Json root = TRY(codec::parse_json(base).within("daemon.json"));
  if (!root.is_object()) return fail(Errc::malformed, "daemon.json is no object");
  std::vector<std::string> insecure = insecure_registries;
  if (!mirror.empty()) {
    codec::Json mirrors = codec::Json::array();
    mirrors.push(mirror);
    root.set("registry-mirrors", std::move(mirrors));
    // Every image is named by digest, so plain HTTP can withhold bytes but not change them.
    const std::string authority = authority_of(mirror);
    if (mirror.starts_with("http://") &&
        std::find(insecure.begin(), insecure.end(), authority) == insecure.end())
      insecure.push_back(authority);
  }
  if (!insecure.empty()) root.set("insecure-registries", codec::list_of(insecure));
  return codec::write_json(root);
}

} // namespace dstack::guest
