// `fetch` and `WebSocket` against servers of the same VM.
import { createHash } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import zlib from 'node:zlib';

const listening = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));
const ports = new Set();

const server = http.createServer((request, response) => {
  ports.add(request.socket.remotePort);
  const url = new URL(request.url, 'http://localhost');
  switch (url.pathname) {
    case '/echo': {
      const pieces = [];
      request.on('data', (piece) => pieces.push(piece));
      request.on('end', () => {
        const { 'content-type': type = null, 'content-length': length = null, 'transfer-encoding': coding = null } =
          request.headers;
        const body = Buffer.concat(pieces).toString();
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ method: request.method, type: type?.split(';')[0], length, coding, body }));
      });
      break;
    }
    case '/chunks':
      response.write('one,');
      setTimeout(() => response.write('two,'), 5);
      setTimeout(() => response.end('three'), 10);
      break;
    case '/large':
      response.end(Buffer.alloc(3_000_000, 'x'));
      break;
    case '/redirect':
      response.writeHead(302, { location: '/echo' }).end();
      break;
    case '/loop':
      response.writeHead(302, { location: '/loop' }).end();
      break;
    case '/gzip':
    case '/br':
    case '/deflate': {
      const coding = url.pathname.slice(1);
      const compress = { gzip: zlib.gzipSync, br: zlib.brotliCompressSync, deflate: zlib.deflateSync }[coding];
      response.writeHead(200, { 'content-encoding': coding }).end(compress(`compressed with ${coding}`));
      break;
    }
    case '/status':
      response.writeHead(418, 'short and stout', [['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['x-empty', '']]).end();
      break;
    case '/nothing':
      response.writeHead(204).end();
      break;
    case '/never':
      break;
    case '/broken':
      response.writeHead(200, { 'content-length': 100 });
      response.write('some');
      setTimeout(() => response.destroy(), 5);
      break;
    default:
      response.writeHead(404).end('no such thing');
  }
});
const port = await listening(server);
const base = `http://127.0.0.1:${port}`;

const shown = (error) => [error.name, error.message, error.cause?.code, error.cause?.name, error.cause?.message]
  .map((part) => `${part}`.replaceAll(/:\d{4,5}/g, ':PORT')).join(' | ');
const fails = async (what, promise) => {
  try {
    await promise;
    console.log(what, 'did not fail');
  } catch (error) {
    console.log(what, shown(error));
  }
};

const got = await fetch(`${base}/echo`);
console.log(got.status, got.statusText, got.type, got.ok, got.redirected, await got.json());
console.log(await (await fetch(`${base}/echo`, { method: 'POST', body: 'text' })).json());
console.log(await (await fetch(`${base}/echo`, { method: 'PUT', body: new URLSearchParams({ a: 'b c' }) })).json());
console.log(await (await fetch(`${base}/echo`, { method: 'POST', body: new Uint8Array([65, 66]) })).json());
console.log(await (await fetch(`${base}/echo`, { method: 'POST', body: new Blob(['blob'], { type: 'text/x' }) })).json());
async function* pieces() {
  yield Buffer.from('piece ');
  yield Buffer.from('by piece');
}
console.log(await (await fetch(`${base}/echo`, {
  method: 'POST', body: ReadableStream.from(pieces()), duplex: 'half',
})).json());
const form = new FormData();
form.append('field', 'value');
form.append('file', new File(['content'], 'name.txt', { type: 'text/plain' }));
const sent = await (await fetch(`${base}/echo`, { method: 'POST', body: form })).json();
console.log(sent.type, sent.body.match(/name="[^"]*"/g));

console.log(await (await fetch(`${base}/chunks`)).text());
const seen = [];
for await (const piece of (await fetch(`${base}/chunks`)).body) seen.push(Buffer.from(piece).toString());
console.log(seen.join('').split(','));
console.log((await (await fetch(`${base}/large`)).arrayBuffer()).byteLength);
const reader = (await fetch(`${base}/large`)).body.getReader();
console.log((await reader.read()).done);
await reader.cancel();

const redirected = await fetch(`${base}/redirect`);
console.log(redirected.redirected, new URL(redirected.url).pathname, redirected.status);
const manual = await fetch(`${base}/redirect`, { redirect: 'manual' });
console.log(manual.status, manual.headers.get('location'));
await fails('redirect', fetch(`${base}/redirect`, { redirect: 'error' }));
await fails('loop', fetch(`${base}/loop`));
for (const coding of ['gzip', 'br', 'deflate']) console.log(await (await fetch(`${base}/${coding}`)).text());
const status = await fetch(`${base}/status`);
console.log(status.status, status.statusText, status.headers.getSetCookie(), status.headers.get('x-empty') === '');
console.log((await fetch(`${base}/nothing`)).body);
console.log((await fetch(`${base}/echo`, { method: 'HEAD' })).headers.get('content-type'));
console.log(await (await fetch(`${base}/absent`)).text());

await fails('abort', fetch(`${base}/never`, { signal: AbortSignal.timeout(20) }));
const controller = new AbortController();
const aborted = fetch(`${base}/never`, { signal: controller.signal });
controller.abort(new Error('of my own'));
await fails('reason', aborted);
await fails('broken', fetch(`${base}/broken`).then((response) => response.text()));
const closed = await new Promise((done) => {
  const short = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = short.address();
    short.close(() => done(port));
  });
});
await fails('refused', fetch(`http://127.0.0.1:${closed}/`));
await fails('port', fetch('http://127.0.0.1:1/'));
await fails('scheme', fetch('ftp://localhost/'));
await fails('url', fetch('nonsense'));

