// links: cluster
// What other nodes shared, once opened: no crash; what is taken is written so that it is read the
// same again. And sealed values: none that was not sealed opens. The first byte chooses the reader.
#include "cluster/records.hpp"
#include "cluster/seal.hpp"

using namespace dstack;

namespace {

/// Written, read and written again it is the same.
template <class Read> void check(ByteView plain, const Read& read)
{
  const auto one = read(plain);
  if (!one) return;
  const SecretBytes text = cluster::write(*one);
  const auto again = read(text.view());
  DSTACK_ASSERT(again && equal(cluster::write(*again).view(), text.view()));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  if (size == 0) return 0;
  const ByteView rest{data + 1, size - 1};
  switch (data[0] % 12) {
  case 0: check(rest, cluster::read_node); break;
  case 1: check(rest, cluster::read_standing); break;
  case 2: check(rest, cluster::read_instance); break;
  case 3: check(rest, cluster::read_operated); break;
  case 4: check(rest, cluster::read_domain); break;
  case 5: check(rest, cluster::read_certificate); break;
  case 6: check(rest, cluster::read_account); break;
  case 7: check(rest, cluster::read_attestation); break;
  case 8: check(rest, cluster::read_heard); break;
  case 9: check(rest, cluster::read_challenges); break;
  case 10: check(rest, cluster::read_seen); break;
  default: {
    static const cluster::Seal seal{SecretBytes{Bytes(32, 1)}, "/f"};
    DSTACK_ASSERT(!seal.open(seal.key(cluster::Kind::node, "1"), rest));
    static_cast<void>(seal.kind_of(as_text(rest)));
  }
  }
  return 0;
}
