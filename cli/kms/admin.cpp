#include "cli/kms/admin.hpp"

#include "cli/admin.hpp"
#include "sys/sockets.hpp"

namespace dstack::cli {

Result<kms::Settings> read_kms_settings(const sys::fs::path& directory)
{
  const auto text = sys::read_text(directory / "kms.toml", kms::max_settings);
  if (!text && text.error().code() == Errc::not_found)
    return fail(Errc::not_found, "{} has no kms.toml: is it the directory of 'dstack kms init'?",
                directory.string());
  return kms::settings_from_toml(TRY(text), (directory / "kms.toml").string());
}

Result<codec::Json> ask_kms(const sys::fs::path& directory,
                            std::string_view method,
                            const codec::Json& params,
                            std::chrono::milliseconds deadline)
{
  const kms::Settings settings = TRY(read_kms_settings(directory));
  const auto fd = sys::connect_unix(directory / settings.admin_socket);
  if (!fd)
    return fail(Errc::not_found, "no KMS runs from {} ('dstack kms run {}' starts it)",
                directory.string(), directory.string());
  return ask_admin(fd->get(), "KMS", method, params, deadline);
}

} // namespace dstack::cli
