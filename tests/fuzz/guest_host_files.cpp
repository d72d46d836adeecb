// links: guest_core
// Files and disk blocks the host hands to the guest: no crash, and what is accepted keeps its
// shape.
#include "guest/app_environment.hpp"
#include "guest/block_device.hpp"
#include "guest/cmdline.hpp"
#include "guest/config_share.hpp"
#include "guest/data_disk.hpp"
#include "guest/log_stream.hpp"
#include "guest/sys_config.hpp"
#include "guest/verity_table.hpp"

using namespace dstack;

namespace {

void check_configuration(std::string_view text)
{
  const auto config = guest::parse_sys_config(text);
  if (config && config->network)
    DSTACK_ASSERT(config->network->prefix >= 1 && config->network->prefix <= 32);
  const auto known = guest::parse_instance_info(text);
  if (known) DSTACK_ASSERT(known->app_id.empty() || known->app_id.size() == 20);
  // With a key that the host cannot have: whatever opens is an environment that may be handed on.
  const auto environment = guest::open_environment(as_bytes(text), Secret<32>{{7}}, {"A", "B"});
  if (environment) DSTACK_ASSERT(environment->kept.size() <= 2);
  if (const auto words = guest::parse_cmdline(text); words)
    static_cast<void>(guest::root_parameters(*words));
}

void check_blocks(ByteView block)
{
  DSTACK_ASSERT(guest::fat_label(block).size() <= 11);
  static_cast<void>(guest::ext4_size(block));
  const auto superblock = guest::parse_verity_superblock(block, 409600);
  if (superblock) DSTACK_ASSERT(superblock->data_blocks == 100 && superblock->salt.size() <= 256);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView bytes{data, size};
  const std::string_view text = as_text(bytes);
  check_configuration(text);
  check_blocks(bytes);
  static_cast<void>(guest::partition_name(text));
  if (const auto json = codec::parse_json(text); json && json->is_object())
    static_cast<void>(guest::parse_log_request(*json));
  return 0;
}
