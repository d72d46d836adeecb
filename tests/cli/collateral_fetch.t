$ dstack collateral fetch
! dstack: error: which collateral? give a quote or --fmspc
? 2
$ dstack collateral fetch --fmspc 00806F05
! dstack: error: '00806F05' is no FMSPC (12 hex digits)
? 2
$ dstack collateral fetch --fmspc 00806F050000 --tee sev
! dstack: error: --tee: 'sev' is none of tdx, sgx
? 2
$ dstack collateral fetch --fmspc 00806F050000 --update 0
! dstack: error: '0' is neither standard, early nor an evaluation number
? 2
$ dstack collateral fetch --fmspc 00806F050000 --at yesterday
! dstack: error: 'yesterday' is no point in time (DATE or Unix seconds)
? 2
$ dstack collateral fetch --fmspc 00806F050000 --pccs http://pccs.example.com
! dstack: error: --pccs: 'http://pccs.example.com': plain http is allowed for this machine only, use https
? 2
$ dstack collateral fetch --fmspc 00806F050000 --pccs https://me@pccs.example.com
! dstack: error: --pccs: a service address with a user name in it
? 2
# Where a wrong address comes from is named.
$ DSTACK_PCCS_URL=http://pccs.example.com dstack collateral fetch --fmspc 00806F050000
! dstack: error: DSTACK_PCCS_URL: 'http://pccs.example.com': plain http is allowed for this machine only, use https
? 2
$ dstack collateral fetch --fmspc 00806F050000 --offline
! dstack: error: TCB info: not in the cache, and offline (https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=00806F050000&update=standard)
? 1
$ dstack collateral fetch --fmspc 00806F050000 --offline --json
! {"error":{"code":"not_found","message":"TCB info: not in the cache, and offline (https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=00806F050000&update=standard)"}}
? 1
$ dstack collateral fetch --fmspc 00806F050000 --pccs http://127.0.0.1:1
! dstack: error: TCB info: GET http://127.0.0.1:1/tdx/certification/v4/tcb?fmspc=00806F050000&update=standard: Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server
? 1
$ echo hello > quote; dstack collateral fetch quote
! dstack: error: quote: this is no quote, report, attestation, certificate or JSON that dstack knows
? 4
$ printf '\004\000\002\000' > quote; dstack collateral fetch quote
! dstack: error: quote: this is no quote, report, attestation, certificate or JSON that dstack knows
? 4
$ dstack collateral fetch quote --fmspc 00806F050000
! dstack: error: give a quote or --fmspc, not both
? 2
