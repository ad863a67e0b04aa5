// HTTP: a server answers a client of the same process over eight connections that are kept.
import http from 'node:http';
const REQUESTS = 3_000;
const server = http.createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => { body += piece; }).on('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ url: request.url, length: body.length }));
  });
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
const once = (index) => new Promise((resolve, reject) => {
  const options = { agent, port: server.address().port, path: `/${index}`, method: 'POST' };
  const request = http.request(options, (response) => response.resume().on('end', resolve));
  request.on('error', reject).end('x'.repeat(100));
});
for (let index = 0; index < 200; index++) await once(index);
const begun = performance.now();
let next = 0;
const caller = async () => { while (next < REQUESTS) await once(next++); };
await Promise.all(Array.from({ length: 8 }, caller));
const ms = performance.now() - begun;
agent.destroy();
server.close();
console.log(JSON.stringify({ ms }));
