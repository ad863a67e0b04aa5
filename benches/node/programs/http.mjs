// HTTP: a server answers a client of the same process over eight connections that are kept.
import http from 'node:http';
import { ask, load } from './shared/load.cjs';
const server = http.createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => { body += piece; }).on('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ url: request.url, length: body.length }));
  });
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const { port } = server.address();
await load(server, (agent, index) => ask({ agent, port, path: `/${index}`, method: 'POST' }, 'x'.repeat(100)));
