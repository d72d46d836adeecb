$ dstack collateral show
  FETCHED  SIZE  ADDRESS
! nothing cached yet: dstack collateral fetch
$ dstack collateral show --json
  {
    "schema": "dstack.collateral.show/1",
    "directory": "$WORK/.cache/dstack/collateral",
    "answers": []
  }
! nothing cached yet: dstack collateral fetch
$ dstack collateral show --fmspc 00806F050000
! dstack: error: TCB info: not in the cache, and offline (https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=00806F050000&update=standard)
? 1
$ dstack collateral show nosuch.json
! dstack: error: open nosuch.json: No such file or directory
? 1
$ echo '{"tcb_info": 1}' > bad.json; dstack collateral show bad.json
! dstack: error: bad.json: collateral: tcb_info: a number where a string is wanted
? 4
$ dstack collateral show bad.json --fmspc 00806F050000
! dstack: error: give a file or --fmspc, not both
? 2
