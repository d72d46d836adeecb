#include "qtest.hpp"

#include "base/text.hpp"

#include <csignal>

namespace dstack::qtest {

namespace {

constexpr std::size_t max_answer = std::size_t{8} << 20U;

} // namespace

Result<Machine> Machine::start(const std::string& qemu, std::vector<std::string> arguments)
{
  sys::Pipe in = TRY(sys::make_pipe());
  sys::Pipe out = TRY(sys::make_pipe());
  sys::Pipe errors = TRY(sys::make_pipe());
  sys::Command command;
  command.argv = {qemu, "-accel", "tcg,thread=single,tb-size=1", "-S"};
  for (const char* word : {"-qtest", "stdio", "-qtest-log", "/dev/null"})
    command.argv.emplace_back(word);
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.fds = {{0, in.read.get()}, {1, out.write.get()}, {2, errors.write.get()}};
  sys::Child child = TRY(sys::spawn(command));
  return Machine{std::move(child), std::move(in.write), std::move(out.read),
                 std::move(errors.read)};
}

Machine::~Machine()
{
  if (!to_) return; // moved from
  static_cast<void>(child_.kill(SIGKILL));
  static_cast<void>(child_.wait(sys::Millis{10'000}));
}

Error Machine::ended()
{
  constexpr std::size_t max_errors = 65'536;
  const auto said = sys::read_some(errors_.get(), max_errors);
  return fail(Errc::io, "QEMU ended: {}", said ? trim(as_text(*said)) : "nothing said");
}

Result<std::string> Machine::ask(const std::string& command)
{
  if (!sys::write_all(to_.get(), as_bytes(command + "\n"))) return ended();
  while (pending_.find('\n') == std::string::npos) {
    const Bytes more = TRY(sys::read_some(from_.get(), 65'536));
    if (more.empty()) return ended();
    pending_ += as_text(more);
    if (pending_.size() > max_answer) return fail(Errc::malformed, "an answer without end");
  }
  const std::size_t end = pending_.find('\n');
  const std::string line = pending_.substr(0, end);
  pending_.erase(0, end + 1);
  if (!line.starts_with("OK"))
    return fail(Errc::malformed, "'{}' was answered '{}'", command, line);
  return std::string{trim(std::string_view{line}.substr(2))};
}

Status Machine::out8(std::uint16_t port, std::uint8_t value)
{
  TRY(ask(fmt::format("outb {:#x} {:#x}", port, value)));
  return ok();
}

Status Machine::out32(std::uint16_t port, std::uint32_t value)
{
  TRY(ask(fmt::format("outl {:#x} {:#x}", port, value)));
  return ok();
}

Status Machine::write(std::uint64_t address, ByteView data)
{
  TRY(ask(fmt::format("write {:#x} {:#x} 0x{}", address, data.size(), hex(data))));
  return ok();
}

Result<Bytes> Machine::read(std::uint64_t address, std::size_t size)
{
  const std::string answer = TRY(ask(fmt::format("b64read {:#x} {:#x}", address, size)));
  return parse_base64(answer);
}

} // namespace dstack::qtest
