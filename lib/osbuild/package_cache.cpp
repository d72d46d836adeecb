#include "osbuild/package_cache.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "fetch/http_client.hpp"
#include "sys/threads.hpp"

#include <algorithm>
#include <mutex>

namespace dstack::osbuild {

namespace {

using image::LockedPackage;

bool is_intact(const LockedPackage& package, const fs::path& file)
{
  const auto content = sys::read_file(file, package.size_bytes);
  return content && content->size() == package.size_bytes &&
         crypto::sha256(*content) == package.sha256;
}

/// 1795399493 -> "20261123T020453Z", the form snapshot.debian.org puts in paths.
std::string snapshot_time(std::uint32_t epoch)
{
  std::string out;
  for (const char c : format_utc(Time{std::int64_t{epoch} * 1000}))
    if (c != '-' && c != ':') out += c;
  return out;
}

std::vector<std::string> urls(const LockedPackage& package, const image::PackageLock& lock)
{
  return {fmt::format("{}/{}", lock.archives.at(package.archive), package.path),
          fmt::format("http://snapshot.debian.org/archive/{}/{}/{}", package.archive,
                      snapshot_time(lock.epoch), package.path)};
}

Result<http::Response> download(const LockedPackage& package, const std::string& url)
{
  fetch::HttpClient client;
  fetch::ClientRequest request;
  request.url = url;
  fetch::ClientLimits limits;
  constexpr std::int64_t slowest_bytes_per_ms = 20;
  limits.total += std::chrono::milliseconds{static_cast<std::int64_t>(package.size_bytes) /
                                            slowest_bytes_per_ms};
  limits.max_body = package.size_bytes;
  limits.max_redirects = 3;
  return client.send(request, limits);
}

Status gone(const LockedPackage& package, const std::string& url, std::string_view snapshot)
{
  return fail(Errc::not_found,
              "{} {} is no longer at {} (and snapshot.debian.org: {}). Run os/refresh-lock to "
              "take the current versions, look at the difference, and build again",
              package.name, package.version, url, snapshot);
}

Result<std::string> get(const LockedPackage& package, const image::PackageLock& lock)
{
  constexpr int http_ok = 200;
  constexpr int http_not_found = 404;
  const auto places = urls(package, lock);
  http::Response answer = TRY(download(package, places.front()));
  if (answer.status == http_ok) return std::move(answer.body);
  if (answer.status != http_not_found)
    return fail(Errc::io, "{} answered {}", places.front(), answer.status);
  auto older = download(package, places.back());
  if (!older) return gone(package, places.front(), older.error().message()).error();
  if (older->status == http_ok) return std::move(older->body);
  return gone(package, places.front(), fmt::format("answered {}", older->status)).error();
}

Status
fetch_one(const LockedPackage& package, const image::PackageLock& lock, const fs::path& directory)
{
  const std::string body = TRY(get(package, lock));
  if (body.size() != package.size_bytes || crypto::sha256(as_bytes(body)) != package.sha256)
    return fail(Errc::untrusted, "{} is not the locked {} {}: other bytes", package.path,
                package.name, package.version);
  return sys::write_file_atomic(directory / package.file_name(), as_bytes(body),
                                sys::Privacy::shared);
}

std::uint64_t total_size(const std::vector<LockedPackage>& packages)
{
  std::uint64_t total = 0;
  for (const LockedPackage& package : packages)
    total += package.size_bytes;
  return total;
}

} // namespace

Status fetch_packages(const std::vector<LockedPackage>& packages,
                      const image::PackageLock& lock,
                      const fs::path& directory,
                      unsigned workers,
                      Progress& progress)
{
  TRY(sys::make_directories(directory, sys::Privacy::shared));
  std::vector<std::function<Status()>> tasks;
  std::mutex reporting;
  std::uint64_t done = 0;
  const std::uint64_t total = total_size(packages);
  for (const LockedPackage& package : packages)
    tasks.emplace_back([&]() -> Status {
      if (!is_intact(package, directory / package.file_name()))
        TRY(fetch_one(package, lock, directory));
      const std::lock_guard guard{reporting};
      done += package.size_bytes;
      progress.downloaded(done, total);
      return ok();
    });
  return sys::run_parallel(tasks, workers);
}

} // namespace dstack::osbuild
