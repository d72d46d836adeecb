#include "measure/kernel.hpp"

#include "measure/machine_layout.hpp"
#include "measure/made_pe.hpp"

#include <doctest/doctest.h>

namespace dstack::measure {
namespace {

std::uint64_t field(const Bytes& kernel, std::size_t offset, unsigned size)
{
  std::uint64_t out = 0;
  for (unsigned i = size; i-- > 0;)
    out = out << 8U | kernel[offset + i];
  return out;
}

} // namespace

TEST_SUITE("measure")
{
  TEST_CASE("QEMU writes loader, heap, command line and initrd into the setup header")
  {
    const Bytes file = made_pe();
    const auto served = served_kernel(file, {2 * gib, 0x123456});
    REQUIRE(served);
    CHECK(served->size() == file.size());
    CHECK(field(*served, 0x210, 1) == 0xb0);
    CHECK(field(*served, 0x211, 1) == 0x81);
    CHECK(field(*served, 0x224, 2) == 0xfe00);
    CHECK(field(*served, 0x226, 2) == field(file, 0x226, 2));
    CHECK(field(*served, 0x228, 4) == 0x20000);
    CHECK(field(*served, 0x218, 4) == ((0x80000000U - 0x28000U - 1 - 0x123456U) & ~0xfffU));
    CHECK(field(*served, 0x21c, 4) == 0x123456);
    Bytes rest = *served;
    put_at(rest, 0x210, ByteView{file}.subspan(0x210, 0x1c));
    CHECK(rest == file);
    CHECK(*kernel_digest(file, {2 * gib, 0x123456}) == *authenticode_sha384(*served));
    CHECK(*kernel_digest(file, {2 * gib, 0x123456}) != *authenticode_sha384(file));
  }

  TEST_CASE("the initrd's place depends on memory below 4 GiB and on the kernel's limit")
  {
    const auto place = [](const MadePe& made, std::uint64_t memory) {
      return field(*served_kernel(made_pe(made), {memory, 0x1000}), 0x218, 4);
    };
    const auto top = [](std::uint64_t limit) { return (limit - 0x1000) & ~std::uint64_t{0xfff}; };
    CHECK(place({}, gib) == top(gib - 0x28001));
    CHECK(place({}, gib * 5 / 2) == top(gib * 5 / 2 - 0x28001));
    CHECK(place({}, 0xb0000000) == place({}, 2 * gib));
    CHECK(place({}, 64 * gib) == place({}, 2 * gib));
    MadePe bound;
    bound.xloadflags = 0x7d; // not above 4 GiB: its own limit counts
    CHECK(place(bound, gib * 5 / 2) == top(0x7fffffff));
    bound.protocol = 0x202;
    CHECK(place(bound, 2 * gib) == top(0x37ffffff));
    CHECK(serving_class(0xb0000000) == serving_class(2 * gib));
    CHECK(serving_class(0xafffffff) != serving_class(2 * gib));
  }

  TEST_CASE("without an initrd its fields stay as they are in the file")
  {
    const Bytes file = made_pe();
    const Bytes served = *served_kernel(file, {2 * gib, 0});
    CHECK(field(served, 0x218, 4) == field(file, 0x218, 4));
    CHECK(field(served, 0x21c, 4) == field(file, 0x21c, 4));
  }

  TEST_CASE("kernels and initrds that QEMU would not start are refused")
  {
    const Bytes file = made_pe();
    CHECK(served_head(file, {gib, gib}).error().code() == Errc::config);
    CHECK(served_head(file, {0x1000, 1}).error().code() == Errc::config);
    CHECK(served_head(to_bytes("kernel"), {gib, 0}).error().code() == Errc::malformed);
    MadePe old;
    old.protocol = 0x201;
    CHECK(served_head(made_pe(old), {gib, 0}).error().code() == Errc::unsupported);
    Bytes other = file;
    other[0x202] = 'X';
    CHECK(served_head(other, {gib, 0}).error().code() == Errc::unsupported);
  }
}

} // namespace dstack::measure
