#pragma once
/// State on disk that survives crashes: one SQLite database in a file that only its owner can read.
/// What a transaction wrote is on the disk when it returns (WAL, synchronous=FULL).

#include "base/bytes.hpp"
#include "sys/files.hpp"

#include <memory>
#include <mutex>

namespace dstack::database {

/// One value of a row or of a statement's parameters. Absent is NULL.
using Value = std::variant<std::monostate, std::int64_t, std::string, Bytes>;
using Row = std::vector<Value>;

/// Typed views of a column; Errc::malformed when it is missing or of another kind.
Result<std::int64_t> integer_at(const Row& row, std::size_t column);
Result<std::string> text_at(const Row& row, std::size_t column);
Result<Bytes> blob_at(const Row& row, std::size_t column);
bool is_null_at(const Row& row, std::size_t column);

/// What a program keeps: who may open the file, and how its tables came to be.
struct Schema {
  /// Written into the file's header, so that another program's database is not taken for ours.
  std::int32_t application = 0;
  /// Statements that lead from one version to the next; never changed, only added to.
  std::vector<std::string> steps{};
};

class Database {
public:
  /// Makes the file when it is not there and brings its tables to the newest version. Errors name
  /// the file: Errc::malformed when it is damaged or no database, Errc::unsupported when it is
  /// another program's or a newer version's, Errc::io when the disk is full or refuses.
  static Result<std::unique_ptr<Database>> open(const sys::fs::path& path, const Schema& schema);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Any thread may call these, one at a time gets its turn.
  Result<std::vector<Row>> rows(std::string_view sql, const Row& parameters = {});
  Status run(std::string_view sql, const Row& parameters = {});
  /// All of what `work` does or, when it fails, nothing. `work` calls rows and run.
  Status transaction(const std::function<Status()>& work);

private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  Status configure();
  Status check();
  Status migrate(const Schema& schema);
  Result<std::int64_t> pragma(std::string_view name);

  std::unique_ptr<State> state_;
};

} // namespace dstack::database
