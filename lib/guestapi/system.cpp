#include "guestapi/system.hpp"

namespace dstack::guestapi {

namespace {

using codec::Json;

Json texts(const std::vector<std::string>& all)
{
  Json out = Json::array();
  for (const std::string& one : all)
    out.push(one);
  return out;
}

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
  Json disks = Json::array();
  for (const Disk& disk : info.disks)
    disks.push(disk_json(disk));
  out.set("disks", std::move(disks));
  return out;
}

Json to_json(const NetworkInfo& info)
{
  Json gateways = Json::array();
  for (const std::string& address : info.gateways)
    gateways.push(Json{}.set("address", address));
  Json interfaces = Json::array();
  for (const Interface& interface : info.interfaces)
    interfaces.push(interface_json(interface));
  Json out;
  out.set("dns_servers", texts(info.dns_servers)).set("gateways", std::move(gateways));
  out.set("interfaces", std::move(interfaces)).set("wg_info", info.wg_info);
  return out;
}

} // namespace dstack::guestapi
