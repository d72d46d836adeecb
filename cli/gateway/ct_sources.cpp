#include "cli/gateway/ct_sources.hpp"

#include "fetch/http_client.hpp"

#include <algorithm>
#include <set>

namespace dstack::cli {

namespace {

using transparency::SeenCertificate;

constexpr std::size_t max_file = std::size_t{16} << 20U;
constexpr std::size_t max_certificate = std::size_t{256} << 10U;
constexpr fetch::ClientLimits search_limits{std::chrono::seconds{10}, std::chrono::seconds{120},
                                            transparency::max_feed, 3};
constexpr fetch::ClientLimits certificate_limits{std::chrono::seconds{10}, std::chrono::seconds{30},
                                                 max_certificate, 3};

bool is_address(std::string_view place)
{
  return place.starts_with("https://") || place.starts_with("http://");
}

Result<std::string>
get(fetch::HttpClient& client, const std::string& url, const fetch::ClientLimits& limits)
{
  auto answer = TRY(client.send({"GET", url, {}, {}, {}}, limits));
  if (answer.status != 200) return fail(Errc::io, "GET {}: status {}", url, answer.status);
  return std::move(answer.body);
}

std::string day_of(const SeenCertificate& one)
{
  return format_utc(Time{one.not_before * 1000});
}

/// Directories stand for the files in them.
Result<std::vector<sys::fs::path>> files_of(const std::vector<std::string>& places)
{
  std::vector<sys::fs::path> out;
  for (const std::string& place : places) {
    std::error_code error;
    if (!sys::fs::is_directory(place, error)) {
      out.emplace_back(place);
      continue;
    }
    for (auto at = sys::fs::directory_iterator{place, error};
         !error && at != sys::fs::directory_iterator{}; at.increment(error))
      if (at->is_regular_file(error)) out.push_back(at->path());
    if (error) return fail(Errc::io, "read {}: {}", place, error.message());
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// The domain's own name and those below it are two searches.
Result<std::vector<transparency::FeedEntry>>
search(fetch::HttpClient& client, const std::string& url, const CtQuestion& question)
{
  std::vector<transparency::FeedEntry> out;
  std::set<std::uint64_t> ids;
  for (const std::string& what : {question.domain, "%." + question.domain}) {
    const std::string asked = fmt::format("{}/?q={}&output=json", url, http::percent_encode(what));
    const std::string body = TRY(get(client, asked, search_limits));
    for (auto& entry : TRY(transparency::parse_feed(body).within("GET {}", asked)))
      if ((entry.logged_at.empty() || entry.logged_at >= question.since) &&
          ids.insert(entry.id).second)
        out.push_back(std::move(entry));
  }
  return out;
}

} // namespace

Result<transparency::AcmeInfo> read_acme_info(const std::string& place)
{
  std::string text;
  if (is_address(place)) {
    fetch::ClientLimits limits = search_limits;
    limits.max_body = transparency::max_acme_info;
    fetch::HttpClient client;
    text = TRY(get(client, place, limits));
  } else {
    text = TRY(sys::read_text(place, transparency::max_acme_info));
  }
  return transparency::parse_acme_info(text).within("{}", place);
}

Result<std::vector<SeenCertificate>> seen_in_files(const std::vector<std::string>& places,
                                                   const CtQuestion& question)
{
  std::vector<SeenCertificate> out;
  for (const sys::fs::path& file : TRY(files_of(places))) {
    const Bytes bytes = TRY(sys::read_file(file, max_file));
    for (auto& one : TRY(transparency::read_seen(file.string(), bytes, question.domain)
                             .within("{}", file.string())))
      if (day_of(one) >= question.since) out.push_back(std::move(one));
  }
  return out;
}

Result<std::vector<SeenCertificate>>
seen_in_logs(const std::string& url, const CtQuestion& question, Context& ctx)
{
  std::string base = url;
  while (base.ends_with('/'))
    base.pop_back();
  fetch::HttpClient client;
  const auto entries = TRY(search(client, base, question));
  std::vector<SeenCertificate> out;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (ctx.ui().style().err_live)
      ctx.ui().live(fmt::format("certificate {} of {}", i + 1, entries.size()));
    const std::string asked = fmt::format("{}/?d={}", base, entries[i].id);
    const std::string body = TRY(get(client, asked, certificate_limits));
    for (auto& one :
         TRY(transparency::read_seen(asked, as_bytes(body), question.domain).within("{}", asked)))
      out.push_back(std::move(one));
  }
  ctx.ui().clear_live();
  return out;
}

} // namespace dstack::cli
