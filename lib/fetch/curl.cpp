#include "fetch/curl.hpp"

#include <dlfcn.h>

namespace dstack::fetch {

namespace {

constexpr const char* library_name = "libcurl.so.4"; ///< the ABI of the header since 2006

template <class Function> bool find(void* library, const char* name, Function& out)
{
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): POSIX dlsym(3) gives functions so.
  out = reinterpret_cast<Function>(::dlsym(library, name));
  return out != nullptr;
}

/// Never unloaded: its handles live as long as the process.
Result<Curl> load()
{
  void* library = ::dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return fail(Errc::io, "{} does not load ({}): install it to fetch anything", library_name,
                ::dlerror());
  Curl out;
  const bool whole = find(library, "curl_global_init", out.global_init) &&
                     find(library, "curl_easy_init", out.init) &&
                     find(library, "curl_easy_reset", out.reset) &&
                     find(library, "curl_easy_setopt", out.setopt) &&
                     find(library, "curl_easy_perform", out.perform) &&
                     find(library, "curl_easy_getinfo", out.getinfo) &&
                     find(library, "curl_easy_strerror", out.strerror) &&
                     find(library, "curl_easy_cleanup", out.cleanup) &&
                     find(library, "curl_slist_append", out.append) &&
                     find(library, "curl_slist_free_all", out.free_all);
  if (!whole) return fail(Errc::io, "{} lacks functions of its interface", library_name);
  if (out.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return fail(Errc::io, "{} does not start", library_name);
  return out;
}

const Result<Curl>& loaded()
{
  static const Result<Curl> once = load();
  return once;
}

} // namespace

Result<const Curl*> load_curl()
{
  const Result<Curl>& library = loaded();
  if (!library) return Error{library.error()};
  return &*library;
}

const Curl& curl()
{
  const Result<Curl>& library = loaded();
  DSTACK_ASSERT(library);
  return *library;
}

Result<Easy> new_easy()
{
  const Curl* library = TRY(load_curl());
  Easy out{library->init()};
  if (!out) return fail(Errc::io, "libcurl gives no handle");
  return out;
}

} // namespace dstack::fetch
