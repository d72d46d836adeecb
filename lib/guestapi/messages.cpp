#include "guestapi/messages.hpp"

namespace dstack::guestapi::messages {

using rpc::FieldKind;
using rpc::Need;

// spec guest 2: DstackGuest

const Fields& none()
{
  static const Fields fields;
  return fields;
}

const Fields& get_tls_key()
{
  static const Fields fields = {{1, "subject"},
                                {2, "alt_names", FieldKind::texts},
                                {3, "usage_ra_tls", FieldKind::boolean},
                                {4, "usage_server_auth", FieldKind::boolean},
                                {5, "usage_client_auth", FieldKind::boolean},
                                {6, "not_before", FieldKind::u64, Need::optional},
                                {7, "not_after", FieldKind::u64, Need::optional},
                                {8, "with_app_info", FieldKind::boolean}};
  return fields;
}

const Fields& tls_key()
{
  static const Fields fields = {{1, "key"}, {2, "certificate_chain", FieldKind::texts}};
  return fields;
}

const Fields& get_key()
{
  static const Fields fields = {{1, "path"}, {2, "purpose"}, {3, "algorithm"}};
  return fields;
}

const Fields& key()
{
  static const Fields fields = {{1, "key", FieldKind::bytes},
                                {2, "signature_chain", FieldKind::bytes_list}};
  return fields;
}

const Fields& report_data()
{
  static const Fields fields = {{1, "report_data", FieldKind::bytes}};
  return fields;
}

const Fields& quote()
{
  static const Fields fields = {{1, "quote", FieldKind::bytes},
                                {2, "event_log"},
                                {3, "report_data", FieldKind::bytes},
                                {4, "vm_config"},
                                {5, "attestation", FieldKind::bytes}};
  return fields;
}

const Fields& attestation()
{
  static const Fields fields = {{1, "attestation", FieldKind::bytes}};
  return fields;
}

const Fields& app_info()
{
  static const Fields fields = {{1, "app_id", FieldKind::bytes},
                                {2, "instance_id", FieldKind::bytes},
                                {3, "app_cert"},
                                {4, "tcb_info"},
                                {5, "app_name"},
                                {8, "device_id", FieldKind::bytes},
                                {9, "mr_aggregated", FieldKind::bytes},
                                {10, "os_image_hash", FieldKind::bytes},
                                {12, "key_provider_info"},
                                {13, "compose_hash", FieldKind::bytes},
                                {14, "vm_config"},
                                {15, "cloud_vendor"},
                                {16, "cloud_product"}};
  return fields;
}

const Fields& gpu_info()
{
  static const Fields fields = {{1, "attestation"}};
  return fields;
}

const Fields& sign()
{
  static const Fields fields = {{1, "algorithm"}, {2, "data", FieldKind::bytes}};
  return fields;
}

const Fields& signature()
{
  static const Fields fields = {{1, "signature", FieldKind::bytes},
                                {2, "signature_chain", FieldKind::bytes_list},
                                {3, "public_key", FieldKind::bytes}};
  return fields;
}

const Fields& verify()
{
  static const Fields fields = {{1, "algorithm"},
                                {2, "data", FieldKind::bytes},
                                {3, "signature", FieldKind::bytes},
                                {4, "public_key", FieldKind::bytes}};
  return fields;
}

const Fields& verified()
{
  static const Fields fields = {{1, "valid", FieldKind::boolean}};
  return fields;
}

const Fields& version()
{
  static const Fields fields = {{1, "version"}, {2, "rev"}};
  return fields;
}

// spec guest 4: Worker

const Fields& algorithm()
{
  static const Fields fields = {{1, "algorithm"}};
  return fields;
}

// spec guest 3: Tappd

const Fields& k256_key()
{
  static const Fields fields = {{1, "k256_key", FieldKind::bytes},
                                {2, "k256_signature_chain", FieldKind::bytes_list}};
  return fields;
}

const Fields& derive_key()
{
  static const Fields fields = {{1, "path"},
                                {2, "subject"},
                                {3, "alt_names", FieldKind::texts},
                                {4, "usage_ra_tls", FieldKind::boolean},
                                {5, "usage_server_auth", FieldKind::boolean},
                                {6, "usage_client_auth", FieldKind::boolean},
                                {7, "random_seed", FieldKind::boolean}};
  return fields;
}

const Fields& tdx_quote_args()
{
  static const Fields fields = {
      {1, "report_data", FieldKind::bytes}, {2, "hash_algorithm"}, {3, "prefix"}};
  return fields;
}

const Fields& tdx_quote()
{
  static const Fields fields = {
      {1, "quote", FieldKind::bytes}, {2, "event_log"}, {3, "hash_algorithm"}, {4, "prefix"}};
  return fields;
}

} // namespace dstack::guestapi::messages
