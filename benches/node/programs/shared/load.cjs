// How a server is loaded: eight connections that are kept ask for one thing after another.
const http = require('node:http');
const REQUESTS = 3_000;

/** Tells how long the requests take that `once(agent, index)` makes, and closes the server. */
exports.load = async (server, once) => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  for (let index = 0; index < 200; index++) await once(agent, index);
  const begun = performance.now();
  let next = 0;
  const caller = async () => { while (next < REQUESTS) await once(agent, next++); };
  await Promise.all(Array.from({ length: 8 }, caller));
  const ms = performance.now() - begun;
  agent.destroy();
  server.close();
  console.log(JSON.stringify({ ms }));
};

/** One request, and its answer to the end. */
exports.ask = (options, body) => new Promise((resolve, reject) => {
  http.request(options, (response) => response.resume().on('end', resolve)).on('error', reject).end(body);
});
