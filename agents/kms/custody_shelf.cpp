#include "agents/kms/custody_shelf.hpp"

#include "vault/share_file.hpp"

namespace dstack::kmsnode {

namespace {

constexpr unsigned max_held = 1024;

} // namespace

Result<std::string> held_share(const sys::fs::path& directory, ByteView cluster)
{
  std::error_code error;
  unsigned seen = 0;
  for (const auto& entry : sys::fs::directory_iterator(directory, error)) {
    if (++seen > max_held) break;
    if (entry.path().extension() != ".json") continue;
    const auto text = sys::read_text(entry.path(), vault::max_share_file);
    if (!text) continue;
    const auto view = vault::view_share(as_bytes(*text));
    if (view && equal(view->cluster, cluster)) return *text;
  }
  return fail(Errc::not_found, "no share of cluster {} is held here", hex(cluster));
}

} // namespace dstack::kmsnode
