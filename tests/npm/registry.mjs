// A small npm registry for tests: packuments and archives of a few packages, made here, on a port of this machine's
// loopback. Says its port on standard output, and ends with its standard input.
//
// GET /-/requests  how often each path was asked for: { "/words": 1, ... }

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const DAY = 24 * 60 * 60 * 1000;

/** Each with its files, and how many days ago it was published. */
const PACKAGES = [
  {
    manifest: { name: "greeter", version: "1.0.0", dependencies: { words: "^1.0.0" }, bin: { greet: "greet.js" } },
    files: {
      "index.js": "module.exports = (name) => `${require('words').hello} ${name}`;\n",
      "greet.js": "#!/usr/bin/env node\nconsole.log(require('./index.js')(process.argv[2]));\n",
    },
    age: 100,
  },
  { manifest: { name: "words", version: "1.0.0" }, files: { "index.js": "exports.hello = 'hello';\n" }, age: 100 },
  { manifest: { name: "words", version: "1.1.0" }, files: { "index.js": "exports.hello = 'good day';\n" }, age: 1 },
  {
    manifest: { name: "scripted", version: "1.0.0", scripts: { postinstall: "echo ran > /tmp/postinstall" } },
    files: { "index.js": "" },
    age: 100,
  },
  { manifest: { name: "tool", version: "1.0.0" }, files: { "index.js": "" }, age: 100 },
  // Its archive is not the one that its digest is of.
  { manifest: { name: "swapped", version: "1.0.0" }, files: { "index.js": "" }, age: 100, digestOf: "other" },
];

const archives = new Map();
const packuments = new Map();
const requests = {};

function pack(manifest, files) {
  const folder = mkdtempSync(join(tmpdir(), "cordon-registry-"));
  try {
    mkdirSync(join(folder, "package"));
    const all = { ...files, "package.json": JSON.stringify(manifest) };
    for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, "package", name), text);
    return execFileSync("tar", ["-czf", "-", "--mtime=@0", "-C", folder, "package"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url, "http://registry").pathname);
  if (path === "/-/requests") {
    response.end(JSON.stringify(requests));
    return;
  }
  requests[path] = (requests[path] ?? 0) + 1;
  const body = archives.get(path) ?? packuments.get(path.slice(1));
  if (request.method !== "GET" || body === undefined) {
    response.writeHead(404, { "content-type": "application/json" }).end('{"error":"not found"}');
    return;
  }
  response.writeHead(200, { "content-type": archives.has(path) ? "application/octet-stream" : "application/json" });
  response.end(body);
});

server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const all = {};
  for (const { manifest, files, age, digestOf } of PACKAGES) {
    const { name, version, scripts } = manifest;
    const path = `/${name}/-/${name}-${version}.tgz`;
    const archive = pack(manifest, files);
    archives.set(path, archive);
    const digest = createHash("sha512").update(digestOf ?? archive).digest("base64");
    const packument = (all[name] ??= { name, "dist-tags": {}, versions: {}, time: {} });
    packument["dist-tags"].latest = version;
    packument.time[version] = new Date(Date.now() - age * DAY).toISOString();
    packument.versions[version] = {
      ...manifest,
      ...(scripts === undefined ? {} : { hasInstallScript: true }),
      dist: { tarball: `http://127.0.0.1:${port}${path}`, integrity: `sha512-${digest}` },
    };
  }
  for (const [name, packument] of Object.entries(all)) packuments.set(name, JSON.stringify(packument));
  console.log(port);
});
process.stdin.on("end", () => process.exit()).resume();
