#include "attest/app_info.hpp"

#include "attest/msgpack.hpp"
#include "base/text.hpp"

namespace dstack::attest {

namespace {

constexpr std::size_t members = 9;
constexpr std::size_t max_scripts = 64;

/// The members that are plain bytes, in their order.
constexpr std::array<Bytes AppInfo::*, 7> plain = {
    &AppInfo::app_id,    &AppInfo::compose_hash,  &AppInfo::instance_id,  &AppInfo::device_id,
    &AppInfo::mr_system, &AppInfo::mr_aggregated, &AppInfo::os_image_hash};

Status read_scripts(MsgpackReader& in, AppInfo& out)
{
  if (TRY(in.is_nil())) return ok();
  return in.array(max_scripts, [&]() -> Status {
    out.init_script_hashes.push_back(TRY(in.bytes()));
    return ok();
  });
}

} // namespace

Bytes encode(const AppInfo& info)
{
  MsgpackWriter out;
  out.array(members);
  for (const auto member : plain)
    out.bin(info.*member);
  out.bin(as_bytes(info.key_provider));
  out.array(info.init_script_hashes.size());
  for (const Bytes& hash : info.init_script_hashes)
    out.bin(hash);
  return out.take();
}

Result<AppInfo> parse_app_info(ByteView msgpack)
{
  AppInfo out;
  MsgpackReader in{msgpack};
  std::size_t at = 0;
  TRY(in.array(members, [&]() -> Status {
          const std::size_t index = at++;
          if (index < plain.size()) {
            out.*plain[index] = TRY(in.bytes());
            return ok();
          }
          if (index > plain.size()) return read_scripts(in, out);
          const Bytes provider = TRY(in.bytes());
          if (!is_utf8(as_text(provider)))
            return fail(Errc::malformed, "key provider that is not UTF-8");
          out.key_provider = to_text(provider);
          return ok();
        }).within("app info"));
  if (at < members - 1) return fail(Errc::malformed, "app info of {} members (want 8 or 9)", at);
  TRY(in.finish().within("app info"));
  return out;
}

} // namespace dstack::attest
