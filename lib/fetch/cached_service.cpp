#include "fetch/cached_service.hpp"

#include <algorithm>

namespace dstack::fetch {

namespace {

CacheEntry
entry_of(const Wanted& wanted, const std::string& base, http::Response answer, Time fetched_at)
{
  CacheEntry out{base, wanted.request.url, fetched_at, {}, std::move(answer.body)};
  for (const http::Header& header : answer.headers) {
    const std::string name = lower(header.name);
    const auto kept = std::find(wanted.headers.begin(), wanted.headers.end(), name);
    if (kept != wanted.headers.end()) out.headers.push_back({name, header.value});
  }
  return out;
}

Status check_headers(const CacheEntry& entry)
{
  for (auto at = entry.headers.begin(); at != entry.headers.end(); ++at)
    if (std::any_of(entry.headers.begin(), at, [&](const auto& h) { return h.name == at->name; }))
      return fail(Errc::malformed, "the header {} is there twice", at->name);
  return ok();
}

} // namespace

std::size_t count_from_network(const std::vector<Loaded>& answers)
{
  return static_cast<std::size_t>(
      std::count_if(answers.begin(), answers.end(),
                    [](const Loaded& answer) { return answer.origin == Origin::network; }));
}

std::optional<CacheEntry> CachedService::cached(const Wanted& wanted, Time at) const
{
  auto entry = cache_.find(options_.base, wanted.request.url);
  if (!entry) return std::nullopt;
  const auto use_until = wanted.use_until(*entry);
  if (!use_until) { // of another version of dstack, or not ours
    cache_.forget(options_.base, wanted.request.url);
    return std::nullopt;
  }
  if (options_.network == Network::offline) return entry;
  const std::int64_t age_ms = sys::now().ms - entry->fetched_at.ms;
  const bool young = wanted.lifetime == Lifetime::fixed ||
                     (age_ms >= 0 && age_ms <= options_.refresh_after.count());
  if (!young || *use_until < at.seconds()) return std::nullopt;
  return entry;
}

Result<CacheEntry>
CachedService::fetched(const Wanted& wanted, Time at, const sys::Deadline& deadline) const
{
  if (options_.network == Network::offline)
    return fail(Errc::not_found, "not in the cache, and offline ({})", wanted.request.url);
  http::Response answer = TRY(client_.get(wanted.request, deadline));
  CacheEntry entry = entry_of(wanted, options_.base, std::move(answer), sys::now());
  TRY(check_headers(entry));
  const std::int64_t use_until = TRY(wanted.use_until(entry).within("{}", wanted.request.url));
  if (use_until < at.seconds())
    return fail(Errc::untrusted, "{}: the service's answer expired {} (it is {})",
                wanted.request.url, format_utc(Time{use_until * 1000}), format_utc(at));
  return entry;
}

Result<std::vector<Loaded>> CachedService::gather(const std::vector<Wanted>& wanted,
                                                  Time at,
                                                  From from,
                                                  const sys::Deadline& deadline) const
{
  std::vector<Loaded> out;
  for (const Wanted& one : wanted) {
    auto entry = from == From::cache_first ? cached(one, at) : std::nullopt;
    if (entry) {
      out.push_back({*std::move(entry), Origin::cache});
      continue;
    }
    CacheEntry answer = TRY(fetched(one, at, deadline).within("{}", one.what));
    out.push_back({std::move(answer), Origin::network});
  }
  return out;
}

std::string CachedService::keep(const std::vector<Loaded>& answers) const
{
  std::string problem;
  for (const Loaded& answer : answers) {
    if (answer.origin == Origin::cache) continue;
    const Status stored = cache_.store(answer.entry);
    if (!stored) problem = stored.error().message();
  }
  return problem;
}

Result<LoadedSet>
CachedService::load(const std::vector<Wanted>& wanted, Time at, const SetCheck& check) const
{
  const sys::Deadline deadline{options_.timeout};
  LoadedSet out;
  out.answers = TRY(gather(wanted, at, From::cache_first, deadline));
  if (options_.network == Network::offline) return out;
  Status good = check ? check(out.answers) : Status{ok()};
  if (!good && count_from_network(out.answers) < wanted.size()) {
    out.answers = TRY(gather(wanted, at, From::network_only, deadline));
    good = check(out.answers);
  }
  if (!good) return std::move(good).error().within("answer of " + options_.base);
  out.cache_problem = keep(out.answers);
  return out;
}

} // namespace dstack::fetch
