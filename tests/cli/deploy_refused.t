# What cannot work in a VM is refused with its place; ten malformed compose files.
$ printf 'services:\n  web:\n    build: .\n' > build.yaml; dstack deploy build.yaml
! dstack: error: build.yaml:3:5: service 'web': build: nothing is built inside a confidential VM; build and push the image first, or put it in an OCI layout and pass --images
? 4
$ printf 'services:\n  web:\n    image: a\n    volumes:\n      - /etc:/etc\n' > bind.yaml; dstack deploy bind.yaml
! dstack: error: bind.yaml:5:9: bind mount of '/etc': a confidential VM shares no files with its host; put the files into the image, use a named volume, or 'configs:' with 'content:'
? 4
$ printf 'services:\n  web:\n   image: [\n' > open.yaml; dstack deploy open.yaml
! dstack: error: open.yaml:4:1: while parsing a flow node did not find expected node content
? 4
$ printf 'services:\n  web:\n    image: a\n    image: b\n' > twice.yaml; dstack deploy twice.yaml
! dstack: error: twice.yaml:4:5: key 'image' twice (first on line 3)
? 4
$ printf 'services: 3\n' > number.yaml; dstack deploy number.yaml
! dstack: error: number.yaml:1:11: services: a map is wanted
? 4
$ printf '' > empty.yaml; dstack deploy empty.yaml
! dstack: error: empty.yaml:1:1: the file is empty
? 4
$ printf 'services:\n  web: {}\n' > noimage.yaml; dstack deploy noimage.yaml
! dstack: error: noimage.yaml:2:3: service 'web' names no image
? 4
$ printf 'services:\n  web:\n    image: a\n    ports:\n      - "99999:1"\n' > port.yaml; dstack deploy port.yaml
! dstack: error: port.yaml:5:9: ports: '99999' is no port (want 1 to 65535)
? 4
$ printf 'services:\n  web:\n    image: a\n    env_file: missing.env\n' > env.yaml; dstack deploy env.yaml
! dstack: error: environment file 'missing.env': open $WORK/missing.env: No such file or directory
? 1
$ printf 'services:\n  web:\n    image: ${TAG}\n' > variable.yaml; dstack deploy variable.yaml
! dstack: error: variable.yaml:3:12: variable TAG is not set; set it in the project's .env file, give a default (${TAG:-value}), or write $$TAG to leave it to the container
? 4
$ printf 'services:\n  web:\n    image: "\xff"\n' > utf8.yaml; dstack deploy utf8.yaml
! dstack: error: utf8.yaml:1:1: not UTF-8
? 4
$ printf 'services:\n  web:\n    image: "Bad Name"\n' > image.yaml; dstack deploy image.yaml
! dstack: error: image.yaml:3:12: service 'web': image reference 'Bad Name': the name must be lower-case letters, digits and single separators
? 4
