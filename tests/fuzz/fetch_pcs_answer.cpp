// links: fetch dcap x509
// Answers of PCS, PCCS and KDS. The first byte says which document; what is taken from a signed one
// is a part of the body, unchanged.
#include "dcap/anchor.hpp"
#include "fetch/der_dates.hpp"
#include "fetch/pcs_answer.hpp"
#include "x509/certificate.hpp"

using namespace dstack;

namespace {

const std::string& chain()
{
  static const std::string text = http::percent_encode(x509::to_pem(dcap::intel_root_der()));
  return text;
}

void check_signed(const Result<fetch::SignedAnswer>& answer, const fetch::CacheEntry& entry)
{
  if (!answer) return;
  DSTACK_ASSERT(entry.body.find(answer->text) != std::string::npos);
  DSTACK_ASSERT(answer->signature.size() == 64 && !answer->issuer_chain.empty());
}

fetch::PckRequest platform()
{
  fetch::PckRequest out;
  out.pce_svn = 13;
  return out;
}

void read_as(std::uint8_t kind, const fetch::CacheEntry& entry)
{
  fetch::PcsRequest request{{0x00, 0x60, 0x6a, 0, 0, 0}, dcap::TeeType::sgx, {}, {}};
  switch (kind % 7U) {
  case 0:
    return check_signed(fetch::read_tcb_info(entry, request), entry);
  case 1:
    return check_signed(fetch::read_qe_identity(entry, request), entry);
  case 2:
    return static_cast<void>(fetch::read_pck_crl(entry, fetch::PckCa::platform));
  case 3:
    return static_cast<void>(fetch::read_root_crl(entry));
  case 4:
    return static_cast<void>(fetch::read_pck_certificate(entry, platform()));
  case 5:
    return static_cast<void>(fetch::certificate_not_after(as_bytes(entry.body)));
  default:
    return static_cast<void>(fetch::crl_next_update(as_bytes(entry.body)));
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  if (size == 0) return 0;
  fetch::CacheEntry entry;
  for (const char* name : {"tcb-info-issuer-chain", "sgx-enclave-identity-issuer-chain",
                           "sgx-pck-crl-issuer-chain", "sgx-pck-certificate-issuer-chain"})
    entry.headers.push_back({name, chain()});
  entry.headers.push_back({"sgx-tcbm", fetch::tcbm_text(platform())});
  entry.body = as_text({data + 1, size - 1});
  read_as(data[0], entry);
  return 0;
}
