#include "agents/vm/sealing_exchange.hpp"

#include "agents/vm/stream.hpp"
#include "base/text.hpp"
#include "dcap/collateral.hpp"
#include "dcap/quote.hpp"
#include "sys/clock.hpp"
#include "sys/sockets.hpp"
#include "sys/spawn.hpp"
#include "tee/sealing_wire.hpp"

#include <csignal>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

namespace dstack::supervisor {

using codec::Json;

namespace {

/// The provider takes up to 30 s to read, judge and answer (spec kms 16).
constexpr std::chrono::milliseconds provider_deadline{35'000};
constexpr std::chrono::milliseconds collateral_deadline{35'000};
constexpr std::chrono::milliseconds whole_deadline{72'000};
constexpr std::size_t max_document = dcap::max_collateral + tee::max_sealing_answer;
constexpr std::size_t argument_count = 3;
constexpr int quote_fd = 5; ///< of the program that fetches collateral

Result<Bytes> read_exactly(int fd, std::size_t size, const sys::Deadline& deadline)
{
  Bytes out;
  while (out.size() < size) {
    pollfd wait{fd, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(deadline.left().count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return sys::errno_error("poll");
    if (ready == 0) return fail(Errc::timeout, "no answer in time");
    const Bytes piece = TRY(sys::read_some(fd, size - out.size()));
    // It closes the connection where it does not want to answer (spec kms 16).
    if (piece.empty())
      return fail(Errc::denied, "it closed the connection after {} of {} bytes; its log says why",
                  out.size(), size);
    out.insert(out.end(), piece.begin(), piece.end());
  }
  return out;
}

Result<tee::SealingAnswer>
ask_provider(const std::string& address, std::uint16_t port, ByteView quote)
{
  const sys::Deadline deadline{provider_deadline};
  const sys::Fd fd = TRY(sys::connect_tcp(address, port, deadline.left()));
  TRY(sys::write_all(fd.get(), tee::sealing_request(quote)));
  const Bytes prefix = TRY(read_exactly(fd.get(), tee::sealing_prefix_size, deadline));
  const std::size_t size = TRY(tee::sealing_answer_size(prefix));
  return tee::parse_sealing_answer(as_text(TRY(read_exactly(fd.get(), size, deadline))));
}

Result<sys::Fd> memory_file(ByteView data)
{
  sys::Fd fd{::memfd_create("quote", MFD_CLOEXEC)};
  if (!fd) return sys::errno_error("memfd_create");
  TRY(sys::write_all(fd.get(), data));
  return fd;
}

/// `dstack collateral fetch`: this program has no HTTP client, and that one keeps a cache.
Result<std::string> fetch_collateral(const std::string& program, ByteView quote)
{
  const sys::Fd file = TRY(memory_file(quote));
  sys::Command command;
  command.argv = {program, "collateral", "fetch", fmt::format("/proc/self/fd/{}", quote_fd),
                  "-o",    "-"};
  command.fds = {{quote_fd, file.get()}};
  const sys::RunLimits limits{collateral_deadline, dcap::max_collateral};
  return TRY(sys::run_ok(command, {}, limits)).out;
}

Result<Json> exchange(const std::vector<std::string>& arguments)
{
  if (arguments.size() != argument_count)
    return fail(Errc::internal, "--sealing-key ADDRESS PORT COLLATERAL-PROGRAM");
  const std::uint64_t port = TRY(parse_u64(arguments[1]));
  const Bytes quote = TRY(sys::read_to_end(STDIN_FILENO, dcap::max_quote));
  const auto answer = TRY(ask_provider(arguments[0], static_cast<std::uint16_t>(port), quote)
                              .within("key provider {}:{}", arguments[0], arguments[1]));
  const std::string collateral =
      TRY(fetch_collateral(arguments[2], answer.provider_quote).within("its collateral"));
  return Json{}
      .set("encrypted_key", hex(answer.encrypted_key))
      .set("provider_quote", hex(answer.provider_quote))
      .set("collateral", collateral);
}

Errc code_named(std::string_view name)
{
  for (const Errc code : {Errc::timeout, Errc::not_found, Errc::malformed, Errc::unsupported,
                          Errc::untrusted, Errc::denied})
    if (name_of(code) == name) return code;
  return Errc::io;
}

Result<Json> read_document(std::string_view text)
{
  const Json document = TRY(codec::parse_json(text, {.max_bytes = max_document}));
  const Json* error = document.find("error");
  if (error == nullptr) return document;
  const std::string code = TRY(error->need_string("code"));
  return Error{code_named(code), TRY(error->need_string("message"))};
}

} // namespace

int run_sealing_exchange(const std::vector<std::string>& arguments)
{
  auto answer = exchange(arguments);
  if (!answer) {
    Json error;
    error.set("code", name_of(answer.error().code()))
        .set("message", printable(answer.error().message()));
    answer = Json{}.set("error", std::move(error));
  }
  const std::string text = codec::write_json(*answer);
  return sys::write_all(STDOUT_FILENO, as_bytes(text)) ? 0 : 1;
}

struct SealingExchange::Process {
  sys::Child child;
  std::unique_ptr<Stream> output;
};

SealingExchange::SealingExchange(sys::Loop& loop, Done done) : loop_(loop), done_(std::move(done))
{
}

Result<std::unique_ptr<SealingExchange>>
SealingExchange::start(sys::Loop& loop, const KeyProvider& provider, const Bytes& quote, Done done)
{
  std::unique_ptr<SealingExchange> out{new SealingExchange{loop, std::move(done)}};
  SealingExchange* self = out.get();
  const sys::Fd input = TRY(memory_file(quote));
  if (::lseek(input.get(), 0, SEEK_SET) != 0) return sys::errno_error("lseek");
  sys::Pipe output = TRY(sys::make_pipe());
  sys::Command command;
  command.argv = {"/proc/self/exe", "--sealing-key", provider.address,
                  fmt::format("{}", provider.port), provider.collateral_program.string()};
  command.fds = {{STDIN_FILENO, input.get()}, {STDOUT_FILENO, output.write.get()}};
  sys::Child child = TRY(sys::spawn(command).within("key provider"));
  output.write.reset();
  const auto ended = [self] { self->finish(read_document(self->output_)); };
  out->process_ = std::make_unique<Process>(Process{std::move(child), nullptr});
  out->process_->output = TRY(
      Stream::open(loop, std::move(output.read), {[self](ByteView d) { self->take(d); }, ended}));
  out->timer_ = loop.after(whole_deadline, [self] {
    self->finish(fail(Errc::timeout, "key provider: no answer in {} ms", whole_deadline.count()));
  });
  return out;
}

SealingExchange::~SealingExchange()
{
  loop_.cancel(timer_);
  if (!process_) return;
  static_cast<void>(process_->child.kill(SIGKILL));
  static_cast<void>(process_->child.wait(std::chrono::milliseconds{1'000}));
}

void SealingExchange::take(ByteView data)
{
  if (output_.size() + data.size() > max_document)
    return finish(fail(Errc::malformed, "key provider: more than {} bytes", max_document));
  output_ += as_text(data);
}

void SealingExchange::finish(const Result<codec::Json>& result)
{
  loop_.cancel(timer_);
  const Done done = std::exchange(done_, nullptr);
  if (done) done(result);
}

} // namespace dstack::supervisor
