#include "agents/vm/failure_reason.hpp"

#include <doctest/doctest.h>

namespace dstack::supervisor {

TEST_SUITE("supervisor::failure_reason")
{
  TEST_CASE("corruption of the root file system wins over the panic it causes")
  {
    const char* console = "[    2.1] device-mapper: verity: 254:2: data block 77 is corrupted\r\n"
                          "[    2.2] Kernel panic - not syncing: dm-verity device corrupted\r\n";
    const char* want = "the root file system does not match its measured root hash (dm-verity)";
    CHECK(console_reason(console) == want);
    CHECK(console_reason("x\ndevice-mapper: verity: 254:2: metadata block 3 is corrupted\n") ==
          want);
    CHECK(console_reason("device-mapper: verity: sha256 using implementation \"sha256-ni\"\n") ==
          std::nullopt);
  }

  TEST_CASE("our own programs say why; the last one counts")
  {
    CHECK(console_reason("dstack-init 1.20 root file system checked\r\n"
                         "dstack-init: verity superblock of vda1: wrong magic\r\n"
                         "reboot: Power down\r\n") == "verity superblock of vda1: wrong magic");
    CHECK(console_reason("dstack-guest: a\ndstack-guest: b\x1b[31m\n")->starts_with("b"));
    CHECK(console_reason("dstack-guest 3.00 measured\n") == std::nullopt);
  }

  TEST_CASE("a panic and memory exhaustion are told as such")
  {
    CHECK(console_reason("[1.0] Kernel panic - not syncing: Attempted to kill init!\r\n") ==
          "kernel panic: Attempted to kill init!");
    CHECK(console_reason("Out of memory: Killed process 9 (dockerd)\n") ==
          "the guest ran out of memory: Killed process 9 (dockerd)");
    CHECK(console_reason("") == std::nullopt);
  }

  TEST_CASE("what firmware does to the screen is not shown")
  {
    CHECK(last_lines("\x1b[2J\x1b[01;01H\x1b[=3h\r\n\x1b[2Jone\r\n\r\ntwo\x1b[\r\n", 5) ==
          "one | two");
    CHECK(last_lines("a\nb\nc\n", 2) == "b | c");
  }

  TEST_CASE("QEMU's complaints in words for people")
  {
    CHECK(qemu_reason("qemu-system-x86_64: -netdev user,id=net0: Could not set up host forwarding "
                      "rule 'tcp:127.0.0.1:8080-:80'\n") ==
          "tcp port 127.0.0.1:8080 of the host is taken or may not be used");
    CHECK(qemu_reason("qemu: cannot set up guest memory 'pc.ram': Cannot allocate memory\n")
              .starts_with("the host has too little memory"));
    CHECK(qemu_reason("\n\n") == "QEMU said nothing");
    CHECK(qemu_reason("one\ntwo\nthree\nfour\n") == "two | three | four");
  }
}

} // namespace dstack::supervisor
