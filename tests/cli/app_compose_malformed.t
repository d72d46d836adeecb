# Malformed app-compose.json files: the place is named, status 4.
$ app() { printf '%s' "$1" > app.json; dstack app inspect app.json; }; declare -f app > app.sh
$ . ./app.sh; app '{"manifest_version":2'
! dstack: error: app.json: app-compose: JSON: syntax error at byte 22
? 4
$ . ./app.sh; app '{"manifest_version":2}'
! dstack: error: app.json: app-compose: name: missing
? 4
$ . ./app.sh; app '{"manifest_version":"03","name":"a","runner":"docker-compose"}'
! dstack: error: app.json: app-compose: manifest_version: "03" (want "1" to "3")
? 4
$ . ./app.sh; app '{"manifest_version":3,"name":"a","runner":"docker-compose"}'
! dstack: error: app.json: app-compose: manifest_version: 3 as a number (from 3 on a string: "3")
? 4
$ . ./app.sh; app '{"manifest_version":2,"name":"a","runner":"podman"}'
! dstack: error: app.json: app-compose: runner: "podman" (want docker-compose, nerdctl-compose, bash or none)
? 4
$ . ./app.sh; app '{"manifest_version":2,"name":7,"runner":"docker-compose"}'
! dstack: error: app.json: app-compose: name: a number where a string is wanted
? 4
$ . ./app.sh; app '{"manifest_version":2,"name":"a","name":"b","runner":"docker-compose"}'
! dstack: error: app.json: app-compose: JSON: key 'name' twice
? 4
$ . ./app.sh; app '{"manifest_version":2,"name":"a","runner":"docker-compose","key_provider":"gold"}'
! dstack: error: app.json: app-compose: key_provider: "gold" (want none, kms, local or tpm)
? 4
$ . ./app.sh; app '{"manifest_version":2,"name":"a","runner":"docker-compose","docker_compose_file":["x"]}'
! dstack: error: app.json: app-compose: docker_compose_file: a list where a string is wanted
? 4
$ . ./app.sh; app '{"manifest_version":2,"name":"a","runner":"docker-compose","storage_fs":"ntfs"}'
! dstack: error: app.json: app-compose: storage_fs: "ntfs" (want zfs or ext4)
? 4
$ . ./app.sh; app '{"manifest_version":2,"name":"a","runner":"docker-compose"} trailing'
! dstack: error: app.json: app-compose: JSON: syntax error at byte 61
? 4
$ . ./app.sh; app 'not json at all'
! dstack: error: app.json: app-compose: JSON: syntax error at byte 1
? 4
