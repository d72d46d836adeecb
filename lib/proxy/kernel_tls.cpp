#include "proxy/kernel_tls.hpp"

#include "sys/sockets.hpp"

#include <array>
#include <chrono>
#include <linux/sockios.h>
#include <linux/tls.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace dstack::proxy {

namespace {

constexpr int tls_level = 282; ///< SOL_TLS (Linux, include/linux/socket.h)
constexpr std::chrono::seconds patience{5};
constexpr std::string_view ulp_name = "tls";
constexpr std::uint8_t application_data = 23; ///< RFC 8446 5.1

struct Pair {
  sys::Fd near{};
  sys::Fd far{};
};

Result<Pair> connected_pair()
{
  const std::string loopback = "127.0.0.1";
  const sys::Fd listener = TRY(sys::listen_tcp(loopback, 0));
  Pair out;
  out.near = TRY(sys::connect_tcp(loopback, TRY(sys::local_port(listener.get())), patience));
  out.far = TRY(sys::accept_one(listener.get()));
  return out;
}

} // namespace

Status try_kernel_tls()
{
  const Pair pair = TRY(connected_pair());
  if (::setsockopt(pair.near.get(), IPPROTO_TCP, TCP_ULP, ulp_name.data(), ulp_name.size()) != 0)
    return sys::errno_error("this kernel has no TLS (its module is called \"tls\"): TCP_ULP");
  tls12_crypto_info_aes_gcm_128 keys{}; // zeros: nothing secret is sent
  keys.info.version = TLS_1_3_VERSION;
  keys.info.cipher_type = TLS_CIPHER_AES_GCM_128;
  if (::setsockopt(pair.near.get(), tls_level, TLS_TX, &keys, sizeof keys) != 0)
    return sys::errno_error("this kernel does not seal TLS 1.3 with AES-128-GCM: TLS_TX");
  const std::array<std::uint8_t, 1> said{};
  // A record: its header, the byte, its type, a tag.
  std::array<std::uint8_t, 5 + 1 + 1 + 16> seen{};
  if (::send(pair.near.get(), said.data(), said.size(), MSG_NOSIGNAL) != 1 ||
      ::recv(pair.far.get(), seen.data(), seen.size(), MSG_WAITALL) !=
          static_cast<ssize_t>(seen.size()))
    return sys::errno_error("this kernel's TLS sends nothing");
  if (seen.at(0) != application_data)
    return fail(Errc::unsupported, "this kernel's TLS sends no records");
  return ok();
}

std::size_t unacknowledged(int socket)
{
  tcp_info info{};
  socklen_t size = sizeof info;
  const bool gone = ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
                    info.tcpi_state == TCP_CLOSE; // and the count stays as it was
  if (gone) return 0;
  int bytes = 0;
  return ::ioctl(socket, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

} // namespace dstack::proxy
