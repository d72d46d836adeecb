#include "codec/toml_text.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"

namespace dstack::codec {

/// A JSON string of printable characters is a TOML one, too.
std::string toml_text(const std::string& text)
{
  return write_json(Json{text});
}

std::string toml_text(const std::vector<std::string>& words)
{
  std::vector<std::string> out;
  for (const std::string& word : words)
    out.push_back(toml_text(word));
  return fmt::format("[{}]", join(out, ", "));
}

std::string toml_text(std::chrono::milliseconds time)
{
  return fmt::format("\"{}ms\"", time.count());
}

} // namespace dstack::codec
