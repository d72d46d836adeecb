# Malformed bundles: the place is named, status 4; bytes that do not match, status 3.
$ printf 'services:\n  web:\n    image: hello:1\n' > compose.yaml; mkdir -p root; echo hi > root/file; $TESTS/../../examples/make-image layout hello:1 root -- /bin/true >/dev/null; dstack app pack compose.yaml --app-name demo --images layout --with-images -q -o good.bundle
  66a1bacd03bb721be623bd2d36cbea42ba4b110dea1f654b760e23b362c59721  good.bundle
$ mkdir x; tar xf good.bundle -C x; pack() { (cd x && tar --format=ustar -cf ../bad.bundle "$@"); dstack app inspect bad.bundle; }; declare -f pack > pack.sh
$ head -c 3000 good.bundle > bad.bundle; dstack app inspect bad.bundle
! dstack: error: bad.bundle: bundle: 'dstack-bundle.json' is missing
? 4
$ . ./pack.sh; pack oci-layout
! dstack: error: bad.bundle: bundle: 'app-compose.json' is missing
? 4
$ . ./pack.sh; pack app-compose.json
! dstack: error: bad.bundle: bundle: 'dstack-bundle.json' is missing
? 4
$ . ./pack.sh; pack app-compose.json app-compose.json dstack-bundle.json
! dstack: error: bad.bundle: bundle: 'app-compose.json' is not a regular file
? 4
$ . ./pack.sh; ln -s /etc/passwd x/link; pack app-compose.json dstack-bundle.json link
! dstack: error: bad.bundle: bundle: 'link' is not a regular file
? 4
$ . ./pack.sh; mkfifo x/fifo; pack app-compose.json dstack-bundle.json fifo
! dstack: error: bad.bundle: bundle: 'fifo' is not a regular file
? 4
$ . ./pack.sh; pack -P --transform 's,oci-layout,../escape,' app-compose.json dstack-bundle.json oci-layout
! dstack: error: bad.bundle: bundle: entry name '../escape' is not a plain relative path
? 4
$ . ./pack.sh; cp x/dstack-bundle.json keep; echo '{}' > x/dstack-bundle.json; pack app-compose.json dstack-bundle.json
! dstack: error: bad.bundle: bundle: dstack-bundle.json: 'schema' is missing
? 4
$ . ./pack.sh; echo 'no json' > x/dstack-bundle.json; pack app-compose.json dstack-bundle.json
! dstack: error: bad.bundle: bundle: dstack-bundle.json: JSON: syntax error at byte 1
? 4
$ . ./pack.sh; cp keep x/dstack-bundle.json; printf ' ' >> x/app-compose.json; pack app-compose.json dstack-bundle.json 
! dstack: error: bad.bundle: app-compose.json hashes to 20ef3a699192cf7a3f0c2a7a9cf234968ad5913a383225b10635a36f33226fac, not to the 66a1bacd03bb721be623bd2d36cbea42ba4b110dea1f654b760e23b362c59721 the bundle states
? 3
$ tar xf good.bundle -C x app-compose.json; f=$(ls x/blobs/sha256/* | head -n 1); printf x | dd of=$f conv=notrunc status=none; . ./pack.sh; pack app-compose.json dstack-bundle.json ${f#x/}
! dstack: error: bad.bundle: bundle: the bytes of 'blobs/sha256/5ed58019b0a22279aa9dab9affd79fc65255e1fb7e8fda964a1b47a576849730' do not hash to its name
? 3
