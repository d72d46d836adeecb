$ dstack collateral export
! dstack: error: FILE is missing
? 2
$ dstack collateral export out.json
! dstack: error: which collateral? give a quote or --fmspc
? 2
$ dstack collateral export --fmspc 00806F050000 out.json; ls
  tools
! dstack: error: TCB info: not in the cache, and offline (https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=00806F050000&update=standard)
