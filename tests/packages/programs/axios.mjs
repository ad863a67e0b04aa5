// package: axios
import http from "node:http";
import axios from "axios";
const server = http.createServer((request, response) => {
  let body = "";
  request
    .on("data", (part) => {
      body += part;
    })
    .on("end", () => {
      if (request.url === "/moved") return response.writeHead(302, { location: "/there" }).end();
      response.writeHead(request.url === "/bad" ? 400 : 200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({
          method: request.method,
          url: request.url,
          body,
          type: request.headers["content-type"],
          x: request.headers["x-a"],
        }),
      );
    });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const api = axios.create({ baseURL: `http://127.0.0.1:${server.address().port}`, headers: { "x-a": "1" } });
api.interceptors.response.use((response) => ({ ...response, seen: true }));
console.log((await api.get("/a", { params: { q: "x y", list: [1, 2] } })).data, (await api.post("/p", { n: 1 })).data);
console.log((await api.post("/f", new URLSearchParams({ k: "v" }))).data, (await api.get("/moved")).data.url);
await api
  .get("/bad")
  .catch((error) => console.log(error.name, error.code, error.response.status, axios.isAxiosError(error)));
const controller = new AbortController();
controller.abort();
await api.get("/a", { signal: controller.signal }).catch((error) => console.log(error.code));
console.log(
  (await api.get("/s", { responseType: "stream" })).data.constructor.name.length > 0,
  (await Promise.all([1, 2, 3].map((n) => api.put(`/${n}`)))).map((r) => r.data.url),
);
server.close();
server.closeAllConnections();
