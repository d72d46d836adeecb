#include "guest/override_file.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"

namespace dstack::guest {

namespace {

bool is_word(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

Status check_image_id(std::string_view id)
{
  constexpr std::string_view prefix = "sha256:";
  if (!id.starts_with(prefix))
    return fail(Errc::malformed, "image id \"{}\" is no sha256 digest", printable(id));
  TRY(parse_hex_array<32>(id.substr(prefix.size())).within("image id"));
  return ok();
}

} // namespace

Result<std::string> override_file(const std::map<std::string, std::string>& image_of_service)
{
  codec::Json services = codec::Json::object();
  for (const auto& [service, id] : image_of_service) {
    TRY(check_image_id(id).within("service {}", printable(service)));
    codec::Json entry;
    entry.set("image", id);
    entry.set("pull_policy", "never");
    services.set(service, std::move(entry));
  }
  codec::Json root;
  root.set("services", std::move(services));
  return codec::write_json(root);
}

std::string project_name(std::string_view app_name)
{
  std::string out;
  for (const char c : lower(app_name))
    if (is_word(c) || (!out.empty() && (c == '-' || c == '_'))) out += c;
  return out.empty() ? "app" : out;
}

} // namespace dstack::guest
