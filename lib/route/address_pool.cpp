#include "route/address_pool.hpp"

#include <algorithm>

namespace dstack::route {

namespace {

constexpr unsigned shortest_prefix = 12;

bool is_edge(const Network& network, const Address& address)
{
  const std::uint32_t hosts = network.prefix() == 0 ? ~0U : ~(~0U << (32 - network.prefix()));
  const std::uint32_t host = network.prefix() == 32 ? 1 : address.v4_value() & hosts;
  return network.prefix() < 31 && (host == 0 || host == hosts);
}

std::size_t size_of(const Network& network)
{
  return std::size_t{1} << (32 - network.prefix());
}

} // namespace

AddressPool::AddressPool(const PoolSettings& settings)
    : settings_(settings), taken_(size_of(settings.clients))
{
}

Result<AddressPool> AddressPool::create(const PoolSettings& settings)
{
  const Address& own = settings.gateway.address;
  if (!own.is_v4() || !settings.clients.base().is_v4())
    return fail(Errc::config, "{} and {}: WireGuard addresses of VMs are IPv4", own.text(),
                settings.clients.text());
  const Network network = settings.gateway.network();
  if (!network.contains(settings.clients))
    return fail(Errc::config, "the range of VMs {} is not inside {}", settings.clients.text(),
                network.text());
  if (settings.clients.prefix() < shortest_prefix)
    return fail(Errc::config, "the range of VMs {} is larger than a /{}", settings.clients.text(),
                shortest_prefix);
  bool own_reserved = false;
  for (const Network& reserved : settings.reserved) {
    if (!network.contains(reserved))
      return fail(Errc::config, "the reserved network {} is not inside {}", reserved.text(),
                  network.text());
    own_reserved = own_reserved || reserved.contains(own);
  }
  if (!own_reserved)
    return fail(Errc::config, "the gateway's address {} is in no reserved network", own.text());
  return AddressPool{settings};
}

bool AddressPool::is_ours(const Address& address) const
{
  if (!settings_.clients.contains(address) || address == settings_.gateway.address) return false;
  if (is_edge(settings_.clients, address) || is_edge(settings_.gateway.network(), address))
    return false;
  return std::none_of(settings_.reserved.begin(), settings_.reserved.end(),
                      [&](const Network& reserved) { return reserved.contains(address); });
}

bool AddressPool::take(const Address& address)
{
  if (!is_ours(address)) return false;
  const std::size_t index = address.v4_value() - settings_.clients.base().v4_value();
  if (taken_[index]) return false;
  taken_[index] = true;
  ++taken_count_;
  return true;
}

Result<Address> AddressPool::allocate()
{
  const std::uint32_t base = settings_.clients.base().v4_value();
  for (std::size_t tried = 0; tried < taken_.size(); ++tried) {
    const auto index = static_cast<std::uint32_t>((next_ + tried) % taken_.size());
    const Address address = Address::v4(base + index);
    if (!take(address)) continue;
    next_ = index + 1;
    return address;
  }
  return fail(Errc::denied, "no address is left in {} ({} in use)", settings_.clients.text(),
              taken_count_);
}

void AddressPool::release(const Address& address)
{
  if (!is_ours(address)) return;
  const std::size_t index = address.v4_value() - settings_.clients.base().v4_value();
  if (!taken_[index]) return;
  taken_[index] = false;
  --taken_count_;
}

} // namespace dstack::route
