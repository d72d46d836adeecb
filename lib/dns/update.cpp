#include "dns/update.hpp"

#include "crypto/hash.hpp"

#include <cstdlib>

namespace dstack::dns {

namespace {

constexpr std::uint16_t update_flags = 5U << 11U; // opcode UPDATE
constexpr unsigned update_opcode = 5;
constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t class_none = 254;
constexpr std::uint16_t class_any = 255;
constexpr std::uint16_t fudge = 300; // seconds; RFC 8945 10
constexpr std::size_t id_size = 2;
constexpr std::size_t additional_count_at = 10;
constexpr std::size_t max_string = 255;
constexpr std::size_t max_data = 4096; // of one record; far more than any of ours

std::string_view name_of(TsigAlgorithm algorithm)
{
  return algorithm == TsigAlgorithm::hmac_sha256 ? "hmac-sha256" : "hmac-sha512"; // RFC 8945 6
}

Bytes mac_of(const TsigKey& key, ByteView data)
{
  if (key.algorithm == TsigAlgorithm::hmac_sha256)
    return to_bytes(crypto::hmac_sha256(key.key.view(), data));
  return to_bytes(crypto::hmac_sha512(key.key.view(), data));
}

Result<Bytes> data_of(const std::string& txt)
{
  if (txt.size() > max_data) return fail(Errc::malformed, "TXT of {} bytes", txt.size());
  ByteWriter out;
  std::string_view left = txt;
  do {
    const std::string_view piece = left.substr(0, max_string);
    out.u8(static_cast<std::uint8_t>(piece.size())).text(piece);
    left.remove_prefix(piece.size());
  } while (!left.empty());
  return out.take();
}

Result<Bytes> data_of(const Caa& caa)
{
  if (caa.tag.empty() || caa.tag.size() > max_string || caa.value.size() > max_data)
    return fail(Errc::malformed, "CAA with a tag of {} and a value of {} bytes", caa.tag.size(),
                caa.value.size());
  ByteWriter out;
  out.u8(caa.flags).u8(static_cast<std::uint8_t>(caa.tag.size()));
  return out.text(caa.tag).text(caa.value).take();
}

void put_time(ByteWriter& out, std::uint64_t seconds)
{
  out.u16be(static_cast<std::uint16_t>(seconds >> 32U));
  out.u32be(static_cast<std::uint32_t>(seconds & 0xffff'ffffU));
}

/// RFC 8945 4.3.3: what is signed besides the message.
Result<Bytes> variables(const Tsig& tsig)
{
  ByteWriter out;
  out.put(TRY(wire_name(tsig.key_name))).u16be(class_any).u32be(0);
  out.put(TRY(wire_name(tsig.algorithm)));
  put_time(out, tsig.time);
  out.u16be(tsig.fudge).u16be(tsig.error);
  out.u16be(static_cast<std::uint16_t>(tsig.other.size())).put(tsig.other);
  return out.take();
}

/// 2.5: adding to a set, and taking one record out of it.
Result<Bytes> write_change(const Change& change, std::uint32_t ttl)
{
  const bool adds = change.kind == Change::Kind::add;
  const bool is_txt = std::holds_alternative<std::string>(change.data);
  ByteWriter out;
  out.put(TRY(wire_name(change.name)));
  out.u16be(is_txt ? type::txt : type::caa)
      .u16be(adds ? class_in : class_none)
      .u32be(adds ? ttl : 0);
  const Bytes data = TRY(is_txt ? data_of(std::get<std::string>(change.data))
                                : data_of(std::get<Caa>(change.data)));
  return out.u16be(static_cast<std::uint16_t>(data.size())).put(data).take();
}

Status check_signature(
    ByteView answer, const Message& parsed, const SignedUpdate& to, const TsigKey& key, Time now)
{
  if (!parsed.tsig) return fail(Errc::untrusted, "the answer is not signed");
  const Tsig& tsig = *parsed.tsig;
  if (!equal(TRY(wire_name(tsig.key_name)), TRY(wire_name(key.name))) ||
      tsig.algorithm != name_of(key.algorithm))
    return fail(Errc::untrusted, "the answer is signed with another key or algorithm");
  // RFC 8945 5.3: as it was before the signature was added.
  ByteWriter covered;
  covered.u16be(static_cast<std::uint16_t>(to.mac.size())).put(to.mac);
  covered.u16be(tsig.original_id);
  covered.put(answer.subspan(id_size, additional_count_at - id_size));
  ByteReader count{answer.subspan(additional_count_at)};
  const unsigned additional = TRY(count.u16be());
  covered.u16be(static_cast<std::uint16_t>(additional - 1));
  covered.put(answer.subspan(additional_count_at + 2, tsig.offset - additional_count_at - 2));
  covered.put(TRY(variables(tsig)));
  if (!crypto::equal_ct(mac_of(key, covered.bytes()), tsig.mac))
    return fail(Errc::untrusted, "the answer's signature is wrong");
  const std::int64_t apart = now.seconds() - static_cast<std::int64_t>(tsig.time);
  if (std::abs(apart) > tsig.fudge)
    return fail(Errc::untrusted, "the answer was signed {} s from now: are both clocks right?",
                -apart);
  return ok();
}

} // namespace

Result<SignedUpdate>
write_update(const Update& update, const TsigKey& key, std::uint16_t id, Time now)
{
  ByteWriter message;
  message.u16be(id).u16be(update_flags).u16be(1).u16be(0);
  message.u16be(static_cast<std::uint16_t>(update.changes.size()));
  ByteWriter sections;
  sections.put(TRY(wire_name(update.zone).within("zone"))).u16be(type::soa).u16be(class_in);
  for (const Change& change : update.changes)
    sections.put(TRY(write_change(change, update.ttl)));
  Tsig tsig;
  tsig.key_name = key.name;
  tsig.algorithm = name_of(key.algorithm);
  tsig.time = static_cast<std::uint64_t>(now.seconds());
  tsig.fudge = fudge;
  const Bytes signed_variables = TRY(variables(tsig).within("TSIG key"));

  ByteWriter out = message;
  message.u16be(0).put(sections.bytes()).put(signed_variables);
  SignedUpdate result;
  result.mac = mac_of(key, message.bytes());
  ByteWriter data;
  data.put(TRY(wire_name(tsig.algorithm)));
  put_time(data, tsig.time);
  data.u16be(fudge).u16be(static_cast<std::uint16_t>(result.mac.size())).put(result.mac);
  data.u16be(id).u16be(0).u16be(0);
  out.u16be(1).put(sections.bytes());
  out.put(TRY(wire_name(key.name))).u16be(type::tsig).u16be(class_any).u32be(0);
  out.u16be(static_cast<std::uint16_t>(data.size())).put(data.bytes());
  if (out.size() > max_message) return fail(Errc::malformed, "an update of {} bytes", out.size());
  result.message = out.take();
  return result;
}

Status check_update_answer(ByteView answer, const SignedUpdate& to, const TsigKey& key, Time now)
{
  const Message parsed = TRY(parse_message(answer).within("answer to an update"));
  ByteReader asked{to.message};
  if (!parsed.is_answer || parsed.opcode != update_opcode || parsed.id != TRY(asked.u16be()))
    return fail(Errc::untrusted, "the answer is to something else");
  if (parsed.rcode != rcode::no_error) { // often not signed: RFC 8945 5.2
    const bool of_tsig = parsed.tsig && parsed.tsig->error != 0;
    return fail(Errc::denied, "the server refused: {}{}", rcode_name(parsed.rcode),
                of_tsig ? fmt::format(" ({})", rcode_name(parsed.tsig->error)) : "");
  }
  return check_signature(answer, parsed, to, key, now);
}

} // namespace dstack::dns
