#include "database/database.hpp"

#include "base/text.hpp"

#include <sqlite3.h>

namespace dstack::database {

namespace {

constexpr int busy_ms = 5000; ///< for somebody who reads the file beside us, such as a backup

struct Close {
  void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

int bind(sqlite3_stmt* to, int at, const Value& value)
{
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return sqlite3_bind_int64(to, at, *number);
  if (const auto* text = std::get_if<std::string>(&value))
    return sqlite3_bind_text64(to, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  if (const auto* blob = std::get_if<Bytes>(&value)) {
    if (blob->empty()) return sqlite3_bind_zeroblob(to, at, 0); // no pointer would be NULL
    return sqlite3_bind_blob64(to, at, blob->data(), blob->size(), SQLITE_STATIC);
  }
  return sqlite3_bind_null(to, at);
}

Bytes bytes_of(sqlite3_stmt* from, int column)
{
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(from, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(from, column));
  return data == nullptr ? Bytes{} : Bytes(data, data + size);
}

Value value_of(sqlite3_stmt* from, int column)
{
  switch (sqlite3_column_type(from, column)) {
  case SQLITE_INTEGER:
    return std::int64_t{sqlite3_column_int64(from, column)};
  case SQLITE_TEXT:
    return to_text(bytes_of(from, column));
  case SQLITE_BLOB:
    return bytes_of(from, column);
  default:
    return std::monostate{};
  }
}

Row row_of(sqlite3_stmt* from)
{
  Row out;
  const int columns = sqlite3_column_count(from);
  for (int i = 0; i < columns; ++i)
    out.push_back(value_of(from, i));
  return out;
}

template <class T> Result<T> typed(const Row& row, std::size_t column, std::string_view kind)
{
  if (column >= row.size()) return fail(Errc::malformed, "column {} is missing", column);
  const auto* value = std::get_if<T>(&row[column]);
  if (value == nullptr) return fail(Errc::malformed, "column {} is no {}", column, kind);
  return *value;
}

} // namespace

Result<std::int64_t> integer_at(const Row& row, std::size_t column)
{
  return typed<std::int64_t>(row, column, "integer");
}

Result<std::string> text_at(const Row& row, std::size_t column)
{
  return typed<std::string>(row, column, "text");
}

Result<Bytes> blob_at(const Row& row, std::size_t column)
{
  return typed<Bytes>(row, column, "blob");
}

bool is_null_at(const Row& row, std::size_t column)
{
  return column >= row.size() || std::holds_alternative<std::monostate>(row[column]);
}

struct Database::State {
  std::string path{};
  std::unique_ptr<sqlite3, Close> db{};
  std::recursive_mutex mutex{}; ///< a transaction holds it while its work comes back for it

  /// What went wrong, in words that say what to do.
  Error error(int code) const
  {
    const char* why = db ? sqlite3_errmsg(db.get()) : sqlite3_errstr(code);
    switch (code & 0xff) { // the primary code (sqlite.org/rescode.html)
    case SQLITE_FULL:
      return fail(Errc::io, "{}: the disk is full", path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return fail(Errc::malformed,
                  "{} is damaged ({}): put back a copy of it, or move it away to begin anew", path,
                  why);
    case SQLITE_BUSY:
      return fail(Errc::timeout, "{}: another program holds it", path);
    case SQLITE_IOERR:
      return fail(Errc::io, "{}: {} (error {})", path, why, code);
    default:
      return fail(Errc::io, "{}: {}", path, why);
    }
  }
};

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const sys::fs::path& path, const Schema& schema)
{
  std::error_code ignored;
  // SQLite gives its other files the rights of this one.
  if (!sys::fs::exists(path, ignored)) TRY(sys::create_new(path, sys::Privacy::owner_only));
  auto state = std::make_unique<State>();
  state->path = path.string();
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(state->path.c_str(), &raw, flags, nullptr);
  state->db.reset(raw);
  if (code != SQLITE_OK) return state->error(code);
  std::unique_ptr<Database> out{new Database{std::move(state)}};
  TRY(out->configure());
  TRY(out->check());
  TRY(out->migrate(schema));
  return out;
}

Status Database::configure()
{
  sqlite3_busy_timeout(state_->db.get(), busy_ms);
  // Deleted keys are overwritten; nothing that the file says is run as code.
  for (const char* sql :
       {"PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON", "PRAGMA secure_delete=ON",
        "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON"})
    TRY(run(sql));
  return ok();
}

Status Database::check()
{
  const auto found = TRY(rows("PRAGMA quick_check(1)"));
  const std::string said = found.empty() ? "no answer" : TRY(text_at(found[0], 0));
  if (said == "ok") return ok();
  return fail(Errc::malformed,
              "{} is damaged ({}): put back a copy of it, or move it away to begin anew",
              state_->path, printable(said));
}

Result<std::int64_t> Database::pragma(std::string_view name)
{
  const auto found = TRY(rows(fmt::format("PRAGMA {}", name)));
  if (found.empty()) return fail(Errc::internal, "PRAGMA {} says nothing", name);
  return integer_at(found[0], 0);
}

Status Database::migrate(const Schema& schema)
{
  return transaction([&]() -> Status {
    const std::int64_t application = TRY(pragma("application_id"));
    const std::int64_t version = TRY(pragma("user_version"));
    const auto newest = static_cast<std::int64_t>(schema.steps.size());
    const bool fresh = version == 0 && application == 0 && TRY(pragma("schema_version")) == 0;
    if (!fresh && application != schema.application)
      return fail(Errc::unsupported, "{} is another program's database", state_->path);
    if (version > newest)
      return fail(Errc::unsupported,
                  "{} is of version {}, which only a newer dstack knows (this "
                  "one knows {})",
                  state_->path, version, newest);
    for (auto at = static_cast<std::size_t>(version); at < schema.steps.size(); ++at)
      for (const std::string_view sql : split(schema.steps[at], ';'))
        if (!trim(sql).empty()) TRY(run(sql));
    if (fresh) TRY(run(fmt::format("PRAGMA application_id={}", schema.application)));
    if (version == newest) return ok();
    return run(fmt::format("PRAGMA user_version={}", newest));
  });
}

Result<std::vector<Row>> Database::rows(std::string_view sql, const Row& parameters)
{
  const std::lock_guard lock{state_->mutex};
  sqlite3* const db = state_->db.get();
  sqlite3_stmt* raw = nullptr;
  const auto size = static_cast<int>(sql.size());
  int code = sqlite3_prepare_v2(db, sql.data(), size, &raw, nullptr);
  const Statement statement{raw};
  if (code != SQLITE_OK) return state_->error(code);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    code = bind(raw, static_cast<int>(i) + 1, parameters[i]);
    if (code != SQLITE_OK) return state_->error(code);
  }
  std::vector<Row> out;
  while ((code = sqlite3_step(raw)) == SQLITE_ROW)
    out.push_back(row_of(raw));
  if (code != SQLITE_DONE) return state_->error(code);
  return out;
}

Status Database::run(std::string_view sql, const Row& parameters)
{
  static_cast<void>(TRY(rows(sql, parameters)));
  return ok();
}

Status Database::transaction(const std::function<Status()>& work)
{
  const std::lock_guard lock{state_->mutex};
  TRY(run("BEGIN IMMEDIATE"));
  Status done = work();
  if (done) done = run("COMMIT");
  // Some errors, a full disk among them, have ended it already.
  if (!done && sqlite3_get_autocommit(state_->db.get()) == 0) static_cast<void>(run("ROLLBACK"));
  return done;
}

} // namespace dstack::database
