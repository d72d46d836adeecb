$ dstack app init
  wrote compose.yaml
! next: dstack deploy compose.yaml
$ dstack app init
! dstack: error: compose.yaml exists already
!   --force replaces it
? 2
$ dstack app init --force -q
  wrote compose.yaml
$ dstack app hash --no-pin -q compose.yaml 2>/dev/null
  1d249e2d34bef834b71937f9a74465c1f1a8dda7a08dc067c3a61f11b51ac38d
$ dstack app init nosuch/compose.yaml
! dstack: error: create a file in nosuch: No such file or directory
? 1
