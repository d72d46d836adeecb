// Every call of DstackClient: what the guest answers, and what the SDK makes of it.
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { DstackClient, to_hex } from '@phala/dstack-sdk';
import { secp256k1 } from '@noble/curves/secp256k1';
import { ed25519 } from '@noble/curves/ed25519';

const client = () => new DstackClient();
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const sha256 = (data) => createHash('sha256').update(data).digest();
const message = 'Test message for signing';

test('the endpoint comes from the environment, an explicit one wins, a missing socket is an error', () => {
  assert.ok(client());
  assert.throws(() => new DstackClient('/no/such.sock'), /Unix socket file \/no\/such.sock does not exist/);
  assert.ok(new DstackClient('http://localhost:1'));
});

test('isReachable is true within its half second', async () => {
  assert.equal(await client().isReachable(), true);
});

test('isReachable is false where nobody listens', async () => {
  assert.equal(await new DstackClient('http://127.0.0.1:1').isReachable(), false);
});

test('version names the guest', async () => {
  const version = await client().version();
  assert.equal(version.__name__, 'VersionResponse');
  assert.notEqual(version.version, '');
  assert.equal(typeof version.rev, 'string');
});

test('getKey gives 32 bytes and two signatures', async () => {
  const key = await client().getKey('/app', 'test');
  assert.equal(key.__name__, 'GetKeyResponse');
  assert.equal(key.key.length, 32);
  assert.deepEqual(key.signature_chain.map((s) => s.length), [65, 65]);
});

test('getKey without arguments works', async () => {
  assert.equal((await client().getKey()).key.length, 32);
});

test('getKey is deterministic, and another path gives another key', async () => {
  const keys = await Promise.all(['/a', '/a', '/b'].map((path) => client().getKey(path)));
  assert.equal(hex(keys[0].key), hex(keys[1].key));
  assert.notEqual(hex(keys[0].key), hex(keys[2].key));
});

test('getKey: the purpose changes the signature only', async () => {
  const [one, two] = [await client().getKey('/a', 'one'), await client().getKey('/a', 'two')];
  assert.equal(hex(one.key), hex(two.key));
  assert.notEqual(hex(one.signature_chain[0]), hex(two.signature_chain[0]));
  assert.equal(hex(one.signature_chain[1]), hex(two.signature_chain[1]));
});

test('getKey ed25519 gives 32 bytes', async () => {
  assert.equal((await client().getKey('/app', 'test', 'ed25519')).key.length, 32);
});

test('getKey k256 is secp256k1', async () => {
  const [alias, plain] = [await client().getKey('/a', 'p', 'k256'), await client().getKey('/a', 'p', 'secp256k1')];
  assert.equal(hex(alias.key), hex(plain.key));
  assert.equal(hex(alias.signature_chain[0]), hex(plain.signature_chain[0]));
});

test('getKey refuses algorithms that are none', async () => {
  await assert.rejects(client().getKey('/a', 'p', 'rsa'));
  await assert.rejects(client().getKey('/a', 'p', 'secp256k1_prehashed'));
});

test('getTlsKey gives a key and its chain', async () => {
  const tls = await client().getTlsKey();
  assert.equal(tls.__name__, 'GetTlsKeyResponse');
  const leaf = new X509Certificate(tls.certificate_chain[0]);
  assert.ok(leaf.checkPrivateKey(createPrivateKey(tls.key)));
  assert.ok(leaf.verify(new X509Certificate(tls.certificate_chain[1]).publicKey));
});

test('getTlsKey makes a fresh key every time', async () => {
  assert.notEqual((await client().getTlsKey()).key, (await client().getTlsKey()).key);
});

test('getTlsKey puts subject, names and usages into the certificate', async () => {
  const tls = await client().getTlsKey({
    subject: 'example.com',
    altNames: ['localhost', '127.0.0.1'],
    usageRaTls: true,
    usageServerAuth: true,
    usageClientAuth: true,
  });
  const leaf = new X509Certificate(tls.certificate_chain[0]);
  assert.match(leaf.subject, /CN=example.com/);
  assert.match(leaf.subjectAltName, /DNS:localhost/);
  assert.match(leaf.subjectAltName, /IP Address:127.0.0.1/);
  assert.deepEqual([...(leaf.keyUsage ?? [])].sort(), ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
});

test('getTlsKey keeps to the times and the app info asked for', async () => {
  const [notBefore, notAfter] = [1_700_000_000, 1_900_000_000];
  const tls = await client().getTlsKey({ subject: 'x', notBefore, notAfter, withAppInfo: true });
  const leaf = new X509Certificate(tls.certificate_chain[0]);
  assert.equal(Date.parse(leaf.validFrom) / 1000, notBefore);
  assert.equal(Date.parse(leaf.validTo) / 1000, notAfter);
});

test('getTlsKey asUint8Array gives the whole key, or its start', async () => {
  const tls = await client().getTlsKey();
  const der = tls.asUint8Array();
  assert.notEqual(der.length, 32);
  assert.ok(createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }));
  assert.equal(tls.asUint8Array(32).length, 32);
});

for (const [kind, data] of [
  ['text', 'test report data'],
  ['Buffer', Buffer.from('test report data')],
  ['Uint8Array', new TextEncoder().encode('test report data')],
]) {
  test(`getQuote takes report data as ${kind} and pads it`, async () => {
    const quote = await client().getQuote(data);
    const padded = Buffer.concat([Buffer.from('test report data')], 64).toString('hex');
    assert.equal(quote.report_data, padded);
    assert.equal(quote.quote.slice(568 * 2, 632 * 2), padded);
    assert.ok(Array.isArray(JSON.parse(quote.event_log)));
  });
}

