#include "cli/secret_file.hpp"

#include "base/text.hpp"
#include "sys/files.hpp"

#include <algorithm>
#include <unistd.h>

namespace dstack::cli {

namespace {

constexpr std::size_t max_file = 4096;
constexpr std::size_t secret_size = 32;

Result<Secret<32>> secret_of(ByteView raw)
{
  Secret<32> out;
  if (raw.size() == secret_size) {
    std::copy(raw.begin(), raw.end(), out.mutable_view().begin());
    return out;
  }
  auto decoded = parse_hex(trim(as_text(raw)));
  if (!decoded || decoded->size() != secret_size)
    return fail(Errc::malformed, "want 32 bytes, raw or as 64 hex digits");
  std::copy(decoded->begin(), decoded->end(), out.mutable_view().begin());
  wipe(*decoded);
  return out;
}

} // namespace

Result<Secret<32>> read_secret(const std::string& file)
{
  Bytes raw = file == "-" ? TRY(sys::read_to_end(STDIN_FILENO, max_file).within("stdin"))
                          : TRY(sys::read_file(file, max_file));
  auto out = secret_of(raw);
  wipe(raw);
  return std::move(out).within("{}", file == "-" ? "stdin" : file);
}

} // namespace dstack::cli
