#pragma once
/// libcurl, loaded when it is first needed: with the thirty libraries behind it, it would cost
/// every start of a program four milliseconds, also where nothing is fetched.

#include "base/result.hpp"

#include <curl/curl.h>
#include <memory>

namespace dstack::fetch {

/// The functions we use, with the types its header gives them.
struct Curl {
  decltype(&::curl_global_init) global_init = nullptr;
  decltype(&::curl_easy_init) init = nullptr;
  decltype(&::curl_easy_reset) reset = nullptr;
  decltype(&::curl_easy_setopt) setopt = nullptr;
  decltype(&::curl_easy_perform) perform = nullptr;
  decltype(&::curl_easy_getinfo) getinfo = nullptr;
  decltype(&::curl_easy_strerror) strerror = nullptr;
  decltype(&::curl_easy_cleanup) cleanup = nullptr;
  decltype(&::curl_slist_append) append = nullptr;
  decltype(&::curl_slist_free_all) free_all = nullptr;
};

/// Loads and starts the library, once; from any thread.
Result<const Curl*> load_curl();
/// The library, where it is loaded already: whoever has a handle.
const Curl& curl();

struct FreeEasy {
  void operator()(CURL* handle) const { curl().cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl().free_all(list); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

/// A new handle.
Result<Easy> new_easy();

} // namespace dstack::fetch
