#include "cli/doctor/facts.hpp"

#include "fetch/http_client.hpp"
#include "fetch/kds.hpp"
#include "fetch/pcs_request.hpp"
#include "fetch/service_url.hpp"

#include <unistd.h>

namespace dstack::cli {

using codec::Json;

namespace {

constexpr int http_ok = 200;
constexpr fetch::ClientLimits service_limits{.connect = std::chrono::milliseconds{5'000},
                                             .total = std::chrono::milliseconds{15'000},
                                             .max_body = std::size_t{1} << 20U};

Status ask(const std::string& url)
{
  fetch::HttpClient client;
  fetch::ClientRequest request;
  request.url = url;
  const http::Response answer = TRY(client.send(request, service_limits));
  if (answer.status == http_ok) return ok();
  return fail(Errc::io, "{}: HTTP status {}", url, answer.status);
}

Json service(const std::string& base, const Result<std::string>& url, Network network)
{
  Json out;
  out.set("url", base);
  if (network == Network::left_alone) return out;
  const Status answered = url ? ask(*url) : Status{url.error()};
  out.set("answers", static_cast<bool>(answered));
  if (!answered) out.set("error", answered.error().message());
  return out;
}

} // namespace

void add_services(Json& facts,
                  host::Platform platform,
                  const config::Config& config,
                  Network network)
{
  const auto url_below = [](const std::string& base, const auto& make) -> Result<std::string> {
    return make(TRY(fetch::service_base(base)));
  };
  if (platform == host::Platform::tdx) {
    const std::string base = config.text("pccs.url");
    const auto url =
        url_below(base, [](const std::string& at) { return fetch::pck_crl_url(at, {}); });
    facts.set("pccs", service(base, url, network));
  }
  if (platform == host::Platform::snp) {
    const std::string base = config.text("kds.url");
    const auto url =
        url_below(base, [](const std::string& at) { return fetch::kds_crl_url(at, "Milan"); });
    facts.set("kds", service(base, url, network));
  }
}

Result<host::Facts> read_facts(const std::string& file)
{
  const std::string name = file == "-" ? "stdin" : file;
  const std::string text =
      file == "-" ? to_text(TRY(sys::read_to_end(STDIN_FILENO, host::max_facts).within("stdin")))
                  : TRY(sys::read_text(file, host::max_facts));
  return host::Facts::parse(text).within("{}", name);
}

Status record_facts(Json facts, const std::string& file, Context& ctx)
{
  facts.set("origin", fmt::format("dstack {} on {}", DSTACK_VERSION, format_utc(ctx.now())));
  const std::string text = codec::write_json(facts, {.indent = 2}) + "\n";
  if (file == "-") {
    ctx.ui().raw(text);
    return ok();
  }
  std::error_code ignored;
  if (sys::fs::exists(file, ignored) && !read_facts(file))
    return fail(Errc::usage, "--record: {} is there and holds something else", file);
  return sys::write_file_atomic(file, as_bytes(text), sys::Privacy::shared);
}

} // namespace dstack::cli
