#include "kmsapi/messages.hpp"

namespace dstack::kmsapi::messages {

using rpc::FieldKind;
using rpc::Need;

const Fields& none()
{
  static const Fields fields;
  return fields;
}

const Fields& get_app_key()
{
  static const Fields fields = {{1, "api_version", FieldKind::u64}, {2, "vm_config"}};
  return fields;
}

const Fields& app_key()
{
  static const Fields fields = {{1, "ca_cert"},
                                {2, "disk_crypt_key", FieldKind::bytes},
                                {3, "env_crypt_key", FieldKind::bytes},
                                {4, "k256_key", FieldKind::bytes},
                                {5, "k256_signature", FieldKind::bytes},
                                {6, "tproxy_app_id"},
                                {7, "gateway_app_id"},
                                {8, "os_image_hash", FieldKind::bytes},
                                {100, "epoch", FieldKind::u64}};
  return fields;
}

const Fields& app_id()
{
  static const Fields fields = {{1, "app_id", FieldKind::bytes}};
  return fields;
}

const Fields& public_key()
{
  static const Fields fields = {{1, "public_key", FieldKind::bytes},
                                {2, "signature", FieldKind::bytes},
                                {3, "timestamp", FieldKind::u64},
                                {4, "signature_v1", FieldKind::bytes}};
  return fields;
}

const Fields& bootstrap()
{
  static const Fields fields = {{1, "ca_pubkey", FieldKind::bytes},
                                {2, "k256_pubkey", FieldKind::bytes},
                                {3, "attestation", FieldKind::bytes}};
  return fields;
}

const Fields& meta()
{
  static const Fields epoch = {{1, "epoch", FieldKind::u64}, {2, "created_at", FieldKind::u64}};
  static const Fields fields = {
      {1, "ca_cert"},
      {2, "allow_any_upgrade", FieldKind::boolean},
      {3, "k256_pubkey", FieldKind::bytes},
      {4, "bootstrap_info", FieldKind::message, Need::optional, bootstrap()},
      {5, "is_dev", FieldKind::boolean},
      {6, "gateway_app_id", FieldKind::text, Need::optional},
      {7, "kms_contract_address", FieldKind::text, Need::optional},
      {8, "chain_id", FieldKind::u64, Need::optional},
      {9, "app_auth_implementation", FieldKind::text, Need::optional},
      {100, "epochs", FieldKind::messages, Need::defaulted, epoch}};
  return fields;
}

const Fields& get_kms_key()
{
  static const Fields fields = {{1, "vm_config"}};
  return fields;
}

const Fields& kms_key()
{
  static const Fields keys = {{1, "ca_key"}, {2, "k256_key", FieldKind::bytes}};
  static const Fields epoch = {{1, "epoch", FieldKind::u64},
                               {2, "seed", FieldKind::bytes},
                               {3, "created_at", FieldKind::u64}};
  static const Fields fields = {{1, "temp_ca_key"},
                                {2, "keys", FieldKind::messages, Need::defaulted, keys},
                                {100, "epochs", FieldKind::messages, Need::defaulted, epoch}};
  return fields;
}

const Fields& temp_ca_cert()
{
  static const Fields fields = {{1, "temp_ca_cert"}, {2, "temp_ca_key"}, {3, "ca_cert"}};
  return fields;
}

const Fields& sign_cert()
{
  static const Fields fields = {{1, "api_version", FieldKind::u64},
                                {2, "csr", FieldKind::bytes},
                                {3, "signature", FieldKind::bytes},
                                {4, "vm_config"}};
  return fields;
}

const Fields& certificate_chain()
{
  static const Fields fields = {{1, "certificate_chain", FieldKind::texts}};
  return fields;
}

const Fields& clear_image_cache()
{
  static const Fields fields = {{1, "image_hash"}, {2, "config_hash"}};
  return fields;
}

const Fields& release_share()
{
  static const Fields fields = {{100, "cluster", FieldKind::bytes}, {101, "vm_config"}};
  return fields;
}

const Fields& share()
{
  static const Fields fields = {{100, "share"}};
  return fields;
}

} // namespace dstack::kmsapi::messages
