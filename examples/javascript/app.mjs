// What an app asks of dstack: quotes that answer a nonce, a key of its own, a TLS key.
//
//   GET /quote?nonce=TEXT  a quote whose report data is the nonce, with its event log
//   GET /key               the public half of the secp256k1 key at the path "example"
//   GET /certificate       the chain of the TLS key, which HTTPS on port 8443 uses
import http from 'node:http';
import https from 'node:https';
import { DstackClient } from '@phala/dstack-sdk';
import { secp256k1 } from '@noble/curves/secp256k1';

const client = new DstackClient();
const tls = await client.getTlsKey({
  subject: 'example',
  altNames: ['localhost', '127.0.0.1'],
  usageRaTls: true,
});
const chain = tls.certificate_chain.join('');

async function quote(nonce) {
  const { quote, event_log, report_data, vm_config } = await client.getQuote(nonce);
  return { quote, event_log, report_data, vm_config };
}

async function publicKey() {
  const { key } = await client.getKey('example');
  const point = Buffer.from(secp256k1.getPublicKey(key, true));
  return { path: 'example', algorithm: 'secp256k1', public_key: point.toString('hex') };
}

async function route(url) {
  if (url.pathname === '/quote') {
    const nonce = url.searchParams.get('nonce') ?? '';
    const size = Buffer.byteLength(nonce);
    if (size < 1 || size > 64) return [400, 'text/plain', 'nonce: 1 to 64 bytes\n'];
    return [200, 'application/json', JSON.stringify(await quote(nonce))];
  }
  if (url.pathname === '/key') return [200, 'application/json', JSON.stringify(await publicKey())];
  if (url.pathname === '/certificate') return [200, 'application/x-pem-file', chain];
  return [404, 'text/plain', 'see /quote?nonce=TEXT, /key and /certificate\n'];
}

async function handle(request, response) {
  let answer;
  try {
    answer = await route(new URL(request.url, 'http://app'));
  } catch (error) {
    console.error(error);
    answer = [500, 'text/plain', 'the guest did not answer\n'];
  }
  const [status, kind, body] = answer;
  response.writeHead(status, { 'Content-Type': kind, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

http.createServer(handle).listen(8080);
https.createServer({ key: tls.key, cert: chain }, handle).listen(8443);
console.log('serving on 8080 and 8443');
