#include "x509/app_chain.hpp"

#include "crypto/openssl_der.hpp"
#include "x509/read.hpp"

#include <openssl/x509_vfy.h>

namespace dstack::x509 {

namespace {

using crypto::FreeWith;
using crypto::openssl_error;
using Store = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_free(stack); }
};
using Stack = std::unique_ptr<STACK_OF(X509), FreeStack>; ///< does not own its certificates

} // namespace

Status check_app_chain(const std::vector<Bytes>& chain, ByteView root_spki, Time now)
{
  if (chain.size() < 2 || chain.size() > max_app_chain)
    return fail(Errc::malformed, "a chain of {} certificates (want 2 to {})", chain.size(),
                max_app_chain);
  if (!equal(TRY(read_certificate(chain.back())).spki, root_spki))
    return fail(Errc::untrusted, "the chain ends in another root");
  std::vector<crypto::X509Certificate> certificates;
  for (const Bytes& der : chain)
    certificates.push_back(TRY(crypto::certificate_of_der(der)));
  const Store store{X509_STORE_new()};
  const Stack between{sk_X509_new_null()};
  X509_STORE_add_cert(store.get(), certificates.back().get());
  for (std::size_t i = 1; i + 1 < certificates.size(); ++i)
    sk_X509_push(between.get(), certificates[i].get());
  const StoreContext context{X509_STORE_CTX_new()};
  if (X509_STORE_CTX_init(context.get(), store.get(), certificates.front().get(), between.get()) !=
      1)
    return openssl_error(Errc::internal, "certificate verification");
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, now.seconds());
  // A root that somebody else signed would make its signer the root.
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CHECK_SS_SIGNATURE);
  if (X509_verify_cert(context.get()) != 1)
    return fail(Errc::untrusted, "certificate {} of the chain: {}",
                X509_STORE_CTX_get_error_depth(context.get()) + 1,
                X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
  return ok();
}

} // namespace dstack::x509
