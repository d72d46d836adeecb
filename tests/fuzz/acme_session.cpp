// links: acme
// A server that does what the input says: answers rightly, late, wrongly or not at all. The session
// always ends by its deadline, asks only where it was led to, and never uses a nonce twice.
#include "acme/fake_authority.hpp"

using namespace dstack;
using namespace dstack::acme;

namespace {

const crypto::P256Key& key()
{
  static const auto one = crypto::P256Key::generate();
  return one;
}

http::Response odd_answer(std::uint8_t choice, ByteReader& in)
{
  constexpr std::array<std::string_view, 6> types = {"badNonce",      "rateLimited",
                                                     "orderNotReady", "alreadyReplaced",
                                                     "malformed",     "accountDoesNotExist"};
  if (choice < types.size()) return FakeAuthority::problem(400, types.at(choice));
  http::Response out;
  const auto code = in.u8();
  out.status = code ? 200 + *code % 4 * 100 + *code / 64 : 500;
  const auto size = in.u8();
  const auto body = in.take(std::min<std::size_t>(size ? *size : 0U, in.remaining()));
  out.body = to_text(*body);
  if (choice % 2 == 0) out.headers.push_back({"Retry-After", out.body});
  if (choice % 3 == 0) out.headers.push_back({"Location", out.body});
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  ByteReader in{{data, size}};
  SessionSettings settings;
  settings.directory_url = "https://ca/dir";
  settings.names = {"a.example", "*.a.example"};
  settings.csr = {1};
  settings.certificate_spki = key().spki_der();
  settings.kinds = {ChallengeKind::http_01, ChallengeKind::dns_01};
  settings.replaces = "a.b";
  constexpr Time start{1'800'000'000'000};
  Time now = start;
  FakeAuthority authority{settings.names, key()};
  Session session{settings, key(), now};
  for (int steps = 0;; ++steps) {
    DSTACK_ASSERT(steps < 3000 && now.ms - start.ms <= settings.total_ms);
    const Step step = session.next(now);
    if (std::holds_alternative<Finished>(step) || std::holds_alternative<Failed>(step)) return 0;
    if (const auto* wait = std::get_if<WaitUntil>(&step)) {
      DSTACK_ASSERT(wait->at > now);
      now = wait->at;
    } else if (std::holds_alternative<Provision>(step)) {
      session.provisioned();
    } else {
      const Call& call = std::get<Call>(step);
      DSTACK_ASSERT(call.url.starts_with("https://"));
      const auto choice = in.u8();
      if (!choice || *choice < 128)
        session.answer(authority.answer(call), now);
      else if (*choice < 140)
        session.unreachable(fail(Errc::io, "no route"), now);
      else
        session.answer(odd_answer(static_cast<std::uint8_t>(*choice - 140U), in), now);
    }
  }
}
