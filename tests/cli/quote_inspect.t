# A quote is decoded, never judged.
$ python3 -c 'import sys; q=bytearray(632+4); q[0]=4; q[2]=2; q[4]=0x81; q[12:28]=bytes.fromhex("939a7233f79c4ca9940a0db3957f0607"); sys.stdout.buffer.write(q)' >short.bin
$ dstack quote inspect short.bin
! dstack: error: short.bin: signature data: signature: need 64 bytes at offset 0, have 0
? 4
$ python3 -c 'import sys,struct; q=bytearray(584+48); q[0]=4; q[2]=2; q[4]=0x81; q[12:28]=bytes.fromhex("939a7233f79c4ca9940a0db3957f0607"); q[184:232]=b"\xaa"*48; inner=bytes(384+64)+struct.pack("<HHI",0,1,36)+bytes(36); auth=bytes(128)+struct.pack("<HI",6,len(inner))+inner; sys.stdout.buffer.write(q+struct.pack("<I",len(auth))+auth+b"\0"*7)' >whole.bin
$ dstack quote inspect whole.bin
  evidence               TDX quote v4
  version                4
  body                   TD report 1.0
  certification type     1
  QE MRSIGNER            0000000000000000000000000000000000000000000000000000000000000000
  QE ISVSVN              0
  trailing               7 bytes after its end
  MRTD                   aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  RTMR0                  000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
  RTMR1                  000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
  RTMR2                  000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
  RTMR3                  000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
  MRCONFIGID             000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
  MROWNER                000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
  MROWNERCONFIG          000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
  MRSEAM                 000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
  TD attributes          0000000000000000
  XFAM                   0000000000000000
  TEE TCB SVN            00000000000000000000000000000000
  report data            00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
! decoded, not verified: 'dstack verify' judges
$ dstack quote inspect - --json <whole.bin | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["schema"], d["verified"], d["quote"]["mrtd"][:8], d["event_log"])'
  dstack.quote.inspect/1 False aaaaaaaa []
$ echo hello | dstack quote inspect
! dstack: error: -: this is no quote, report, attestation, certificate or JSON that dstack knows
? 4
$ dstack quote inspect https://example.com
! dstack: error: quote inspect takes one file, or '-'
? 2
