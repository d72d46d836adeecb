#include "guest/wireguard_link.hpp"

#include "base/bytes.hpp"
#include "sys/fd.hpp"

#include <cerrno>
#include <cstring>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace dstack::guest {

namespace {

constexpr std::string_view kind = "wireguard";

template <class T> void put(ByteWriter& out, const T& value)
{
  std::array<std::uint8_t, NLMSG_ALIGN(sizeof(T))> room{};
  std::memcpy(room.data(), &value, sizeof value);
  out.put(room);
}

void put_attribute(ByteWriter& out, std::uint16_t type, ByteView value)
{
  put(out, rtattr{static_cast<std::uint16_t>(sizeof(rtattr) + value.size()), type});
  out.put(value).zeros(NLMSG_ALIGN(value.size()) - value.size());
}

/// A request about our interface; the attributes go behind the name.
Bytes message(std::uint16_t type, int flags, ByteView attributes)
{
  ByteWriter body;
  ifinfomsg about{};
  about.ifi_family = AF_UNSPEC;
  put(body, about);
  const std::string_view name{wireguard_interface, std::strlen(wireguard_interface) + 1};
  put_attribute(body, IFLA_IFNAME, as_bytes(name));
  body.put(attributes);
  nlmsghdr head{};
  head.nlmsg_len = static_cast<std::uint32_t>(sizeof head + body.size());
  head.nlmsg_type = type;
  head.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  ByteWriter out;
  put(out, head);
  return out.put(body.take()).take();
}

/// 0 or the errno of the kernel, which has answered when send returns.
Result<int> ask_kernel(ByteView request)
{
  const sys::Fd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  if (!fd) return sys::errno_error("rtnetlink socket");
  if (::send(fd.get(), request.data(), request.size(), 0) < 0)
    return sys::errno_error("rtnetlink request");
  std::array<std::uint8_t, 4096> room{};
  const ssize_t size = ::recv(fd.get(), room.data(), room.size(), MSG_DONTWAIT);
  if (size < 0) return sys::errno_error("rtnetlink answer");
  nlmsghdr head{};
  nlmsgerr answer{};
  if (static_cast<std::size_t>(size) < sizeof head + sizeof answer)
    return fail(Errc::io, "rtnetlink: an answer of {} bytes", size);
  std::memcpy(&head, room.data(), sizeof head);
  std::memcpy(&answer, room.data() + NLMSG_HDRLEN, sizeof answer);
  if (head.nlmsg_type != NLMSG_ERROR)
    return fail(Errc::io, "rtnetlink: an answer of type {}", head.nlmsg_type);
  return -answer.error;
}

} // namespace

Status make_wireguard()
{
  ByteWriter info;
  put_attribute(info, IFLA_INFO_KIND, as_bytes(kind));
  ByteWriter attributes;
  put_attribute(attributes, IFLA_LINKINFO, info.take());
  const int error =
      TRY(ask_kernel(message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, attributes.take())));
  if (error == 0 || error == EEXIST) return ok();
  return sys::errno_error(fmt::format("make {}", wireguard_interface), error);
}

Status remove_wireguard()
{
  const int error = TRY(ask_kernel(message(RTM_DELLINK, 0, {})));
  if (error == 0 || error == ENODEV) return ok();
  return sys::errno_error(fmt::format("remove {}", wireguard_interface), error);
}

} // namespace dstack::guest
