#pragma once
/// A real QEMU that runs no guest, spoken to by its qtest protocol (QEMU, system/qtest.c): lines on
/// its standard input and output that read and write the machine's ports and memory.

#include "sys/spawn.hpp"

namespace dstack::qtest {

class Machine {
public:
  /// Starts it with these arguments, its CPUs stopped: not every build has the accelerator qtest.
  static Result<Machine> start(const std::string& qemu, std::vector<std::string> arguments);
  Machine(Machine&&) = default;
  Machine& operator=(Machine&&) = default;
  ~Machine();

  Status out8(std::uint16_t port, std::uint8_t value);
  Status out32(std::uint16_t port, std::uint32_t value);
  Status write(std::uint64_t address, ByteView data);
  Result<Bytes> read(std::uint64_t address, std::size_t size);

private:
  Machine(sys::Child child, sys::Fd to, sys::Fd from, sys::Fd errors)
      : child_(std::move(child)), to_(std::move(to)), from_(std::move(from)),
        errors_(std::move(errors))
  {}
  /// One command; the answer behind "OK".
  Result<std::string> ask(const std::string& command);
  Error ended();

  sys::Child child_;
  sys::Fd to_;
  sys::Fd from_;
  sys::Fd errors_;
  std::string pending_;
};

} // namespace dstack::qtest
