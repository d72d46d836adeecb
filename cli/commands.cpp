#include "cli/commands.hpp"

#include "cli/cmd/add.hpp"

namespace dstack::cli {

void add_commands(Tree& tree)
{
  tree.group("app", "Make, pack and inspect app bundles");
  tree.group("os", "Build, list and check guest OS images");
  tree.group("quote", "Get quotes of running VMs and look into them");
  tree.group("collateral", "Fetch and show what vendors publish about their hardware");
  tree.group("env", "Encrypt variables for an app, and look into them");
  tree.group("key", "Compute keys of apps again");
  tree.group("ra-tls", "Look into certificates that carry attestations");
  tree.group("kms", "Run a key management service and look after it");
  tree.group("kms share", "Get and look into the shares that custodians keep");
  tree.group("kms policy", "Say who gets keys, and see what that means");
  tree.group("kms audit", "Look into what a KMS decided");
  tree.group("kms replication", "Look into who got the root keys");
  tree.group("gateway", "Run a gateway, which gives apps HTTPS names, and look after it");
  tree.group("config", "Show settings and where they come from");
  add_deploy(tree);
  add_ps(tree);
  add_logs(tree);
  add_inspect(tree);
  add_stop(tree);
  add_start(tree);
  add_restart(tree);
  add_update(tree);
  add_diff(tree);
  add_rm(tree);
  add_events(tree);
  add_app_init(tree);
  add_app_pack(tree);
  add_app_hash(tree);
  add_app_inspect(tree);
  add_os_build(tree);
  add_os_list(tree);
  add_os_inspect(tree);
  add_os_verify(tree);
  add_os_bundle(tree);
  add_os_reproduce(tree);
  add_os_rm(tree);
  add_simulate(tree);
  add_verify(tree);
  add_measure(tree);
  add_diagnose(tree);
  add_quote_get(tree);
  add_quote_inspect(tree);
  add_collateral_fetch(tree);
  add_collateral_show(tree);
  add_collateral_export(tree);
  add_env_encrypt(tree);
  add_env_inspect(tree);
  add_key_derive(tree);
  add_kms_init(tree);
  add_kms_run(tree);
  add_kms_deploy(tree);
  add_kms_join(tree);
  add_kms_status(tree);
  add_kms_lock(tree);
  add_kms_unseal(tree);
  add_kms_rotate(tree);
  add_kms_sync(tree);
  add_kms_share_key(tree);
  add_kms_share_get(tree);
  add_kms_share_show(tree);
  add_gateway_init(tree);
  add_gateway_run(tree);
  add_gateway_status(tree);
  add_gateway_drain(tree);
  add_gateway_policy(tree);
  add_ratls_show(tree);
  add_kms_policy_check(tree);
  add_kms_policy_explain(tree);
  add_kms_policy_diff(tree);
  add_kms_policy_allow_app(tree);
  add_kms_policy_allow_image(tree);
  add_kms_policy_allow_kms(tree);
  add_kms_audit_verify(tree);
  add_kms_audit_show(tree);
  add_kms_replication_verify(tree);
  add_gateway_ct_check(tree);
  add_doctor(tree);
  add_config_show(tree);
  add_completion(tree);
  add_help(tree);
  add_version(tree);
  add_generators(tree);
  add_kms_image(tree);
}

} // namespace dstack::cli
