#include "certs/cloudflare.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"

#include <algorithm>
#include <iterator>

namespace dstack::certs {

namespace {

using codec::Json;

constexpr fetch::ClientLimits api_limits{std::chrono::seconds{10}, std::chrono::seconds{30},
                                         std::size_t{1} << 20U, 0};
constexpr std::uint64_t max_zone_pages = 100;
constexpr std::uint64_t max_record_pages = 20;
constexpr unsigned zones_a_page = 50;
constexpr unsigned records_a_page = 100;

bool is_below(std::string_view name, std::string_view zone)
{
  return name == zone || name.ends_with("." + std::string{zone});
}

std::string_view type_of(const RecordData& data)
{
  return std::holds_alternative<std::string>(data) ? "TXT" : "CAA";
}

class Cloudflare : public DnsProvider {
public:
  Cloudflare(CloudflareSettings settings, std::uint32_t ttl, World world)
      : settings_(std::move(settings)), ttl_(ttl), world_(std::move(world))
  {
    while (settings_.url.ends_with('/'))
      settings_.url.pop_back();
  }

  Result<std::vector<RecordData>> list(RecordType type, const std::string& name) override
  {
    std::vector<RecordData> out;
    for (CloudflareRecord& one :
         TRY(records(type == RecordType::txt ? "TXT" : "CAA", name).within("Cloudflare")))
      out.push_back(std::move(one.data));
    return out;
  }

  Status add(const std::string& name, const RecordData& data) override
  {
    for (const CloudflareRecord& one : TRY(records(type_of(data), name).within("Cloudflare")))
      if (one.data == data) return ok();
    Json body = Json{}.set("type", type_of(data)).set("name", name).set("ttl", ttl_);
    if (const auto* text = std::get_if<std::string>(&data)) {
      body.set("content", *text);
    } else {
      const auto& caa = std::get<acme::CaaRecord>(data);
      body.set("data", Json{}.set("flags", caa.flags).set("tag", caa.tag).set("value", caa.value));
    }
    return change("POST", TRY(records_path(name)), write_json(body)).within("Cloudflare");
  }

  Status remove(const std::string& name, const RecordData& data) override
  {
    for (const CloudflareRecord& one : TRY(records(type_of(data), name).within("Cloudflare"))) {
      if (one.data != data) continue;
      const std::string path = TRY(records_path(name)) + "/" + one.id;
      TRY(change("DELETE", path, "").within("Cloudflare"));
    }
    return ok();
  }

private:
  /// The answer's body; errors say what was asked for, never the token.
  Result<std::string> send(std::string method, const std::string& path, std::string body)
  {
    fetch::ClientRequest request{std::move(method), settings_.url + path, {}, std::move(body), {}};
    request.headers.push_back(
        {"Authorization", fmt::format("Bearer {}", as_text(settings_.token.view()))});
    if (!request.body.empty()) request.headers.push_back({"Content-Type", "application/json"});
    auto answer = TRY(world_.send(request, api_limits));
    if (answer.status < 500 && answer.status != 429) return std::move(answer.body);
    return fail(Errc::io, "{} {}: the service answered with status {}", request.method, request.url,
                answer.status);
  }

  Status change(const std::string& method, const std::string& path, const std::string& body)
  {
    return parse_cloudflare_done(TRY(send(method, path, body)))
        .within("{} {}{}", method, settings_.url, path);
  }

  Status load_zones()
  {
    std::uint64_t pages = 1;
    for (std::uint64_t page = 1; page <= std::min(pages, max_zone_pages); ++page) {
      const std::string path = fmt::format("/zones?page={}&per_page={}", page, zones_a_page);
      auto part = TRY(parse_cloudflare_zones(TRY(send("GET", path, "")))
                          .within("GET {}{}", settings_.url, path));
      pages = part.pages;
      std::move(part.items.begin(), part.items.end(), std::back_inserter(zones_));
    }
    return ok();
  }

  Result<std::string> records_path(const std::string& name)
  {
    if (zones_.empty()) TRY(load_zones());
    const CloudflareZone* best = nullptr;
    for (const CloudflareZone& one : zones_)
      if (is_below(name, one.name) && (best == nullptr || one.name.size() > best->name.size()))
        best = &one;
    if (best == nullptr)
      return fail(Errc::not_found,
                  "none of the {} zones that the token may see holds {}: give it Zone:Read and "
                  "DNS:Edit for that zone",
                  zones_.size(), name);
    return fmt::format("/zones/{}/dns_records", best->id);
  }

  /// All of that type and exactly that name.
  Result<std::vector<CloudflareRecord>> records(std::string_view type, const std::string& name)
  {
    const std::string base = TRY(records_path(name));
    std::vector<CloudflareRecord> out;
    std::uint64_t pages = 1;
    for (std::uint64_t page = 1; page <= std::min(pages, max_record_pages); ++page) {
      const std::string path = fmt::format("{}?type={}&name={}&page={}&per_page={}", base, type,
                                           http::percent_encode(name), page, records_a_page);
      auto part = TRY(parse_cloudflare_records(TRY(send("GET", path, "")))
                          .within("GET {}{}", settings_.url, path));
      pages = part.pages;
      for (CloudflareRecord& one : part.items)
        if (one.name == lower(name) && type_of(one.data) == type) out.push_back(std::move(one));
    }
    return out;
  }

  CloudflareSettings settings_;
  std::uint32_t ttl_;
  World world_;
  std::vector<CloudflareZone> zones_{};
};

} // namespace

std::unique_ptr<DnsProvider>
make_cloudflare(const CloudflareSettings& settings, std::uint32_t ttl_seconds, World world)
{
  return std::make_unique<Cloudflare>(settings, ttl_seconds, std::move(world));
}

} // namespace dstack::certs