const raw = async (text, read = (response) => response.text()) => {
  const plain = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(text));
  });
  const url = `http://127.0.0.1:${await listening(plain)}/`;
  try {
    return await fetch(url).then(read);
  } finally {
    plain.close();
  }
};
console.log(await raw('HTTP/1.0 200 OK\r\n\r\nto the end'));
console.log(await raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\ntrailer: t\r\n\r\n'));
await fails('not HTTP', raw('SSH-2.0-x\r\n\r\n'));
await fails('header', raw('HTTP/1.1 200 OK\r\nbad header\r\n\r\n'));
await fails('chunk', raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'));
await fails('short', raw('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'));
await fails('empty', raw(''));
await fails('large headers', raw(`HTTP/1.1 200 OK\r\n${'x: yyyyyyyyyyyyyyyyyyyy\r\n'.repeat(2000)}\r\n`));

ports.clear();
for (let index = 0; index < 5; index++) await (await fetch(`${base}/echo`)).text();
console.log('connections', ports.size);
console.log((await Promise.all(Array.from({ length: 20 }, () => fetch(`${base}/echo`).then((r) => r.status)))).length);

const request = new Request(base, { method: 'POST', body: 'b', headers: { 'X-Y': 'z' } });
console.log(request.method, request.headers.get('x-y'), await request.clone().text(), request.bodyUsed);
console.log(Response.json({ a: 1 }).headers.get('content-type'), Response.redirect('http://a/b', 301).status);
console.log([...new Headers([['b', '2'], ['A', '1'], ['a', '3']])]);
console.log((await new Response(form).formData()).get('field'));

// A server of WebSocket's frames, as far as it goes.
const frame = (opcode, payload) => {
  const head = payload.length < 126
    ? Buffer.from([0x80 | opcode, payload.length])
    : Buffer.from([0x80 | opcode, 126, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, payload]);
};
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    + `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`);
  socket.write(frame(1, Buffer.from('welcome')));
  let buffered = Buffer.alloc(0);
  socket.on('data', (data) => {
    buffered = Buffer.concat([buffered, data]);
    while (buffered.length >= 6) {
      let [length, at] = [buffered[1] & 127, 2];
      if (length === 126) [length, at] = [buffered.readUInt16BE(2), 4];
      if (buffered.length < at + 4 + length) return;
      const mask = buffered.subarray(at, at + 4);
      const payload = Buffer.from(buffered.subarray(at + 4, at + 4 + length)).map((byte, index) => byte ^ mask[index % 4]);
      const opcode = buffered[0] & 15;
      buffered = buffered.subarray(at + 4 + length);
      socket.write(frame(opcode, payload));
      if (opcode === 8) socket.end();
    }
  });
});
const socket = new WebSocket(`ws://127.0.0.1:${port}/`, ['chat', 'other']);
socket.binaryType = 'arraybuffer';
const messages = [];
await new Promise((done) => {
  socket.onopen = () => {
    console.log('open', socket.protocol, socket.readyState);
    socket.send('text');
    socket.send(new Uint8Array([1, 2, 3]));
    socket.send('l'.repeat(300));
  };
  socket.onmessage = ({ data }) => {
    messages.push(typeof data === 'string' ? data.slice(0, 10) : new Uint8Array(data).join());
    if (messages.length === 4) socket.close(1000, 'enough');
  };
  socket.onclose = ({ code, reason, wasClean }) => {
    console.log('close', code, reason, wasClean);
    done();
  };
});
console.log(messages);
const refused = new WebSocket(`ws://127.0.0.1:${closed}/`);
await new Promise((done) => {
  refused.onerror = (event) => console.log(event.type, event.message);
  refused.onclose = ({ code, wasClean }) => done(console.log('close', code, wasClean));
});
console.log(typeof EventSource);

server.closeAllConnections();
server.close();
