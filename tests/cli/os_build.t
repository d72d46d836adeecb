$ dstack os build --recipe nowhere
! dstack: error: recipe: open nowhere/packages.lock: No such file or directory
? 1
$ dstack os build --jobs none
! dstack: error: --jobs: 'none' is not a whole number
? 2
$ dstack help os build | head -n 3
  Build the guest OS image from Debian packages
  ~
  Usage: dstack os build [OPTIONS]
