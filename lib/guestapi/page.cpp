#include "guestapi/page.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "guestapi/page_style.hpp"

#include <array>

namespace dstack::guestapi {

namespace {

constexpr std::string_view simulated_note =
    "<p class=\"warning\" role=\"alert\"><strong>Simulated evidence.</strong> This VM runs without "
    "a "
    "TEE: its quotes come from a simulator and prove nothing to anybody else.</p>\n";

class Html {
public:
  Html& raw(std::string_view markup)
  {
    out_ += markup;
    return *this;
  }
  Html& text(std::string_view value)
  {
    out_ += escape_html(value);
    return *this;
  }
  /// One line of a list of facts.
  Html& fact(std::string_view label, std::string_view value)
  {
    raw("<div><dt>").text(label).raw("</dt><dd>").text(value);
    return raw("</dd></div>\n");
  }
  Html& open(std::string_view title) { return raw("<section>\n<h2>").text(title).raw("</h2>\n"); }
  std::string take() { return std::move(out_); }

private:
  std::string out_;
};

/// Characters that reorder what follows them (U+202A to U+202E, U+2066 to U+2069) become '?': one
/// value must not rewrite the text beside it.
std::string without_overrides(std::string text)
{
  constexpr std::array<std::string_view, 9> overrides{
      "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};
  for (const std::string_view one : overrides)
    for (std::size_t at = text.find(one); at != std::string::npos; at = text.find(one, at))
      text.replace(at, one.size(), "?");
  return text;
}

std::string machine_provider(const PageFacts& facts)
{
  return fmt::format("{} ({})", facts.cloud_vendor, facts.cloud_product);
}

void add_app(Html& out, const PageFacts& facts)
{
  out.open("Application").raw("<dl>\n");
  out.fact("App Name", facts.app_name).fact("App ID", facts.app_id);
  out.fact("Instance ID", facts.instance_id).fact("Device ID", facts.device_id);
  out.fact("Key Provider Info", facts.key_provider_info);
  if (!facts.cloud_vendor.empty() || !facts.cloud_product.empty())
    out.fact("Machine Provider", machine_provider(facts));
  out.raw("</dl>\n</section>\n");
}

std::string format_uptime(std::uint64_t seconds)
{
  constexpr std::uint64_t minute = 60;
  constexpr std::uint64_t hour = 60 * minute;
  constexpr std::uint64_t day = 24 * hour;
  std::string out;
  if (seconds >= day) out += fmt::format("{}d ", seconds / day);
  if (seconds >= hour) out += fmt::format("{}h ", seconds % day / hour);
  if (seconds >= minute) out += fmt::format("{}m ", seconds % hour / minute);
  return out + fmt::format("{}s", seconds % minute);
}

std::string format_load(std::uint32_t hundredths)
{
  return fmt::format("{}.{:02}%", hundredths / 100, hundredths % 100);
}

std::string memory_line(std::uint64_t used, std::uint64_t total)
{
  return fmt::format("{} used / {} total", format_bytes(used), format_bytes(total));
}

void add_system(Html& out, const SystemInfo& system)
{
  out.open("System").raw("<dl>\n");
  out.fact("OS", fmt::format("{} {}", system.os_name, system.os_version));
  out.fact("Kernel", system.kernel_version);
  out.fact("CPU", fmt::format("{}, {} cores", system.cpu_model, system.num_cpus));
  out.fact("Memory",
           fmt::format("{}, {} available", memory_line(system.used_memory, system.total_memory),
                       format_bytes(system.available_memory)));
  out.fact("Swap", memory_line(system.used_swap, system.total_swap));
  out.fact("Load Average",
           fmt::format("{} {} {}", format_load(system.loadavg_one),
                       format_load(system.loadavg_five), format_load(system.loadavg_fifteen)));
  out.fact("Uptime", format_uptime(system.uptime));
  for (const Disk& disk : system.disks)
    out.fact(fmt::format("Disk {} ({})", disk.mount_point, disk.name),
             fmt::format("{} free / {} total", format_bytes(disk.free_size),
                         format_bytes(disk.total_size)));
  out.raw("</dl>\n</section>\n");
}

std::string_view shown_name(std::string_view name)
{
  return name.starts_with('/') ? name.substr(1) : name;
}

void add_container(Html& out, const PageContainer& container, LogLinks links)
{
  const std::string_view name = shown_name(container.name);
  out.raw("<tr><td>").text(name).raw("</td><td>").text(container.status).raw("</td>");
  if (links == LogLinks::yes)
    out.raw("<td><a href=\"").text(log_link(name)).raw("\">logs</a></td>");
  out.raw("</tr>\n");
}

void add_containers(Html& out, const PageFacts& facts, LogLinks links)
{
  out.open("Containers");
  if (!facts.containers_problem.empty()) {
    out.raw("<p class=\"quiet\">They cannot be listed: ").text(facts.containers_problem);
    out.raw("</p>\n</section>\n");
    return;
  }
  if (facts.containers.empty()) {
    out.raw("<p class=\"quiet\">There are none.</p>\n</section>\n");
    return;
  }
  out.raw("<table>\n<thead><tr><th>Name</th><th>Status</th>");
  if (links == LogLinks::yes) out.raw("<th>Logs</th>");
  out.raw("</tr></thead>\n<tbody>\n");
  for (const PageContainer& container : facts.containers)
    add_container(out, container, links);
  out.raw("</tbody>\n</table>\n</section>\n");
}

void add_tcb_info(Html& out, std::string_view tcb_info)
{
  out.open("TCB info");
  if (tcb_info.empty()) {
    out.raw("<p class=\"quiet\">TCB info is not public</p>\n</section>\n");
    return;
  }
  // HTML drops one line feed right after the tag, so that one is ours.
  out.raw("<textarea readonly rows=\"16\" spellcheck=\"false\" aria-label=\"TCB info\">\n");
  out.text(tcb_info).raw("</textarea>\n</section>\n");
}

} // namespace

Result<PageFacts> page_facts(const codec::Json& app_info)
{
  PageFacts out;
  out.app_name = TRY(app_info.get_string("app_name", ""));
  out.app_id = TRY(app_info.get_string("app_id", ""));
  out.instance_id = TRY(app_info.get_string("instance_id", ""));
  out.device_id = TRY(app_info.get_string("device_id", ""));
  out.key_provider_info = TRY(app_info.get_string("key_provider_info", ""));
  out.cloud_vendor = TRY(app_info.get_string("cloud_vendor", ""));
  out.cloud_product = TRY(app_info.get_string("cloud_product", ""));
  out.tcb_info = TRY(app_info.get_string("tcb_info", ""));
  return out;
}

std::string
render_page(const PageFacts& facts, const std::optional<SystemInfo>& system, LogLinks links)
{
  Html out;
  out.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
  out.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
  out.text(facts.app_name).raw(" - dstack</title>\n<style>").raw(page_style);
  out.raw("</style>\n</head>\n<body>\n<header>\n<h1>").text(facts.app_name);
  out.raw("</h1>\n<p class=\"quiet\">A confidential VM run by dstack</p>\n</header>\n<main>\n");
  if (facts.simulated_tee) out.raw(simulated_note);
  add_app(out, facts);
  if (system) add_system(out, *system);
  add_containers(out, facts, links);
  add_tcb_info(out, facts.tcb_info);
  out.raw("</main>\n</body>\n</html>\n");
  return out.take();
}

std::vector<http::Header> page_headers()
{
  const crypto::Sha256Digest style = crypto::sha256(as_bytes(page_style));
  return {{"Content-Type", "text/html; charset=utf-8"},
          {"Content-Security-Policy",
           fmt::format("default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; "
                       "form-action 'none'; frame-ancestors 'none'",
                       base64(style))}};
}

std::string escape_html(std::string_view text)
{
  std::string out;
  for (const char c : without_overrides(printable(text))) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

std::string format_bytes(std::uint64_t bytes)
{
  constexpr std::array<std::string_view, 9> units{"B",  "KB", "MB", "GB", "TB",
                                                  "PB", "EB", "ZB", "YB"};
  constexpr double step = 1024;
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= step && unit + 1 < units.size()) {
    value /= step;
    ++unit;
  }
  return fmt::format("{:.2f} {}", value, units[unit]);
}

std::string log_link(std::string_view container_name)
{
  return fmt::format("/logs/{}?text&bare&timestamps&follow&tail=20",
                     http::percent_encode(container_name));
}

} // namespace dstack::guestapi
