// The helpers of the package that talk to nobody.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { getComposeHash, verifyEnvEncryptPublicKey, verifyEnvEncryptPublicKeyLegacy } from '@phala/dstack-sdk';
import { encryptEnvVars } from '@phala/dstack-sdk/encrypt-env-vars';
import { secp256k1 } from '@noble/curves/secp256k1';
import { x25519 } from '@noble/curves/ed25519';
import { keccak_256 } from '@noble/hashes/sha3';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

test('getComposeHash sorts keys at every level', () => {
  const compose = { runner: 'docker-compose', name: 'n', docker_config: { username: 'u', registry: 'r' }, features: ['b', 'a'] };
  const sorted = '{"docker_config":{"registry":"r","username":"u"},"features":["b","a"],"name":"n","runner":"docker-compose"}';
  assert.equal(getComposeHash(compose), sha256(sorted));
});

test('getComposeHash keeps characters as they are, and writes null for what is no number', () => {
  assert.equal(getComposeHash({ runner: 'bash', name: 'Grüße <&>' }), sha256('{"name":"Grüße <&>","runner":"bash"}'));
  assert.equal(getComposeHash({ runner: 'bash', n: NaN, i: Infinity }), sha256('{"i":null,"n":null,"runner":"bash"}'));
});

test('getComposeHash normalizes away what the runner does not use', () => {
  assert.equal(getComposeHash({ runner: 'bash', docker_compose_file: 'x', pre_launch_script: '' }, true), sha256('{"runner":"bash"}'));
  assert.equal(getComposeHash({ runner: 'docker-compose', bash_script: 'x' }, true), sha256('{"runner":"docker-compose"}'));
});

test('encryptEnvVars: the owner of the key reads them', async () => {
  const secret = x25519.utils.randomPrivateKey();
  const variables = [{ key: 'A', value: '1' }, { key: 'B', value: 'Grüße' }];
  const box = Buffer.from(await encryptEnvVars(variables, Buffer.from(x25519.getPublicKey(secret)).toString('hex')), 'hex');
  const shared = x25519.getSharedSecret(secret, box.subarray(0, 32));
  const key = await crypto.subtle.importKey('raw', shared, 'AES-GCM', false, ['decrypt']);
  const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: box.subarray(32, 44) }, key, box.subarray(44));
  assert.deepEqual(JSON.parse(Buffer.from(plain)), { env: variables });
});

const signer = secp256k1.utils.randomPrivateKey();
const signerPublic = `0x${Buffer.from(secp256k1.getPublicKey(signer, true)).toString('hex')}`;
const publicKey = new Uint8Array(32).fill(7);
const appId = '00'.repeat(20);
function sign(...parts) {
  const text = Buffer.concat([Buffer.from('dstack-env-encrypt-pubkey:'), Buffer.from(appId, 'hex'), ...parts, publicKey]);
  const signature = secp256k1.sign(keccak_256(text), signer);
  return Uint8Array.from([...signature.toCompactRawBytes(), signature.recovery]);
}
function bigEndian(timestamp) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(timestamp));
  return bytes;
}

test('verifyEnvEncryptPublicKey names the signer', () => {
  const now = Math.floor(Date.now() / 1000);
  assert.equal(verifyEnvEncryptPublicKey(publicKey, sign(bigEndian(now)), appId, now), signerPublic);
  assert.notEqual(verifyEnvEncryptPublicKey(publicKey, sign(bigEndian(now)), appId, now - 1), signerPublic);
});

test('verifyEnvEncryptPublicKey refuses old and future signatures', () => {
  const now = Math.floor(Date.now() / 1000);
  for (const at of [now - 400, now + 120]) {
    assert.equal(verifyEnvEncryptPublicKey(publicKey, sign(bigEndian(at)), appId, at), null);
  }
  assert.equal(verifyEnvEncryptPublicKey(publicKey, sign(bigEndian(now - 400)), appId, now - 400, { maxAgeSeconds: 500 }), signerPublic);
});

test('verifyEnvEncryptPublicKeyLegacy signs no time', () => {
  assert.equal(verifyEnvEncryptPublicKeyLegacy(publicKey, sign(), appId), signerPublic);
  assert.equal(verifyEnvEncryptPublicKeyLegacy(publicKey, sign().subarray(1), appId), null);
});
