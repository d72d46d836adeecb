// Every call of TappdClient, the legacy interface on tappd.sock.
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { TappdClient } from '@phala/dstack-sdk';

const client = () => new TappdClient();
const appData = (algorithm, data) => {
  const digest = createHash(algorithm).update('app-data:').update(data).digest('hex');
  return digest.padEnd(128, '0');
};

test('tappd: isReachable', async () => {
  assert.equal(await client().isReachable(), true);
});

test('tappd: deriveKey gives a key with its chain, the same every time', async () => {
  const [one, two] = [await client().deriveKey('/', 'test'), await client().deriveKey('/', 'test')];
  assert.match(one.key, /^-----BEGIN PRIVATE KEY-----\n/);
  assert.ok(one.certificate_chain.length > 1);
  assert.equal(one.key, two.key);
  assert.match(new X509Certificate(one.certificate_chain[0]).subject, /CN=test/);
});

test('tappd: deriveKey takes the path for a missing subject', async () => {
  const derived = await client().deriveKey('/some/path');
  assert.match(new X509Certificate(derived.certificate_chain[0]).subject, /CN=\/some\/path/);
});

test('tappd: deriveKey puts names into the certificate', async () => {
  const derived = await client().deriveKey('/', 'test', ['localhost', '127.0.0.1']);
  const names = new X509Certificate(derived.certificate_chain[0]).subjectAltName;
  assert.match(names, /DNS:localhost/);
  assert.match(names, /127.0.0.1/);
});

test('tappd: deriveKey asUint8Array', async () => {
  const derived = await client().deriveKey('/', 'test');
  assert.equal(derived.asUint8Array(32).length, 32);
  assert.equal(derived.asUint8Array().length, 138);
});

test('tappd: tdxQuote hashes with sha512 when nothing is said', async () => {
  const quote = await client().tdxQuote('some data');
  assert.equal(quote.quote.slice(1136, 1264), appData('sha512', 'some data'));
  assert.ok(Array.isArray(JSON.parse(quote.event_log)));
});

for (const algorithm of ['sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-384', 'sha3-512']) {
  test(`tappd: tdxQuote ${algorithm}`, async () => {
    const quote = await client().tdxQuote('some data', algorithm);
    assert.equal(quote.quote.slice(1136, 1264), appData(algorithm, 'some data'));
  });
}

for (const algorithm of ['keccak256', 'keccak384', 'keccak512']) {
  test(`tappd: tdxQuote ${algorithm} fills its length`, async () => {
    const data = (await client().tdxQuote('some data', algorithm)).quote.slice(1136, 1264);
    const length = Number(algorithm.slice(6)) / 4;
    assert.notEqual(data.slice(0, length), '0'.repeat(length));
    assert.equal(data.slice(length), '0'.repeat(128 - length));
  });
}

test('tappd: tdxQuote raw pads at the left', async () => {
  const quote = await client().tdxQuote('raw data', 'raw');
  assert.equal(quote.quote.slice(1136, 1264), Buffer.from('raw data').toString('hex').padStart(128, '0'));
});

test('tappd: tdxQuote raw refuses 65 bytes', async () => {
  await assert.rejects(client().tdxQuote('x'.repeat(65), 'raw'), /too large/);
});

test('tappd: tdxQuote refuses a hash that is none', async () => {
  await assert.rejects(client().tdxQuote('data', 'md5'));
});

test('tappd: the event log replays to the registers of the quote', async () => {
  const quote = await client().tdxQuote('replay', 'sha256');
  const registers = [376, 424, 472, 520].map((at) => quote.quote.slice(at * 2, (at + 48) * 2));
  assert.deepEqual(quote.replayRtmrs(), registers);
});
