#pragma once
/// One function per command; commands.cpp calls them in the order of the help.

#include "cli/tree.hpp"

namespace dstack::cli {

void add_deploy(Tree& tree);
void add_ps(Tree& tree);
void add_logs(Tree& tree);
void add_inspect(Tree& tree);
void add_stop(Tree& tree);
void add_start(Tree& tree);
void add_restart(Tree& tree);
void add_update(Tree& tree);
void add_diff(Tree& tree);
void add_rm(Tree& tree);
void add_events(Tree& tree);
void add_app_init(Tree& tree);
void add_app_pack(Tree& tree);
void add_app_hash(Tree& tree);
void add_app_inspect(Tree& tree);
void add_os_build(Tree& tree);
void add_os_list(Tree& tree);
void add_os_inspect(Tree& tree);
void add_os_verify(Tree& tree);
void add_os_bundle(Tree& tree);
void add_os_reproduce(Tree& tree);
void add_os_rm(Tree& tree);
void add_simulate(Tree& tree);
void add_verify(Tree& tree);
void add_measure(Tree& tree);
void add_diagnose(Tree& tree);
void add_quote_get(Tree& tree);
void add_quote_inspect(Tree& tree);
void add_collateral_fetch(Tree& tree);
void add_collateral_show(Tree& tree);
void add_collateral_export(Tree& tree);
void add_env_encrypt(Tree& tree);
void add_env_inspect(Tree& tree);
void add_key_derive(Tree& tree);
void add_gateway_ct_check(Tree& tree);
void add_kms_deploy(Tree& tree);
void add_kms_image(Tree& tree);
void add_kms_init(Tree& tree);
void add_kms_join(Tree& tree);
void add_kms_lock(Tree& tree);
void add_kms_rotate(Tree& tree);
void add_kms_run(Tree& tree);
void add_kms_share_get(Tree& tree);
void add_kms_share_key(Tree& tree);
void add_kms_share_show(Tree& tree);
void add_kms_status(Tree& tree);
void add_kms_sync(Tree& tree);
void add_kms_unseal(Tree& tree);
void add_gateway_init(Tree& tree);
void add_gateway_run(Tree& tree);
void add_gateway_status(Tree& tree);
void add_gateway_drain(Tree& tree);
void add_gateway_policy(Tree& tree);
void add_ratls_show(Tree& tree);
void add_kms_policy_check(Tree& tree);
void add_kms_policy_explain(Tree& tree);
void add_kms_policy_diff(Tree& tree);
void add_kms_policy_allow_app(Tree& tree);
void add_kms_policy_allow_image(Tree& tree);
void add_kms_policy_allow_kms(Tree& tree);
void add_kms_audit_verify(Tree& tree);
void add_kms_audit_show(Tree& tree);
void add_kms_replication_verify(Tree& tree);
void add_doctor(Tree& tree);
void add_config_show(Tree& tree);
void add_completion(Tree& tree);
void add_help(Tree& tree);
void add_version(Tree& tree);
void add_generators(Tree& tree);

} // namespace dstack::cli
