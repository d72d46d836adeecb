#pragma once
/// Request fields checked and brought to one shape (spec guest 1.3).

#include "rpc/prpc.hpp"

namespace dstack::rpc {

/// Where the tree came from: in a query string numbers and booleans are text.
enum class Source { json, query };

/// The declared fields in order, each checked; absent ones take their default, unknown ones go.
Result<codec::Json>
typed_request(const std::vector<Field>& fields, const codec::Json& given, Source source);

/// An object with every field at its default.
codec::Json defaults_of(const std::vector<Field>& fields);

/// A query string as a tree: "a=x&l[0]=1&l[1]=2". Every leaf is text; a name given twice is
/// refused. The parameter "json" chooses the encoding and is left out.
Result<codec::Json> query_tree(std::string_view query);

} // namespace dstack::rpc
