#include "dns/message.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace dstack::dns {

namespace {

constexpr std::size_t max_name = 253; // RFC 1035 2.3.4, as text without the last dot
constexpr std::size_t max_label = 63;
constexpr unsigned pointer_bits = 0xc0;
constexpr unsigned internet = 1;
constexpr int max_aliases = 16;

bool in_label(std::uint8_t c)
{
  return c > ' ' && c <= '~' && c != '.' && c != '\\' && c != '"';
}

/// Reads a message front to back; names may point backwards in it.
class Reader {
public:
  explicit Reader(ByteView message) : message_(message), in_(message) {}
  ByteReader& in() { return in_; }

  Result<std::string> name()
  {
    std::string out;
    ByteReader elsewhere{message_};
    ByteReader* from = &in_;
    std::size_t before = in_.offset(); // pointers lead further back each time
    for (;;) {
      const unsigned size = TRY(from->u8());
      if (size == 0) return out;
      if ((size & pointer_bits) == pointer_bits) {
        const std::size_t at = (size & ~pointer_bits) << 8U | TRY(from->u8());
        if (at >= before) return fail(Errc::malformed, "a name points to itself or forwards");
        before = at;
        elsewhere = ByteReader{message_.subspan(at)};
        from = &elsewhere;
        continue;
      }
      if (size > max_label) return fail(Errc::malformed, "a label of unknown kind");
      const ByteView label = TRY(from->take(size));
      if (!std::all_of(label.begin(), label.end(), in_label))
        return fail(Errc::malformed, "a name with odd bytes");
      if (!out.empty()) out += '.';
      out += lower(as_text(label));
      if (out.size() > max_name) return fail(Errc::malformed, "a name that is too long");
    }
  }

private:
  ByteView message_;
  ByteReader in_;
};

Result<std::vector<std::string>> parse_strings(ByteView data)
{
  ByteReader in{data};
  std::vector<std::string> out;
  while (in.remaining() > 0)
    out.push_back(to_text(TRY(in.take(TRY(in.u8())))));
  if (out.empty()) return fail(Errc::malformed, "TXT without a string");
  return out;
}

Result<Caa> parse_caa(ByteView data)
{
  ByteReader in{data};
  Caa out;
  out.flags = TRY(in.u8());
  out.tag = to_text(TRY(in.take(TRY(in.u8()))));
  out.value = to_text(in.rest());
  if (out.tag.empty()) return fail(Errc::malformed, "CAA without a tag");
  return out;
}

Result<Tsig> parse_tsig(Reader& reader, std::string key_name)
{
  Tsig out;
  out.key_name = std::move(key_name);
  out.algorithm = TRY(reader.name());
  ByteReader& in = reader.in();
  const std::uint64_t high = TRY(in.u16be());
  out.time = high << 32U | TRY(in.u32be());
  out.fudge = TRY(in.u16be());
  out.mac = to_bytes(TRY(in.take(TRY(in.u16be()))));
  out.original_id = TRY(in.u16be());
  out.error = TRY(in.u16be());
  out.other = to_bytes(TRY(in.take(TRY(in.u16be()))));
  return out;
}

struct Read {
  Record record{};
  std::optional<Tsig> tsig{};
};

Result<Read> parse_record(Reader& reader)
{
  ByteReader& in = reader.in();
  const std::size_t offset = in.offset();
  Read out;
  Record& record = out.record;
  record.name = TRY(reader.name());
  record.type = TRY(in.u16be());
  const unsigned cls = TRY(in.u16be());
  record.ttl = TRY(in.u32be());
  const std::size_t size = TRY(in.u16be());
  const std::size_t end = in.offset() + size;
  if (record.type == type::tsig) {
    if (cls != type::any || record.ttl != 0) return fail(Errc::malformed, "TSIG of a class or TTL");
    out.tsig = TRY(parse_tsig(reader, record.name).within("TSIG"));
    out.tsig->offset = offset;
  } else if (cls == internet && (record.type == type::ns || record.type == type::cname)) {
    record.host = TRY(reader.name());
  } else {
    const ByteView data = TRY(in.take(size));
    if (cls == internet && record.type == type::txt) record.strings = TRY(parse_strings(data));
    if (cls == internet && record.type == type::caa) record.caa = TRY(parse_caa(data));
  }
  if (in.offset() != end) return fail(Errc::malformed, "a record of another size than it says");
  return out;
}

Result<std::vector<Record>> parse_section(Reader& reader, std::size_t count)
{
  std::vector<Record> out;
  for (std::size_t i = 0; i < count; ++i) {
    Read one = TRY(parse_record(reader).within("record {}", i + 1));
    if (one.tsig) return fail(Errc::malformed, "TSIG among other records");
    out.push_back(std::move(one.record));
  }
  return out;
}

} // namespace

