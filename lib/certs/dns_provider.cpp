#include "certs/dns_provider.hpp"

#include "certs/cloudflare.hpp"
#include "certs/dynamic_update.hpp"
#include "sys/spawn.hpp"

namespace dstack::certs {

namespace {

constexpr std::size_t max_output = std::size_t{64} << 10U;

/// A program of the operator's.
class Hook : public DnsProvider {
public:
  Hook(HookSettings settings, std::uint32_t ttl) : settings_(std::move(settings)), ttl_(ttl) {}

  Result<std::vector<RecordData>> list(RecordType type, const std::string& name) override
  {
    const bool txt = type == RecordType::txt;
    const std::string text = TRY(run("list", txt ? "TXT" : "CAA", name, ""));
    std::vector<RecordData> out;
    for (const std::string_view line : split(text, '\n')) {
      if (trim(line).empty()) continue;
      if (txt)
        out.emplace_back(std::string{trim(line)});
      else
        out.emplace_back(TRY(acme::parse_caa_record(line).within("DNS hook")));
    }
    return out;
  }

  Status add(const std::string& name, const RecordData& data) override
  {
    return change("add", name, data);
  }
  Status remove(const std::string& name, const RecordData& data) override
  {
    return change("remove", name, data);
  }

private:
  Status change(const char* action, const std::string& name, const RecordData& data)
  {
    if (const auto* text = std::get_if<std::string>(&data))
      TRY(run(action, "TXT", name, *text));
    else
      TRY(run(action, "CAA", name, std::get<acme::CaaRecord>(data).text()));
    return ok();
  }

  Result<std::string>
  run(const char* action, const char* type, const std::string& name, const std::string& value)
  {
    sys::Command command;
    command.argv = settings_.argv;
    command.env = {{"DSTACK_DNS_ACTION", action},
                   {"DSTACK_DNS_TYPE", type},
                   {"DSTACK_DNS_NAME", name},
                   {"DSTACK_DNS_VALUE", value},
                   {"DSTACK_DNS_TTL", fmt::format("{}", ttl_)}};
    const sys::RunLimits limits{std::chrono::milliseconds{settings_.deadline_ms}, max_output};
    auto output =
        TRY(sys::run_ok(command, {}, limits).within("DNS hook: {} {} {}", action, type, name));
    return std::move(output.out);
  }

  HookSettings settings_;
  std::uint32_t ttl_;
};

struct Make {
  const DnsSettings& settings;
  World& world;
  using Made = Result<std::unique_ptr<DnsProvider>>;

  Made operator()(const CloudflareSettings& one) const
  {
    if (one.token.empty()) return fail(Errc::config, "Cloudflare: no token");
    if (!one.url.starts_with("https://") && !one.url.starts_with("http://"))
      return fail(Errc::config, "Cloudflare: '{}' is no https:// address", printable(one.url));
    return make_cloudflare(one, settings.ttl_seconds, std::move(world));
  }
  Made operator()(const DynamicUpdateSettings& one) const
  {
    return make_dynamic_update(one, settings, std::move(world));
  }
  Made operator()(const HookSettings& one) const
  {
    if (one.argv.empty()) return fail(Errc::config, "DNS hook: no program");
    return std::unique_ptr<DnsProvider>{std::make_unique<Hook>(one, settings.ttl_seconds)};
  }
};

} // namespace

Result<std::unique_ptr<DnsProvider>> make_dns_provider(const DnsSettings& settings, World world)
{
  return std::visit(Make{settings, world}, settings.provider);
}

Status remove_leftovers(DnsProvider& provider, const std::string& name)
{
  constexpr std::size_t challenge_text = 43; // SHA-256 in base64url, RFC 8555 8.4
  for (const RecordData& one : TRY(provider.list(RecordType::txt, name))) {
    const auto* text = std::get_if<std::string>(&one);
    if (text != nullptr && text->size() == challenge_text && acme::is_token(*text))
      TRY(provider.remove(name, one));
  }
  return ok();
}

} // namespace dstack::certs
