// Express: a server answers a client of the same process over eight connections that are kept.
const express = require('express');
const { ask, load } = require('./shared/load.cjs');
const app = express();
app.use(express.json());
app.get('/', (_, response) => response.send('hello'));
app.post('/things/:id', (request, response) => response.json({ id: request.params.id, ...request.body }));
const server = app.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const body = JSON.stringify({ name: 'thing', tags: ['a', 'b'] });
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  load(server, (agent, index) => ask({ agent, port, path: `/things/${index}`, method: 'POST', headers }, body));
});