std::string rcode_name(unsigned code)
{
  // RFC 1035 4.1.1, RFC 2136 2.2; from 16 on RFC 8945 3.
  constexpr std::array names{"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                             "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
  constexpr std::array signature_names{"BADSIG", "BADKEY", "BADTIME"};
  if (code < names.size()) return names.at(code);
  if (code >= 16 && code < 16 + signature_names.size()) return signature_names.at(code - 16);
  return fmt::format("RCODE {}", code);
}

Result<Message> parse_message(ByteView raw)
{
  if (raw.size() > max_message)
    return fail(Errc::malformed, "a DNS message of {} bytes", raw.size());
  Reader reader{raw};
  ByteReader& in = reader.in();
  Message out;
  out.id = TRY(in.u16be());
  const unsigned flags = TRY(in.u16be());
  out.is_answer = (flags & 0x8000U) != 0;
  out.authoritative = (flags & 0x0400U) != 0;
  out.opcode = flags >> 11U & 0xfU;
  out.rcode = flags & 0xfU;
  const unsigned questions = TRY(in.u16be());
  const unsigned answers = TRY(in.u16be());
  const unsigned authority = TRY(in.u16be());
  const unsigned additional = TRY(in.u16be());
  for (unsigned i = 0; i < questions; ++i) {
    static_cast<void>(TRY(reader.name().within("question")));
    static_cast<void>(TRY(in.take(4).within("question"))); // type and class
  }
  out.answers = TRY(parse_section(reader, answers).within("answer"));
  out.authority = TRY(parse_section(reader, authority).within("authority"));
  for (unsigned i = 0; i < additional; ++i) {
    if (out.tsig) return fail(Errc::malformed, "TSIG is not the last record");
    out.tsig = TRY(parse_record(reader).within("additional record {}", i + 1)).tsig;
  }
  TRY(in.finish());
  return out;
}

Result<Bytes> wire_name(std::string_view name)
{
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() > max_name) return fail(Errc::malformed, "a DNS name of {} bytes", name.size());
  ByteWriter out;
  for (const std::string_view label : split(name, '.')) {
    if (name.empty()) break; // the root
    const ByteView bytes = as_bytes(label);
    if (label.empty() || label.size() > max_label ||
        !std::all_of(bytes.begin(), bytes.end(), in_label))
      return fail(Errc::malformed, "'{}' is not a DNS name", printable(name));
    out.u8(static_cast<std::uint8_t>(label.size())).text(lower(label));
  }
  return out.u8(0).take();
}

std::vector<std::string> texts_at(const Message& answer, std::string_view name)
{
  std::string at = lower(name);
  for (int i = 0; i < max_aliases; ++i) {
    const auto alias =
        std::find_if(answer.answers.begin(), answer.answers.end(),
                     [&](const Record& one) { return one.type == type::cname && one.name == at; });
    if (alias == answer.answers.end()) break;
    at = alias->host;
  }
  std::vector<std::string> out;
  for (const Record& one : answer.answers)
    if (one.type == type::txt && one.name == at) out.push_back(join(one.strings, ""));
  return out;
}

} // namespace dstack::dns
