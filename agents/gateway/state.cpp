#include "agents/gateway/state.hpp"

#include "crypto/random.hpp"

namespace dstack::gatewaynode {

using database::Row;

namespace {

/// "dsGW" in the header of the file.
constexpr std::int32_t application = 0x64734757;

database::Schema schema()
{
  return {application, {R"(
CREATE TABLE instance(id TEXT PRIMARY KEY, app TEXT NOT NULL, compose TEXT NOT NULL,
  wg_key BLOB NOT NULL, address TEXT NOT NULL, registered INTEGER NOT NULL, policy TEXT)
  WITHOUT ROWID;
CREATE TABLE admin_policy(instance TEXT PRIMARY KEY, policy TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE drained(instance TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE identifier(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE domain(name TEXT PRIMARY KEY, dns TEXT NOT NULL, priority INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE certificate(domain TEXT PRIMARY KEY, chain TEXT NOT NULL, key TEXT NOT NULL,
  issued INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE account(directory TEXT PRIMARY KEY, url TEXT NOT NULL, key BLOB NOT NULL)
  WITHOUT ROWID;
CREATE TABLE attestation(number INTEGER PRIMARY KEY, subject TEXT NOT NULL, public_key BLOB NOT NULL,
  quote TEXT NOT NULL, attestation TEXT NOT NULL, made INTEGER NOT NULL);
CREATE INDEX attestation_subject ON attestation(subject, number)
)"}};
}

std::string policy_text(const route::PortPolicy& policy)
{
  return codec::write_json(route::to_json(policy));
}

Result<std::optional<route::PortPolicy>> policy_at(const Row& row, std::size_t column)
{
  if (database::is_null_at(row, column)) return std::optional<route::PortPolicy>{};
  const std::string text = TRY(database::text_at(row, column));
  return std::optional{TRY(route::parse_port_policy(TRY(codec::parse_json(text))))};
}

Result<route::RegistryEntry> entry_of(const Row& row)
{
  route::RegistryEntry out;
  out.instance_id = TRY(database::text_at(row, 0));
  out.app_id = TRY(database::text_at(row, 1));
  out.compose_hash = TRY(database::text_at(row, 2));
  const Bytes key = TRY(database::blob_at(row, 3));
  if (key.size() != out.public_key.size())
    return fail(Errc::malformed, "a WireGuard key of {} bytes", key.size());
  std::copy(key.begin(), key.end(), out.public_key.begin());
  out.address = TRY(route::parse_address(TRY(database::text_at(row, 4))));
  out.registered = Time{TRY(database::integer_at(row, 5))};
  out.policies.reported = TRY(policy_at(row, 6));
  out.policies.set_by_admin = TRY(policy_at(row, 7));
  return out;
}

database::Value value_of(const std::optional<route::PortPolicy>& policy)
{
  if (!policy) return {};
  return policy_text(*policy);
}

} // namespace

Result<std::unique_ptr<State>> State::open(const sys::fs::path& file)
{
  return std::unique_ptr<State>{new State{TRY(database::Database::open(file, schema()))}};
}

Result<StoredFleet> State::fleet()
{
  StoredFleet out;
  const auto rows = TRY(db_->rows(
      "SELECT i.id, i.app, i.compose, i.wg_key, i.address, i.registered, i.policy, a.policy "
      "FROM instance i LEFT JOIN admin_policy a ON a.instance = i.id ORDER BY i.registered, i.id"));
  for (const Row& row : rows)
    out.entries.push_back(TRY(entry_of(row).within("instance")));
  for (const Row& row : TRY(db_->rows("SELECT instance FROM drained")))
    out.drained.insert(TRY(database::text_at(row, 0)));
  return out;
}

Status State::save_one(const route::RegistryEntry& entry)
{
  return db_->run("INSERT OR REPLACE INTO instance VALUES(?,?,?,?,?,?,?)",
                  {entry.instance_id, entry.app_id, entry.compose_hash, to_bytes(entry.public_key),
                   entry.address.text(), entry.registered.ms, value_of(entry.policies.reported)});
}

Status State::save(const std::vector<route::RegistryEntry>& entries,
                   const std::vector<std::string>& removed)
{
  return db_->transaction([&]() -> Status {
    for (const std::string& id : removed) {
      TRY(db_->run("DELETE FROM instance WHERE id=?", {id}));
      TRY(db_->run("DELETE FROM admin_policy WHERE instance=?", {id}));
      TRY(db_->run("DELETE FROM drained WHERE instance=?", {id}));
    }
    for (const route::RegistryEntry& entry : entries)
      TRY(save_one(entry));
    return ok();
  });
}

Status State::set_admin_policy(const std::string& instance,
                               const std::optional<route::PortPolicy>& policy)
{
  if (!policy) return db_->run("DELETE FROM admin_policy WHERE instance=?", {instance});
  return db_->run("INSERT OR REPLACE INTO admin_policy VALUES(?,?)",
                  {instance, policy_text(*policy)});
}

Status State::set_drained(const std::string& instance, bool drained)
{
  return db_->run(drained ? "INSERT OR IGNORE INTO drained VALUES(?)"
                          : "DELETE FROM drained WHERE instance=?",
                  {instance});
}

Result<Bytes> State::identifier(const std::string& name, std::size_t size)
{
  const auto rows = TRY(db_->rows("SELECT value FROM identifier WHERE name=?", {name}));
  if (!rows.empty()) {
    Bytes out = TRY(database::blob_at(rows[0], 0));
    if (out.size() == size) return out;
    return fail(Errc::malformed, "{} of {} bytes (want {})", name, out.size(), size);
  }
  Bytes out(size);
  crypto::random_bytes(out);
  TRY(db_->run("INSERT INTO identifier VALUES(?,?)", {name, out}));
  return out;
}

Result<std::optional<std::string>> State::setting(const std::string& name)
{
  const auto rows = TRY(db_->rows("SELECT value FROM setting WHERE name=?", {name}));
  if (rows.empty()) return std::optional<std::string>{};
  return std::optional{TRY(database::text_at(rows[0], 0))};
}

Status State::set_setting(const std::string& name, const std::string& value)
{
  return db_->run("INSERT OR REPLACE INTO setting VALUES(?,?)", {name, value});
}

Result<std::vector<gateway::DomainSettings>> State::domains()
{
  std::vector<gateway::DomainSettings> out;
  for (const Row& row : TRY(db_->rows("SELECT name, dns, priority FROM domain ORDER BY name"))) {
    gateway::DomainSettings one;
    one.name = TRY(database::text_at(row, 0));
    one.dns = TRY(database::text_at(row, 1));
    one.priority = static_cast<std::uint64_t>(TRY(database::integer_at(row, 2)));
    out.push_back(std::move(one));
  }
  return out;
}

Status State::add_domain(const gateway::DomainSettings& domain)
{
  return db_->run("INSERT OR REPLACE INTO domain VALUES(?,?,?)",
                  {domain.name, domain.dns, static_cast<std::int64_t>(domain.priority)});
}

Status State::delete_domain(const std::string& name)
{
  const auto gone = TRY(db_->rows("DELETE FROM domain WHERE name=? RETURNING name", {name}));
  if (!gone.empty()) return ok();
  return fail(Errc::not_found,
              "domain '{}' was not added while running: it is in gateway.toml, or unknown", name);
}

Result<std::vector<StoredCertificate>> State::certificates()
{
  std::vector<StoredCertificate> out;
  for (const Row& row : TRY(db_->rows("SELECT domain, chain, key, issued FROM certificate")))
    out.push_back({TRY(database::text_at(row, 0)), TRY(database::text_at(row, 1)),
                   TRY(database::text_at(row, 2)), Time{TRY(database::integer_at(row, 3))}});
  return out;
}

Status State::save_certificate(const StoredCertificate& certificate)
{
  return db_->run(
      "INSERT OR REPLACE INTO certificate VALUES(?,?,?,?)",
      {certificate.domain, certificate.chain_pem, certificate.key_pem, certificate.issued.ms});
}

Result<std::optional<StoredAccount>> State::account(const std::string& directory_url)
{
  const auto rows =
      TRY(db_->rows("SELECT directory, url, key FROM account WHERE directory=?", {directory_url}));
  if (rows.empty()) return std::optional<StoredAccount>{};
  StoredAccount out;
  out.directory_url = TRY(database::text_at(rows[0], 0));
  out.url = TRY(database::text_at(rows[0], 1));
  out.key_der = SecretBytes{TRY(database::blob_at(rows[0], 2))};
  return std::optional{std::move(out)};
}

Status State::save_account(const StoredAccount& account)
{
  return db_->run("INSERT OR REPLACE INTO account VALUES(?,?,?)",
                  {account.directory_url, account.url, to_bytes(account.key_der.view())});
}

Result<std::vector<gateway::Attested>> State::attestations(const std::string& subject,
                                                           std::size_t limit)
{
  std::vector<gateway::Attested> out;
  const auto rows =
      TRY(db_->rows("SELECT public_key, quote, attestation, made FROM attestation WHERE subject=? "
                    "ORDER BY number DESC LIMIT ?",
                    {subject, limit == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(limit)}));
  for (const Row& row : rows) {
    gateway::Attested one;
    one.public_key = TRY(database::blob_at(row, 0));
    one.quote = TRY(database::text_at(row, 1));
    one.attestation = TRY(database::text_at(row, 2));
    one.at = Time{TRY(database::integer_at(row, 3))};
    out.push_back(std::move(one));
  }
  return out;
}

Status State::add_attestation(const std::string& subject, const gateway::Attested& one)
{
  return db_->run("INSERT INTO attestation(subject, public_key, quote, attestation, made) "
                  "VALUES(?,?,?,?,?)",
                  {subject, one.public_key, one.quote, one.attestation, one.at.ms});
}

} // namespace dstack::gatewaynode