test('getQuote takes 64 bytes and refuses 65', async () => {
  assert.equal((await client().getQuote('x'.repeat(64))).report_data, hex('x'.repeat(64)));
  await assert.rejects(client().getQuote('x'.repeat(65)), /too large/);
});

test('getQuote: the event log replays to the registers of the quote', async () => {
  const quote = await client().getQuote('replay');
  const registers = [376, 424, 472, 520].map((at) => quote.quote.slice(at * 2, (at + 48) * 2));
  assert.deepEqual(quote.replayRtmrs(), registers);
});

test('getQuote: many at once, each with its own data', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `call ${i}`);
  const quotes = await Promise.all(names.map((name) => client().getQuote(name)));
  quotes.forEach((quote, i) => assert.ok(quote.report_data.startsWith(hex(names[i]))));
});

test('tdxQuote of DstackClient is getQuote for raw data only', async () => {
  assert.ok((await client().tdxQuote('data', 'raw')).quote);
  await assert.rejects(client().tdxQuote('data', 'sha256'), /only supports raw/);
});

test('deriveKey of DstackClient is gone', async () => {
  await assert.rejects(client().deriveKey('/', 'x'), /deprecated/);
});

test('attest gives an attestation', async () => {
  const answer = await client().attest('test');
  assert.equal(answer.__name__, 'AttestResponse');
  assert.match(answer.attestation, /^([0-9a-f]{2})+$/);
});

test('attest refuses more than 64 bytes', async () => {
  await assert.rejects(client().attest('x'.repeat(65)), /too large/);
});

test('info has every member', async () => {
  const info = await client().info();
  for (const member of ['app_id', 'instance_id', 'app_cert', 'app_name', 'device_id', 'key_provider_info', 'compose_hash']) {
    assert.equal(typeof info[member], 'string', member);
    assert.notEqual(info[member], '', member);
  }
  for (const member of ['mrtd', 'rtmr0', 'rtmr1', 'rtmr2', 'rtmr3']) assert.match(info.tcb_info[member], /^[0-9a-f]{96}$/, member);
  for (const member of ['os_image_hash', 'compose_hash', 'device_id', 'mr_aggregated', 'app_compose']) {
    assert.notEqual(info.tcb_info[member], '', member);
    assert.equal(typeof info.tcb_info[member], 'string', member);
  }
  assert.ok(info.tcb_info.event_log.length > 0);
  assert.equal(info.compose_hash, sha256(info.tcb_info.app_compose).toString('hex'));
});

test('info agrees with the quote', async () => {
  const [info, quote] = [await client().info(), await client().getQuote('')];
  assert.equal(info.tcb_info.rtmr3, quote.replayRtmrs()[3]);
  assert.equal(quote.vm_config, info.vm_config);
});

const check = {
  ed25519: (signed, data) => ed25519.verify(signed.signature, data, signed.public_key),
  secp256k1: (signed, data) => secp256k1.verify(signed.signature, sha256(data), signed.public_key, { lowS: true }),
  secp256k1_prehashed: (signed, data) => secp256k1.verify(signed.signature, data, signed.public_key, { lowS: true }),
};
for (const algorithm of Object.keys(check)) {
  const data = algorithm === 'secp256k1_prehashed' ? sha256(message) : Buffer.from(message);
  const other = algorithm === 'secp256k1_prehashed' ? sha256('other') : Buffer.from('other');

  test(`sign ${algorithm}: another library accepts it`, async () => {
    const signed = await client().sign(algorithm, data);
    assert.equal(signed.__name__, 'SignResponse');
    assert.equal(signed.signature_chain.length, 3);
    assert.equal(hex(signed.signature_chain[0]), hex(signed.signature));
    assert.ok(check[algorithm](signed, data));
  });

  test(`verify ${algorithm}: yes to the signed data, no to other data`, async () => {
    const signed = await client().sign(algorithm, data);
    assert.equal((await client().verify(algorithm, data, signed.signature, signed.public_key)).valid, true);
    assert.equal((await client().verify(algorithm, other, signed.signature, signed.public_key)).valid, false);
  });
}

test('sign k256 uses the key of secp256k1', async () => {
  const [alias, plain] = [await client().sign('k256', message), await client().sign('secp256k1', message)];
  assert.equal(hex(alias.public_key), hex(plain.public_key));
});

test('sign prehashed wants 32 bytes', async () => {
  await assert.rejects(client().sign('secp256k1_prehashed', 'short'), /32-byte digest/);
});

test('sign refuses algorithms that are none', async () => {
  await assert.rejects(client().sign('rsa', message));
});

test('verify says no valid for malformed keys', async () => {
  const signed = await client().sign('ed25519', message);
  assert.notEqual((await client().verify('ed25519', message, signed.signature, Buffer.alloc(31))).valid, true);
});

test('emitEvent wants a name, and settles when the guest has no such method', async () => {
  await assert.rejects(client().emitEvent('', 'payload'), /cannot be empty/);
  await client().emitEvent('some-event', 'payload');
});

test('text that is not ASCII comes back', async () => {
  const quote = await client().getQuote('Grüße, 世界');
  assert.ok(quote.report_data.startsWith(hex('Grüße, 世界')));
});

test('to_hex writes text and bytes', () => {
  assert.equal(to_hex('ab'), '6162');
  assert.equal(to_hex(Uint8Array.of(1, 255)), '01ff');
});

test('two public halves of one derived key agree', async () => {
  const { key } = await client().getKey('/ed', '', 'ed25519');
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), key]);
  const raw = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' }).x;
  assert.equal(hex(Buffer.from(raw, 'base64url')), hex(ed25519.getPublicKey(key)));
});
