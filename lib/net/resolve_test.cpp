#include "net/resolve.hpp"

#include "sys/clock.hpp"
#include "sys/sockets.hpp"
#include "sys/threads.hpp"

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <doctest/doctest.h>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace dstack::net {
namespace {

using std::chrono::milliseconds;
constexpr std::uint16_t a_record = 1;
constexpr std::uint16_t cname_record = 5;
constexpr std::uint16_t aaaa_record = 28;

/// A question as it came (RFC 1035 4.1).
struct Question {
  Bytes id{};
  Bytes section{}; ///< name, type and class
  std::uint16_t type = 0;
};

struct Record {
  Bytes name{}; ///< as on the wire; empty: that of the question
  std::uint16_t type = 0;
  Bytes data{};
};

/// Response codes: 0 fine, 2 server failure, 3 no such name.
Bytes reply(const Question& to, std::uint16_t code, const std::vector<Record>& records)
{
  ByteWriter out;
  out.put(to.id).u16be(static_cast<std::uint16_t>(0x8180U | code)).u16be(1);
  out.u16be(static_cast<std::uint16_t>(records.size())).u16be(0).u16be(0).put(to.section);
  for (const Record& one : records) {
    if (one.name.empty())
      out.u16be(0xc00c); // the name at offset 12
    else
      out.put(one.name);
    out.u16be(one.type).u16be(1).u32be(60).u16be(static_cast<std::uint16_t>(one.data.size()));
    out.put(one.data);
  }
  return out.take();
}

Question question_of(ByteView raw)
{
  constexpr std::size_t header = 12;
  Question out;
  out.id = to_bytes(raw.first(2));
  std::size_t end = header;
  while (raw[end] != 0)
    end += raw[end] + 1U;
  out.section = to_bytes(raw.subspan(header, end + 5 - header));
  out.type = raw[end + 2];
  return out;
}

using Answering = std::function<std::vector<Bytes>(const Question&)>;

/// A DNS server over UDP on a port of 127.0.0.1 that answers with what it is told to.
void with_dns(const Answering& answering, const std::function<void(const std::string& server)>& use)
{
  const sys::Fd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's own shape.
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  const std::string address = fmt::format("127.0.0.1:{}", *sys::local_port(fd.get()));
  std::atomic<bool> stop = false;
  const auto serve = [&]() -> Status {
    while (!stop) {
      pollfd wait{fd.get(), POLLIN, 0};
      if (::poll(&wait, 1, 20) != 1) continue;
      std::array<std::uint8_t, 1500> raw{};
      sockaddr_in from{};
      socklen_t size = sizeof from;
      // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): as above.
      const ssize_t n = ::recvfrom(fd.get(), raw.data(), raw.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 17) continue;
      for (const Bytes& one :
           answering(question_of(ByteView{raw}.first(static_cast<std::size_t>(n)))))
        ::sendto(fd.get(), one.data(), one.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
      // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
    }
    return ok();
  };
  CHECK(sys::run_parallel({serve,
                           [&]() -> Status {
                             use(address);
                             stop = true;
                             return ok();
                           }},
                          2));
}

std::vector<Bytes> known(const Question& asked)
{
  if (asked.type == a_record)
    return {reply(asked, 0, {{{}, a_record, {127, 0, 0, 1}}, {{}, a_record, {127, 0, 0, 9}}})};
  Bytes v6(16, 0);
  v6[15] = 1;
  return {reply(asked, 0, {{{}, aaaa_record, v6}})};
}

using Names = std::vector<std::string>;

} // namespace

TEST_SUITE("net::resolve")
{
  TEST_CASE("a host's addresses of both kinds, IPv4 first")
  {
    with_dns(known, [](const std::string& server) {
      const auto got = resolve("kms.example.com", {server}, milliseconds{5000});
      REQUIRE(got);
      CHECK(*got == Names{"127.0.0.1", "127.0.0.9", "::1"});
    });
  }

  TEST_CASE("a numeric address is its own; this machine's own names need no server and no file")
  {
    for (const char* host : {"192.0.2.7", "::1", "2001:db8::2"})
      CHECK(*resolve(host, {"192.0.2.1"}, milliseconds{1}) == Names{host});
    for (const char* host : {"localhost", "LocalHost.", "kms.localhost"}) {
      const auto local = resolve(host, {"192.0.2.1"}, milliseconds{1});
      REQUIRE(local);
      CHECK(*local == Names{"127.0.0.1", "::1"});
    }
  }

  TEST_CASE("an alias is followed")
  {
    const Bytes other{5, 'o', 't', 'h', 'e', 'r', 0};
    const auto alias = [&](const Question& asked) -> std::vector<Bytes> {
      if (asked.type != a_record) return {reply(asked, 0, {{{}, cname_record, other}})};
      return {reply(asked, 0, {{{}, cname_record, other}, {other, a_record, {10, 1, 2, 3}}})};
    };
    with_dns(alias, [](const std::string& server) {
      CHECK(*resolve("kms.example.com", {server}, milliseconds{5000}) == Names{"10.1.2.3"});
    });
  }

  TEST_CASE("there is no such host; a server that fails is another matter")
  {
    const auto none = [](const Question& asked) -> std::vector<Bytes> {
      return {reply(asked, 3, {})};
    };
    with_dns(none, [](const std::string& server) {
      const auto got = resolve("kms.example.com", {server}, milliseconds{5000});
      REQUIRE(!got);
      CHECK(got.error().code() == Errc::not_found);
    });
    const auto failing = [](const Question& asked) -> std::vector<Bytes> {
      return {reply(asked, 2, {})};
    };
    with_dns(failing, [](const std::string& server) {
      const auto got = resolve("kms.example.com", {server}, milliseconds{5000});
      REQUIRE(!got);
      CHECK(got.error().code() == Errc::io);
    });
  }

  TEST_CASE("a server that says nothing is a timeout, one that has half an answer is not")
  {
    const std::int64_t began = sys::monotonic_ms();
    with_dns([](const Question&) { return std::vector<Bytes>{}; },
             [](const std::string& server) {
               const auto got = resolve("kms.example.com", {server}, milliseconds{200});
               REQUIRE(!got);
               CHECK(got.error().code() == Errc::timeout);
             });
    CHECK(sys::monotonic_ms() - began < 4000);
    const auto half = [](const Question& asked) {
      return asked.type == a_record ? known(asked) : std::vector<Bytes>{};
    };
    with_dns(half, [](const std::string& server) {
      const std::int64_t before = sys::monotonic_ms();
      CHECK(*resolve("kms.example.com", {server}, milliseconds{20'000}) ==
            Names{"127.0.0.1", "127.0.0.9"});
      CHECK(sys::monotonic_ms() - before < 10'000);
    });
  }

  TEST_CASE("another server is asked when one does not answer")
  {
    with_dns([](const Question&) { return std::vector<Bytes>{}; },
             [](const std::string& silent) {
               with_dns(known, [&](const std::string& server) {
                 CHECK(resolve("kms.example.com", {silent, server}, milliseconds{15'000}));
               });
             });
  }

  TEST_CASE("answers that do not fit are passed over or refused, never more than allowed are taken")
  {
    const auto many = [](const Question& asked) -> std::vector<Bytes> {
      std::vector<Record> records;
      for (std::uint8_t i = 0; i < 25; ++i)
        records.push_back({{}, a_record, {10, 0, 0, i}});
      return {reply(asked, 0, asked.type == a_record ? records : std::vector<Record>{})};
    };
    with_dns(many, [](const std::string& server) {
      const auto got = resolve("kms.example.com", {server}, milliseconds{5000});
      REQUIRE(got);
      CHECK(got->size() == max_addresses);
    });
    const auto foreign = [](const Question& asked) {
      Question other = asked;
      other.id[0] ^= 0xffU;
      std::vector<Bytes> out{reply(other, 0, {{{}, a_record, {10, 9, 9, 9}}}), Bytes(40, 0xff)};
      out.push_back(known(asked).front());
      return out;
    };
    with_dns(foreign, [](const std::string& server) {
      const auto got = resolve("kms.example.com", {server}, milliseconds{5000});
      REQUIRE(got);
      CHECK(got->front() == "127.0.0.1");
    });
    const auto cut = [](const Question& asked) {
      Bytes whole = known(asked).front();
      whole.resize(whole.size() - 3);
      return std::vector<Bytes>{whole};
    };
    with_dns(cut, [](const std::string& server) {
      CHECK(!resolve("kms.example.com", {server}, milliseconds{5000}));
    });
  }

  TEST_CASE("one question's whole answer, also that there is no such name")
  {
    constexpr std::uint16_t txt_record = 16;
    const auto texts = [](const Question& asked) -> std::vector<Bytes> {
      return {reply(asked, 0, {{{}, txt_record, {2, 'h', 'i'}}})};
    };
    with_dns(texts, [](const std::string& server) {
      const auto got = query_dns("_a.example.com", txt_record, {server}, milliseconds{5000});
      REQUIRE(got);
      CHECK(Bytes{got->end() - 3, got->end()} == Bytes{2, 'h', 'i'});
    });
    const auto none = [](const Question& asked) -> std::vector<Bytes> {
      return {reply(asked, 3, {})};
    };
    with_dns(none, [](const std::string& server) {
      const auto got = query_dns("_a.example.com", txt_record, {server}, milliseconds{5000});
      REQUIRE(got);
      CHECK((got->at(3) & 0xfU) == 3);
    });
    with_dns([](const Question&) { return std::vector<Bytes>{}; },
             [](const std::string& server) {
               const auto got =
                   query_dns("_a.example.com", txt_record, {server}, milliseconds{100});
               REQUIRE(!got);
               CHECK(got.error().code() == Errc::timeout);
             });
    CHECK(!query_dns("a b", txt_record, {"192.0.2.1"}, milliseconds{100}));
  }

  TEST_CASE("what is no host name, and what is no server, is refused unasked")
  {
    for (const std::string& host :
         {std::string{}, std::string{"a b"}, std::string{"a/b"}, std::string{"a\0b", 3},
          std::string(254, 'a'), std::string{"k\xc3\xa4se"}}) {
      const auto got = resolve(host, {"192.0.2.1"}, milliseconds{100});
      REQUIRE(!got);
      CHECK(got.error().code() == Errc::malformed);
    }
    CHECK(!resolve("kms.example.com", {"dns.example.com"}, milliseconds{100}));
  }

  TEST_CASE("a connection to the first address that takes one")
  {
    const sys::Fd listener = *sys::listen_tcp("127.0.0.9", 0); // the second one
    const std::uint16_t port = *sys::local_port(listener.get());
    with_dns(known, [&](const std::string& server) {
      const auto fd = connect_host("kms.example.com", port, {server}, milliseconds{5000});
      REQUIRE(fd);
      CHECK(sys::peer_address(fd->get()) == "127.0.0.9");
      const auto none = connect_host("kms.example.com", *sys::free_port("127.0.0.1"), {server},
                                     milliseconds{5000});
      REQUIRE(!none);
      CHECK(none.error().message().find("kms.example.com: connect to ") == 0);
    });
  }
}

} // namespace dstack::net
