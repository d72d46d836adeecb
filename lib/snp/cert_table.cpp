#include "snp/cert_table.hpp"

#include <algorithm>
#include <array>

namespace dstack::snp {

namespace {

constexpr std::size_t guid_size = 16;
constexpr std::size_t entry_size = guid_size + 8;
constexpr std::size_t max_entries = 64;
constexpr std::size_t max_certificate = std::size_t{64} << 10U;

struct Kind {
  std::string_view guid; ///< without hyphens
  std::string_view name;
  Bytes Certificates::*member; ///< nullptr: not supported
};
constexpr std::array<Kind, 5> kinds{
    {{"63da758de6644564adc5f4b93be8accd", "VCEK", &Certificates::vcek},
     {"4ab7b379bbac4fe4a02f05aef327c782", "ASK", &Certificates::ask},
     {"c0b406a4a803495297433fb6014cd0ae", "ARK", &Certificates::ark},
     {"92f81bc358114d3d97ffd19f88dc67ea", "CRL", &Certificates::crl},
     {"a8074bc2a25a483eaae639c045a0b8a1", "VLEK", nullptr}}};

struct Entry {
  ByteView guid;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
};

/// Up to the entry of zeros.
Result<std::vector<Entry>> entries_of(ByteView table)
{
  std::vector<Entry> out;
  ByteReader in{table};
  while (true) {
    Entry entry;
    entry.guid = TRY(in.take(guid_size).within("entry {}", out.size()));
    entry.offset = TRY(in.u32le().within("entry {}", out.size()));
    entry.length = TRY(in.u32le().within("entry {}", out.size()));
    if (std::all_of(entry.guid.begin(), entry.guid.end(), [](auto b) { return b == 0; }))
      return out;
    if (out.size() == max_entries) return fail(Errc::malformed, "more than {} entries", max_entries);
    out.push_back(entry);
  }
}

} // namespace

Result<Certificates> read_certificate_table(ByteView table)
{
  Certificates out;
  if (table.empty()) return out;
  if (table.size() > max_certificate_table)
    return fail(Errc::malformed, "certificate table of {} bytes", table.size());
  const auto entries = TRY(entries_of(table).within("certificate table"));
  const std::size_t first = (entries.size() + 1) * entry_size;
  for (const Entry& entry : entries) {
    const std::string guid = hex(entry.guid);
    const auto* kind = std::find_if(kinds.begin(), kinds.end(),
                                    [&](const Kind& known) { return known.guid == guid; });
    if (kind == kinds.end()) continue;
    if (kind->member == nullptr)
      return fail(Errc::unsupported, "certificate table: the host signs with a {}", kind->name);
    if (entry.offset < first || entry.length == 0 || entry.length > max_certificate ||
        std::size_t{entry.offset} + entry.length > table.size())
      return fail(Errc::malformed, "certificate table: {} of {} bytes at {} in {}", kind->name,
                  entry.length, entry.offset, table.size());
    Bytes& to = out.*(kind->member);
    if (!to.empty()) return fail(Errc::malformed, "certificate table: two of {}", kind->name);
    to = to_bytes(table.subspan(entry.offset, entry.length));
  }
  return out;
}

} // namespace dstack::snp
