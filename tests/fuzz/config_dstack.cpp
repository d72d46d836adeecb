// links: config
// Any bytes as a configuration file: refused with the file's name, or every setting has a value
// that reads as its kind.
#include "base/bytes.hpp"
#include "config/config.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  config::Inputs inputs;
  inputs.files.push_back({"/f", std::string{as_text({data, size})}});
  const auto loaded = config::Config::load(inputs);
  if (!loaded) {
    DSTACK_ASSERT(loaded.error().code() == Errc::config);
    DSTACK_ASSERT(loaded.error().message().starts_with("/f:"));
    return 0;
  }
  for (const config::Value& value : loaded->values()) {
    const std::string_view key = value.setting->key;
    if (value.setting->kind == config::Kind::count) DSTACK_ASSERT(loaded->count(key) > 0);
    if (value.setting->kind == config::Kind::size) DSTACK_ASSERT(loaded->bytes(key) > 0);
    if (value.setting->kind == config::Kind::duration) DSTACK_ASSERT(loaded->duration_ms(key) > 0);
    // What is shown can be typed again and means the same.
    config::Inputs again;
    again.flags.push_back({std::string{key}, "--again", value.text});
    const auto typed = config::Config::load(again);
    DSTACK_ASSERT(typed && typed->text(key) == value.text);
    DSTACK_ASSERT(typed->value(key).items == value.items);
  }
  return 0;
}
