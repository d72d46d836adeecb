// Both, as the header was read before when it is precompiled (DSTACK_PRECOMPILE).
#define DOCTEST_CONFIG_IMPLEMENT
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
