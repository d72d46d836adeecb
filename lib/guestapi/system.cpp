#include "guestapi/system.hpp"

#include "codec/json_list.hpp"

namespace dstack::guestapi {

namespace {

using codec::Json;

Json disk_json(const Disk& disk)
{
  Json out;
  out.set("name", disk.name).set("mount_point", disk.mount_point);
  out.set("total_size", disk.total_size).set("free_size", disk.free_size);
  return out;
}

Json interface_json(const Interface& interface)
{
  Json addresses = Json::array();
  for (const InterfaceAddress& one : interface.addresses) {
    Json address;
    address.set("address", one.address).set("prefix", one.prefix);
    addresses.push(std::move(address));
  }
  Json out;
  out.set("name", interface.name).set("addresses", std::move(addresses));
  out.set("rx_bytes", interface.rx_bytes).set("tx_bytes", interface.tx_bytes);
  out.set("rx_errors", interface.rx_errors).set("tx_errors", interface.tx_errors);
  return out;
}

} // namespace

Json to_json(const SystemInfo& info)
{
  Json out;
  out.set("os_name", info.os_name).set("os_version", info.os_version);
  out.set("kernel_version", info.kernel_version);
  out.set("cpu_model", info.cpu_model).set("num_cpus", info.num_cpus);
  out.set("total_memory", info.total_memory).set("available_memory", info.available_memory);
  out.set("used_memory", info.used_memory).set("free_memory", info.free_memory);
  out.set("total_swap", info.total_swap).set("used_swap", info.used_swap);
  out.set("free_swap", info.free_swap).set("uptime", info.uptime);
  out.set("loadavg_one", info.loadavg_one).set("loadavg_five", info.loadavg_five);
  out.set("loadavg_fifteen", info.loadavg_fifteen);
  out.set("disks", codec::list_of(info.disks, disk_json));
  return out;
}

Json to_json(const NetworkInfo& info)
{
  Json gateways = Json::array();
  for (const std::string& address : info.gateways)
    gateways.push(Json{}.set("address", address));
  Json out;
  out.set("dns_servers", codec::list_of(info.dns_servers)).set("gateways", std::move(gateways));
  out.set("interfaces", codec::list_of(info.interfaces, interface_json))
      .set("wg_info", info.wg_info);
  return out;
}

} // namespace dstack::guestapi
