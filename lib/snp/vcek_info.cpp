#include "snp/vcek_info.hpp"

#include "base/text.hpp"
#include "x509/der_reader.hpp"
#include "x509/read.hpp"

namespace dstack::snp {

namespace {

constexpr std::uint8_t ia5_string_tag = 0x16;
constexpr std::size_t chip_id_size = 64;
constexpr std::size_t turin_hwid_size = 8;

Result<ByteView> find(const x509::ReadCertificate& certificate, std::string_view below)
{
  const Bytes* value = certificate.find(fmt::format("1.3.6.1.4.1.3704.1.{}", below));
  if (value == nullptr) return fail(Errc::malformed, "VCEK without extension 3704.1.{}", below);
  return ByteView{*value};
}

Result<std::uint8_t> level(const x509::ReadCertificate& certificate, std::string_view below)
{
  const ByteView value = TRY(find(certificate, below));
  const auto integer = TRY(x509::read_one(value, x509::tag::integer).within("3704.1.{}", below));
  const auto number = TRY(x509::small_unsigned(integer, UINT8_MAX).within("3704.1.{}", below));
  return static_cast<std::uint8_t>(number);
}

/// AMD's service writes the bytes bare, without the OCTET STRING around them that the text has.
Result<Bytes> hwid_of(const x509::ReadCertificate& certificate, std::size_t size)
{
  const ByteView value = TRY(find(certificate, "4"));
  if (value.size() == size) return to_bytes(value);
  const auto wrapped = TRY(x509::read_one(value, x509::tag::octet_string).within("hwID"));
  if (wrapped.content.size() != size)
    return fail(Errc::malformed, "hwID of {} bytes (want {})", wrapped.content.size(), size);
  return to_bytes(wrapped.content);
}

} // namespace

Result<VcekInfo> vcek_info(ByteView der, Product product)
{
  const auto certificate = TRY(x509::read_certificate(der));
  const bool turin = product == Product::turin;
  VcekInfo out;
  const auto name =
      TRY(x509::read_one(TRY(find(certificate, "2")), ia5_string_tag).within("productName"));
  out.product_name = printable(as_text(name.content));
  out.tcb.bootloader = TRY(level(certificate, "3.1"));
  out.tcb.tee = TRY(level(certificate, "3.2"));
  out.tcb.snp = TRY(level(certificate, "3.3"));
  out.tcb.microcode = TRY(level(certificate, "3.8"));
  if (turin) out.tcb.fmc = TRY(level(certificate, "3.9"));
  out.hwid = TRY(hwid_of(certificate, turin ? turin_hwid_size : chip_id_size));
  return out;
}

} // namespace dstack::snp
