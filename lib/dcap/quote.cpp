#include "dcap/quote.hpp"

#include <algorithm>

namespace dstack::dcap {

namespace {

constexpr std::uint16_t key_type_p256 = 2;
constexpr std::uint16_t type_qe_report = 6;
constexpr std::uint16_t type_pck_leaf = 4;
constexpr std::uint16_t type_manifest = 7;

/// Reads fields from bytes whose size was checked before: no read can fail.
class Fields {
public:
  explicit Fields(ByteView data) : data_(data) {}

  template <std::size_t N> Field<N> take()
  {
    Field<N> out{};
    std::copy_n(data_.begin(), N, out.begin());
    data_ = data_.subspan(N);
    return out;
  }
  void skip(std::size_t count) { data_ = data_.subspan(count); }
  std::uint16_t u16()
  {
    const auto b = take<2>();
    return static_cast<std::uint16_t>(b[0] | b[1] << 8U);
  }
  bool empty() const { return data_.empty(); }

private:
  ByteView data_;
};

TdReport read_td(ByteView raw, BodyType type)
{
  Fields in{raw};
  TdReport r;
  r.tee_tcb_svn = in.take<16>();
  r.mr_seam = in.take<48>();
  r.mr_signer_seam = in.take<48>();
  r.seam_attributes = in.take<8>();
  r.td_attributes = in.take<8>();
  r.xfam = in.take<8>();
  r.mrtd = in.take<48>();
  r.mr_config_id = in.take<48>();
  r.mr_owner = in.take<48>();
  r.mr_owner_config = in.take<48>();
  for (auto& rtmr : r.rtmr)
    rtmr = in.take<48>();
  r.report_data = in.take<64>();
  if (type == BodyType::td10) return r;
  r.td15.tee_tcb_svn_2 = in.take<16>();
  r.td15.mr_service_td = in.take<48>();
  if (type == BodyType::td15) return r;
  r.td15_extended.vm_id = in.take<1>()[0];
  in.skip(32); // TD id
  r.td15_extended.device_info_hash = in.take<48>();
  r.td15_extended.initial_service_td_hash = in.take<48>();
  in.skip(8 + 16 + 16 + 12); // initial service-TD attributes, CPUSVN, TEE_TCB_SVN, FMSPC
  r.td15_extended.current_service_td_hash = in.take<48>();
  in.skip(8); // current service-TD attributes
  DSTACK_ASSERT(in.empty());
  return r;
}

EnclaveReport read_enclave(ByteView raw)
{
  Fields in{raw};
  EnclaveReport r;
  r.cpu_svn = in.take<16>();
  r.misc_select = in.take<4>();
  in.skip(12);
  r.isv_ext_prod_id = in.take<16>();
  r.attributes = in.take<16>();
  r.mr_enclave = in.take<32>();
  in.skip(32);
  r.mr_signer = in.take<32>();
  in.skip(32);
  r.config_id = in.take<64>();
  r.isv_prod_id = in.u16();
  r.isv_svn = in.u16();
  r.config_svn = in.u16();
  in.skip(42);
  r.isv_family_id = in.take<16>();
  r.report_data = in.take<64>();
  DSTACK_ASSERT(in.empty());
  return r;
}

Status read_header(ByteReader& in, Quote& out)
{
  out.version = TRY(in.u16le());
  if (out.version < 3 || out.version > 5)
    return fail(Errc::unsupported, "quote version {} (want 3, 4 or 5)", out.version);
  const std::uint16_t key_type = TRY(in.u16le());
  if (key_type != key_type_p256)
    return fail(Errc::unsupported, "attestation key type {} (want 2, ECDSA P-256)", key_type);
  const std::uint32_t tee = TRY(in.u32le());
  const bool tdx = tee == static_cast<std::uint32_t>(TeeType::tdx);
  if ((tee != 0 && !tdx) || (out.version == 3 && tdx))
    return fail(Errc::unsupported, "TEE type {:#x} in a quote of version {}", tee, out.version);
  out.tee = tdx ? TeeType::tdx : TeeType::sgx;
  static_cast<void>(TRY(in.take(4))); // QE and PCE SVN, informational
  const auto vendor = TRY(in.array<16>());
  if (vendor != intel_qe_vendor_id)
    return fail(Errc::unsupported, "QE vendor id {} (want Intel's)", hex(vendor));
  out.user_data = TRY(in.array<20>());
  return ok();
}

std::size_t size_of(BodyType type)
{
  switch (type) {
  case BodyType::enclave:
    return enclave_report_size;
  case BodyType::td10:
    return td10_size;
  case BodyType::td15:
    return td15_size;
  case BodyType::td15_extended:
    return td15_extended_size;
  }
  return 0;
}

Status read_body(ByteReader& in, Quote& out)
{
  out.body_type = out.tee == TeeType::tdx ? BodyType::td10 : BodyType::enclave;
  if (out.version == 5) {
    const std::uint16_t type = TRY(in.u16le().within("body type"));
    if (type < 1 || type > 4) return fail(Errc::unsupported, "quote body type {}", type);
    out.body_type = static_cast<BodyType>(type);
    if ((out.body_type == BodyType::enclave) != (out.tee == TeeType::sgx))
      return fail(Errc::malformed, "body type {} does not fit the TEE type", type);
    const std::uint32_t size = TRY(in.u32le().within("body size"));
    if (size != size_of(out.body_type))
      return fail(Errc::malformed, "body of {} bytes (want {})", size, size_of(out.body_type));
  }
  const ByteView body = TRY(in.take(size_of(out.body_type)).within("report body"));
  if (out.tee == TeeType::sgx)
    out.enclave = read_enclave(body);
  else
    out.td = read_td(body, out.body_type);
  return ok();
}

/// QE report, its signature, authentication data and certification data: the rest of in.
Status read_qe(ByteReader& in, Quote& out)
{
  out.qe_report = TRY(in.take(enclave_report_size).within("QE report"));
  out.qe = read_enclave(out.qe_report);
  out.qe_report_signature = TRY(in.take(64).within("QE report signature"));
  const std::uint16_t auth = TRY(in.u16le().within("QE authentication data size"));
  out.qe_auth_data = TRY(in.take(auth).within("QE authentication data"));
  out.certification_type = TRY(in.u16le().within("certification data type"));
  const std::uint32_t size = TRY(in.u32le().within("certification data size"));
  out.certification_data = TRY(in.take(size).within("certification data"));
  if (out.certification_type < 1 || out.certification_type == type_pck_leaf ||
      out.certification_type == type_qe_report || out.certification_type >= type_manifest)
    return fail(Errc::unsupported, "certification data type {} (want 1, 2, 3 or 5)",
                out.certification_type);
  return in.finish().within("certification data");
}

Status read_auth(ByteView data, Quote& out)
{
  ByteReader in{data};
  out.signature = TRY(in.take(64).within("signature"));
  out.attestation_key = TRY(in.take(64).within("attestation key"));
  if (out.version == 3) return read_qe(in, out);
  const std::uint16_t type = TRY(in.u16le().within("certification data type"));
  if (type != type_qe_report)
    return fail(Errc::unsupported, "outer certification data type {} (want 6)", type);
  const std::uint32_t size = TRY(in.u32le().within("certification data size"));
  ByteReader inner{TRY(in.take(size).within("certification data"))};
  TRY(in.finish().within("signature data"));
  return read_qe(inner, out);
}

} // namespace

std::string_view name_of(TeeType tee)
{
  return tee == TeeType::sgx ? "sgx" : "tdx";
}

std::string_view name_of(BodyType body)
{
  switch (body) {
  case BodyType::enclave:
    return "SGX enclave report";
  case BodyType::td10:
    return "TD report 1.0";
  case BodyType::td15:
    return "TD report 1.5";
  case BodyType::td15_extended:
    return "TD report 1.5 extended";
  }
  return "";
}

bool looks_like_quote(ByteView raw)
{
  constexpr std::size_t vendor_offset = 12;
  return raw.size() >= quote_header_size && raw[0] >= 3 && raw[0] <= 5 && raw[1] == 0 &&
         equal(raw.subspan(vendor_offset, intel_qe_vendor_id.size()), intel_qe_vendor_id);
}

Result<Quote> parse_quote(ByteView raw)
{
  if (raw.size() > max_quote)
    return fail(Errc::malformed, "quote of {} bytes (limit {})", raw.size(), max_quote);
  Quote out;
  ByteReader in{raw};
  TRY(read_header(in, out).within("quote header"));
  TRY(read_body(in, out).within("quote body"));
  out.signed_part = raw.first(in.offset());
  const std::uint32_t size = TRY(in.u32le().within("signature data size"));
  const ByteView auth = TRY(in.take(size).within("signature data"));
  TRY(read_auth(auth, out).within("signature data"));
  out.trailing = in.remaining();
  return out;
}

Result<EnclaveReport> parse_enclave_report(ByteView raw)
{
  if (raw.size() != enclave_report_size)
    return fail(Errc::malformed, "enclave report of {} bytes (want 384)", raw.size());
  return read_enclave(raw);
}

Result<PlatformIds> platform_ids(const Quote& quote)
{
  constexpr std::array<std::size_t, 3> ppid_sizes{16, 256, 384};
  if (quote.certification_type < 1 || quote.certification_type > ppid_sizes.size())
    return fail(Errc::unsupported, "certification data type {} names no platform",
                quote.certification_type);
  ByteReader in{quote.certification_data};
  PlatformIds out;
  out.ppid = TRY(in.take(ppid_sizes.at(quote.certification_type - 1U)).within("PPID"));
  out.cpu_svn = TRY(in.take(16).within("CPUSVN"));
  out.pce_svn = TRY(in.u16le().within("PCESVN"));
  if (in.remaining() > 0) out.pce_id = TRY(in.take(2).within("PCEID"));
  TRY(in.finish().within("platform identifiers"));
  return out;
}

} // namespace dstack::dcap
