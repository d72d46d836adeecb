#include "guest/image_bundle.hpp"

#include "guest/docker_wire.hpp"
#include "http/message.hpp"
#include "sys/files.hpp"

#include <algorithm>
#include <set>

namespace dstack::guest {

namespace {

constexpr std::size_t upload_piece = std::size_t{256} << 10U;
constexpr std::chrono::milliseconds ask_deadline{120'000}; ///< dockerd may still be starting
constexpr std::chrono::milliseconds load_deadline{1'800'000};

/// True when dockerd has every image; an unknown one is no error.
bool has_all(Engine& engine, const std::set<std::string>& ids)
{
  return !ids.empty() && std::all_of(ids.begin(), ids.end(), [&](const std::string& id) {
    const std::string target = "/images/" + http::percent_encode(id) + "/json";
    return static_cast<bool>(engine.call("GET", target, ask_deadline));
  });
}

std::set<std::string> image_ids(const ImageBundle& bundle)
{
  std::set<std::string> out;
  for (const auto& [service, id] : bundle.image_of_service)
    out.insert(id);
  return out;
}

} // namespace

Status load_bundle(Engine& engine, const ImageBundle& bundle)
{
  const std::set<std::string> ids = image_ids(bundle);
  if (has_all(engine, ids)) return ok();
  const auto tar = std::make_shared<sys::Fd>(TRY(sys::open_read(bundle.device)));
  Upload upload;
  upload.size_bytes = bundle.size_bytes;
  upload.content_type = "application/x-tar";
  upload.produce = [tar, left = bundle.size_bytes]() mutable -> Result<Bytes> {
    Bytes data = TRY(sys::read_some(tar->get(), std::min<std::uint64_t>(upload_piece, left)));
    if (data.empty() && left > 0) return fail(Errc::io, "the bundle disk ends early");
    left -= data.size();
    return data;
  };
  const std::string answer =
      TRY(engine.upload("/images/load?quiet=1", std::move(upload), load_deadline));
  if (const auto error = error_in_stream(answer)) return fail(Errc::io, "dockerd: {}", *error);
  if (!ids.empty() && !has_all(engine, ids))
    return fail(Errc::untrusted, "dockerd loaded other images than the compose file pins");
  return ok();
}

} // namespace dstack::guest
