$ printf 'services:\n  web:\n    image: hello:1\n' > compose.yaml
$ dstack app pack compose.yaml
! dstack: error: --output is missing
? 2
$ dstack app pack compose.yaml --app-name demo --no-pin -o demo.bundle
  97bf08fd8efe8f68b45feb474cbcc10a52b0e8cf0e86191041a1a8d124fad6b2  demo.bundle
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
$ dstack app pack compose.yaml --app-name demo --no-pin -q -o again.bundle; cmp demo.bundle again.bundle
  97bf08fd8efe8f68b45feb474cbcc10a52b0e8cf0e86191041a1a8d124fad6b2  again.bundle
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
$ tar tf demo.bundle
  app-compose.json
  dstack-bundle.json
# Images from an OCI layout, pinned and packed.
$ mkdir -p root; echo hi > root/file; $TESTS/../../examples/make-image layout hello:1 root -- /bin/true >/dev/null
$ dstack app pack compose.yaml --app-name demo --images layout --with-images -o full.bundle
  66a1bacd03bb721be623bd2d36cbea42ba4b110dea1f654b760e23b362c59721  full.bundle
$ tar tf full.bundle | wc -l
  8
$ dstack app inspect full.bundle
  name          demo
  app id        66a1bacd03bb721be623bd2d36cbea42ba4b110d
  compose hash  66a1bacd03bb721be623bd2d36cbea42ba4b110dea1f654b760e23b362c59721
  runner        docker-compose
  key provider  none
  images        inside the bundle
  SERVICE  IMAGE
  web      hello:1@sha256:c8e00a820a92bcd48b931d34481020c7c030064affac55a16a6c2d439148c5b9
# A blob that changed is noticed.
$ for f in layout/blobs/sha256/*; do grep -q diff_ids $f && printf x | dd of=$f conv=notrunc status=none; done; dstack app pack compose.yaml --images layout --with-images -o bad.bundle
! dstack: error: bad.bundle: image layout: bundle: the bytes of 'blobs/sha256/725cae8f08ed0c9922f1b9b662b254338eb6ed0a8be2d5b301c80b4a81adc57f' do not hash to its name
? 3
$ ls
  again.bundle
  bad.bundle
  compose.yaml
  demo.bundle
  full.bundle
  layout
  root
  tools
