#include "certs/world.hpp"

#include "crypto/random.hpp"
#include "sys/clock.hpp"

namespace dstack::certs {

World real_world()
{
  World out;
  out.now = sys::now;
  out.random = [] {
    std::array<std::uint8_t, sizeof(std::uint64_t)> raw{};
    crypto::random_bytes(raw);
    return *ByteReader{raw}.u64le();
  };
  out.send = [client = fetch::HttpClient{}](const fetch::ClientRequest& request,
                                            const fetch::ClientLimits& limits) mutable {
    return client.send(request, limits);
  };
  return out;
}

} // namespace dstack::certs
