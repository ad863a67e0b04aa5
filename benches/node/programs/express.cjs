// Express: a server answers a client of the same process over eight connections that are kept.
const http = require('node:http');
const express = require('express');
const REQUESTS = 3_000;
const app = express();
app.use(express.json());
app.get('/', (_, response) => response.send('hello'));
app.post('/things/:id', (request, response) => response.json({ id: request.params.id, ...request.body }));
const server = app.listen(0, '127.0.0.1', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const { port } = server.address();
  const body = JSON.stringify({ name: 'thing', tags: ['a', 'b'] });
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  const once = (index) => new Promise((resolve, reject) => {
    const options = { agent, port, path: `/things/${index}`, method: 'POST', headers };
    http.request(options, (response) => response.resume().on('end', resolve)).on('error', reject).end(body);
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
});
