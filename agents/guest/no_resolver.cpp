/// The archives of libcrypto and c-ares refer to name resolution, for parts of them that the guest
/// agent never calls: its names go through net::resolve. glibc's own would drag NSS, which is
/// loaded at run time, into a static program; these refuse.

#include <cerrno>
#include <netdb.h>

extern "C" {

int getaddrinfo(const char* /*name*/,
                const char* /*service*/,
                const addrinfo* /*hints*/,
                addrinfo** /*result*/)
{
  return EAI_FAIL;
}

void freeaddrinfo(addrinfo* /*list*/) noexcept {}

const char* gai_strerror(int /*code*/) noexcept
{
  return "this program does not resolve names";
}

int getnameinfo(const sockaddr* /*address*/,
                socklen_t /*length*/,
                char* /*host*/,
                socklen_t /*host_size*/,
                char* /*service*/,
                socklen_t /*service_size*/,
                int /*flags*/)
{
  return EAI_FAIL;
}

hostent* gethostbyname(const char* /*name*/)
{
  return nullptr;
}

servent* getservbyname(const char* /*name*/, const char* /*protocol*/)
{
  return nullptr;
}

int getservbyport_r(int /*port*/,
                    const char* /*protocol*/,
                    servent* /*entry*/,
                    char* /*room*/,
                    size_t /*size*/,
                    servent** result)
{
  *result = nullptr;
  return ENOENT;
}

} // extern "C"
