// The keys of the guest as accounts of viem and Solana.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { DstackClient, TappdClient } from '@phala/dstack-sdk';
import { toViemAccount, toViemAccountSecure } from '@phala/dstack-sdk/viem';
import { toKeypair, toKeypairSecure } from '@phala/dstack-sdk/solana';
import { verifyMessage } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { Keypair } from '@solana/web3.js';

const key = () => new DstackClient().getKey('/wallet', 'ethereum');
const sources = {
  getTlsKey: () => new DstackClient().getTlsKey(),
  'tappd deriveKey': () => new TappdClient().deriveKey('/', 'test'),
};
const hex = (bytes) => `0x${Buffer.from(bytes).toString('hex')}`;
const digest = (response) => createHash('sha256').update(response.asUint8Array()).digest();

for (const convert of [toViemAccount, toViemAccountSecure]) {
  test(`viem: ${convert.name} of getKey signs messages`, async () => {
    const response = await key();
    const account = convert(response);
    assert.equal(account.address, privateKeyToAccount(hex(response.key)).address);
    const signature = await account.signMessage({ message: 'hello' });
    assert.ok(await verifyMessage({ address: account.address, message: 'hello', signature }));
  });
}

for (const convert of [toKeypair, toKeypairSecure]) {
  test(`solana: ${convert.name} of getKey`, async () => {
    const response = await key();
    assert.equal(convert(response).publicKey.toBase58(), Keypair.fromSeed(response.key).publicKey.toBase58());
  });
}

for (const [name, make] of Object.entries(sources)) {
  test(`viem: accounts of ${name}`, async () => {
    const response = await make();
    assert.equal(toViemAccount(response).address, privateKeyToAccount(hex(response.asUint8Array(32))).address);
    assert.equal(toViemAccountSecure(response).address, privateKeyToAccount(hex(digest(response))).address);
  });

  test(`solana: keypairs of ${name}`, async () => {
    const response = await make();
    const base58 = (seed) => Keypair.fromSeed(seed).publicKey.toBase58();
    assert.equal(toKeypair(response).publicKey.toBase58(), base58(response.asUint8Array(32)));
    assert.equal(toKeypairSecure(response).publicKey.toBase58(), base58(new Uint8Array(digest(response))));
  });
}
