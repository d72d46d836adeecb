#include "proxy/kernel_tls.hpp"

#include "sys/sockets.hpp"

#include <chrono>
#include <linux/tls.h>
#include <netinet/tcp.h>
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
  const std::uint8_t said = 0;
  std::uint8_t seen = 0; // the first byte of a record is its type
  if (::send(pair.near.get(), &said, 1, MSG_NOSIGNAL) != 1 ||
      ::recv(pair.far.get(), &seen, 1, 0) != 1)
    return sys::errno_error("this kernel's TLS sends nothing");
  if (seen != application_data)
    return fail(Errc::unsupported, "this kernel's TLS sends no records");
  return ok();
}

} // namespace dstack::proxy
