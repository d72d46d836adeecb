# Judging needs evidence; what it is called on has an answer for everything.
$ dstack verify
! dstack: error: what is to be verified? a file, '-', a directory, @list or an https:// address
? 2
$ dstack verify nothing.bin
  COULD NOT CHECK: open nothing.bin: No such file or directory
  ~
  input                  nothing.bin
  policy                 strict
  judged at              DATE
? 1
$ echo hello | dstack verify -
  MALFORMED: this is no quote, report, attestation, certificate or JSON that dstack knows
  ~
  input                  -
  policy                 strict
  judged at              DATE
? 4
$ echo 0x00zz | dstack verify - --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["schema"], d["answer"], d["reason"])'
  dstack.verdict/1 malformed this is no quote, report, attestation, certificate or JSON that dstack knows
$ dstack verify - --policy none </dev/null
! dstack: error: --policy: open none: No such file or directory (want strict, permissive or a file)
? 2
$ printf '[tcb]\nacept = []\n' >p.toml; dstack verify - --policy p.toml </dev/null
! dstack: error: policy p.toml: [tcb]: line 2: unknown key 'acept'; did you mean 'accept'?
? 2
$ dstack verify - --format xml </dev/null
! dstack: error: --format: 'xml' is none of text, junit, sarif, markdown
? 2
$ dstack verify - --at yesterday </dev/null
! dstack: error: 'yesterday' is no point in time (DATE or Unix seconds)
? 2
$ dstack verify - --nonce xyz </dev/null
! dstack: error: --nonce: odd number of hex digits (3)
? 2
$ dstack verify - --nonce 00 --report-data 00 </dev/null
! dstack: error: give one of --nonce, --report-data and --tls
? 2
$ dstack verify - --serve 127.0.0.1 </dev/null
! dstack: error: --serve takes no input; requests bring it
? 2
$ dstack verify --serve 127.0.0.1
! dstack: error: --serve 127.0.0.1: want ADDRESS:PORT, for example 127.0.0.1:8080
? 2
$ mkdir -p dir; printf a >dir/a; printf b >dir/b; dstack verify dir
  MALFORMED  dir/a  this is no quote, report, attestation, certificate or JSON that dstack knows
  MALFORMED  dir/b  this is no quote, report, attestation, certificate or JSON that dstack knows
! 2 inputs: 0 trusted, 0 refused, 2 malformed, 0 could not be checked
? 4
$ dstack verify @list
! dstack: error: open list: No such file or directory
? 1
$ printf 'dir/a\n\ndir/missing\n' >list; dstack verify @list
  MALFORMED  dir/a  this is no quote, report, attestation, certificate or JSON that dstack knows
  COULD NOT CHECK  dir/missing  open dir/missing: No such file or directory
! 2 inputs: 0 trusted, 0 refused, 1 malformed, 1 could not be checked
? 4
$ dstack verify dir --bundle out.dsv
! dstack: error: --bundle takes one input
? 2
$ dstack verify dir/a --bundle out.dsv
! dstack: error: nothing to bundle: this is no quote, report, attestation, certificate or JSON that dstack knows
? 4
$ dstack verify dir/a --root dir/a
! dstack: error: dir/a: root certificate: PEM: no '-----BEGIN CERTIFICATE-----'
? 4
$ dstack verify dir/a --collateral dir/b
! dstack: error: dir/b: collateral: JSON: syntax error at byte 1
? 4

# The built-in root, a quote of the right shape, and no collateral to be had.
$ python3 -c 'import sys; q=bytearray(632+4); q[0]=4; q[2]=2; q[4]=0x81; q[12:28]=bytes.fromhex("939a7233f79c4ca9940a0db3957f0607"); sys.stdout.buffer.write(q)' >short.bin
$ dstack verify short.bin --offline | head -n 1
  MALFORMED: signature data: signature: need 64 bytes at offset 0, have 0

# No image, no judgement: nothing to keep. Nor is a bundle bundled again.
$ dstack simulate --directory s -- curl -sf --unix-socket s/dstack.sock -d '{}' http://localhost/Attest >att.json 2>/dev/null; dstack verify att.json --offline --allow-simulated --image NOSUCH --bundle out.dsv
! dstack: error: nothing to bundle: there is no image 'NOSUCH'
!   'dstack os build' makes one
? 1
$ dstack verify att.json --offline --allow-simulated --bundle out.dsv | head -n 1; dstack verify out.dsv --bundle more.dsv
  TRUSTED
! wrote out.dsv
! dstack: error: nothing to bundle: this is a bundle already
? 4
