#include "guest/sys_config.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"

#include <algorithm>
#include <arpa/inet.h>

namespace dstack::guest {

namespace {

using codec::Json;

constexpr std::size_t id_size = 20;
constexpr std::size_t max_hostname = 63;

Result<std::string> ipv4(const Json& object, std::string_view key)
{
  std::string text = TRY(object.need_string(key));
  in_addr parsed{};
  if (::inet_pton(AF_INET, text.c_str(), &parsed) != 1)
    return fail(Errc::malformed, "{} \"{}\" is no IPv4 address", key, printable(text));
  return text;
}

enum class Gateway { needed, optional };

Result<NetworkConfig> parse_network(const Json& object, Gateway gateway)
{
  NetworkConfig out;
  const std::string address = TRY(object.need_string("address"));
  const std::size_t slash = address.find('/');
  if (slash == std::string::npos)
    return fail(Errc::malformed, "address \"{}\" without a prefix length", printable(address));
  Json plain;
  plain.set("address", address.substr(0, slash));
  out.address = TRY(ipv4(plain, "address"));
  const std::uint64_t prefix = TRY(parse_u64(std::string_view{address}.substr(slash + 1)));
  if (prefix == 0 || prefix > 32) return fail(Errc::malformed, "prefix length {}", prefix);
  out.prefix = static_cast<unsigned>(prefix);
  if (gateway == Gateway::optional && object.find("gateway") == nullptr) return out;
  out.gateway = TRY(ipv4(object, "gateway"));
  out.dns = TRY(ipv4(object, "dns"));
  return out;
}

Result<std::vector<std::optional<NetworkConfig>>> parse_more(const Json& list)
{
  std::vector<std::optional<NetworkConfig>> out;
  if (list.items().size() > max_more_networks)
    return fail(Errc::malformed, "{} networks", list.items().size());
  for (const Json& item : list.items())
    out.push_back(item.is_null()
                      ? std::optional<NetworkConfig>{}
                      : std::optional{TRY(parse_network(item, Gateway::optional))});
  return out;
}

/// RFC 1123 label; anything else would end up in prompts, logs and files.
Result<std::string> checked_hostname(std::string name)
{
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (name.empty() || name.size() > max_hostname || name.front() == '-' ||
      !std::all_of(name.begin(), name.end(), fits))
    return fail(Errc::malformed, "hostname \"{}\"", printable(name));
  return name;
}

Result<SysConfig> with_extra(const Json& extra, SysConfig out)
{
  out.tee = TRY(extra.get_string("tee", out.tee));
  out.bundle = TRY(extra.get_bool("bundle", false));
  out.hostname = TRY(checked_hostname(TRY(extra.get_string("hostname", out.hostname))));
  out.insecure_registries = TRY(extra.get_strings("insecure_registries"));
  if (const Json* network = extra.find("network"); network != nullptr && network->is_object())
    out.network = TRY(parse_network(*network, Gateway::needed).within("network"));
  if (extra.find("more_networks") != nullptr)
    out.more_networks =
        TRY(parse_more(*TRY(extra.need_array("more_networks"))).within("more_networks"));
  return out;
}

Result<Bytes> optional_id(const Json& object, std::string_view key)
{
  const std::string text = TRY(object.get_string(key, ""));
  if (text.empty()) return Bytes{};
  const auto id = TRY(parse_hex_array<id_size>(text).within("{}", key));
  return to_bytes(ByteView{id});
}

} // namespace

Result<SysConfig> parse_sys_config(std::string_view text)
{
  const Json root = TRY(codec::parse_json(text, {max_sys_config, 16, 4096}));
  SysConfig out;
  out.vm_config = TRY(root.need_string("vm_config"));
  const Json vm = TRY(codec::parse_json(out.vm_config).within("vm_config"));
  const std::string image = TRY(vm.get_string("os_image_hash", ""));
  out.os_image_hash = hex(TRY(parse_hex(image).within("os_image_hash")));
  out.mr_config = TRY(root.get_string("mr_config", ""));
  out.docker_registry = TRY(root.get_string("docker_registry", ""));
  out.kms_urls = TRY(root.get_strings("kms_urls"));
  out.gateway_urls = TRY(root.get_strings("gateway_urls"));
  if (out.gateway_urls.empty()) out.gateway_urls = TRY(root.get_strings("tproxy_urls"));
  if (const Json* extra = root.find("dstack"); extra != nullptr && extra->is_object())
    out = TRY(with_extra(*extra, std::move(out)).within("dstack"));
  return out;
}

Result<InstanceInfo> parse_instance_info(std::string_view text)
{
  if (trim(text).empty()) return InstanceInfo{};
  const Json root = TRY(codec::parse_json(text, {max_instance_info, 4, 64}));
  InstanceInfo out;
  out.instance_id_seed = TRY(optional_id(root, "instance_id_seed"));
  out.app_id = TRY(optional_id(root, "app_id"));
  return out;
}

std::string write_instance_info(ByteView seed, ByteView instance_id, ByteView app_id)
{
  Json out;
  out.set("instance_id_seed", hex(seed));
  out.set("instance_id", hex(instance_id));
  out.set("app_id", hex(app_id));
  return codec::write_json(out);
}

} // namespace dstack::guest
