#include "x509/der.hpp"

#include "base/text.hpp"

namespace dstack::x509::der {

Bytes tlv(std::uint8_t tag, ByteView content)
{
  ByteWriter out;
  out.u8(tag);
  const std::size_t size = content.size();
  DSTACK_ASSERT(size <= UINT16_MAX);
  if (size < 0x80)
    out.u8(static_cast<std::uint8_t>(size));
  else if (size <= UINT8_MAX)
    out.u8(0x81).u8(static_cast<std::uint8_t>(size));
  else
    out.u8(0x82).u16be(static_cast<std::uint16_t>(size));
  return out.put(content).take();
}

Bytes sequence(std::initializer_list<ByteView> members)
{
  return tlv(0x30, concat(members));
}

Bytes octet_string(ByteView content)
{
  return tlv(0x04, content);
}

Bytes integer(std::uint64_t value)
{
  Bytes big;
  for (std::size_t i = 8; i-- > 0;) {
    const auto byte = static_cast<std::uint8_t>(value >> 8 * i);
    if (big.empty() && byte == 0 && i > 0) continue;
    if (big.empty() && (byte & 0x80U) != 0) big.push_back(0);
    big.push_back(byte);
  }
  return tlv(0x02, big);
}

Bytes enumerated(std::uint8_t value)
{
  return tlv(0x0a, ByteView{&value, 1});
}

Bytes oid(std::string_view dotted)
{
  Bytes content;
  std::vector<std::uint64_t> arcs;
  for (const std::string_view piece : split(dotted, '.'))
    arcs.push_back(*parse_u64(piece));
  DSTACK_ASSERT(arcs.size() >= 2);
  arcs[1] += arcs[0] * 40;
  for (std::size_t i = 1; i < arcs.size(); ++i) {
    Bytes groups{static_cast<std::uint8_t>(arcs[i] & 0x7fU)};
    for (std::uint64_t rest = arcs[i] >> 7U; rest != 0; rest >>= 7U)
      groups.insert(groups.begin(), static_cast<std::uint8_t>(0x80U | (rest & 0x7fU)));
    content.insert(content.end(), groups.begin(), groups.end());
  }
  return tlv(0x06, content);
}

} // namespace dstack::x509::der
