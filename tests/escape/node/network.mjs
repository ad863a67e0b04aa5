// class: Node: sockets and names
// rule: a VM has a network of its own; what is outside is denied, by address and by name
// platforms: node
// expects: DENIED connecting to 10.0.0.1: EACCES
// expects: DENIED connecting to 169.254.169.254: EACCES
// expects: DENIED connecting to 192.168.0.1: EACCES
// expects: DENIED connecting to 93.184.216.34: EACCES
// expects: DENIED connecting to fe80::1: EACCES
// expects: DENIED connecting to ::ffff:10.0.0.1: EACCES
// expects: DENIED connecting to 2130706434: EACCES
// expects: DENIED connecting to 0x0a000001: EACCES
// expects: DENIED connecting to what listens on the host: ECONNREFUSED
// expects: DENIED connecting to a name: EACCES
// expects: DENIED connecting to the host's own name: EACCES
// expects: DENIED connecting where a lookup leads: EACCES
// expects: DENIED a socket of the host in a mount: ENXIO
// expects: DENIED a socket of the host: ENOENT
// expects: DENIED an abstract socket: ECONNREFUSED
// expects: DENIED TLS: EACCES
// expects: DENIED HTTP/2: EACCES
// expects: DENIED fetch: EACCES
// expects: DENIED a web socket: an error
// expects: DENIED a datagram: EACCES
// expects: DENIED dns.lookup: EACCES
// expects: DENIED dns.resolve: EACCES
// expects: DENIED dns.reverse: EACCES
// expects: DENIED a server of its own choice: EACCES
// expects: DENIED the host's name servers: 127.0.0.1
import dgram from "node:dgram";
import dns from "node:dns";
import http2 from "node:http2";
import net from "node:net";
import tls from "node:tls";
import { attemptAsync } from "/escape/report.mjs";

const connects = (options) => () => new Promise((done, failed) => { const socket = net.connect(options); socket.on("connect", () => { done(true); socket.destroy(); }).on("error", failed); });
for (const host of ["10.0.0.1", "169.254.169.254", "192.168.0.1", "93.184.216.34", "fe80::1", "::ffff:10.0.0.1", "2130706434", "0x0a000001"]) await attemptAsync(`connecting to ${host}`, connects({ host, port: 80 }));
await attemptAsync("connecting to what listens on the host", connects({ host: "127.0.0.1", port: 22 }));
await attemptAsync("connecting to a name", connects({ host: "example.com", port: 80 }));
await attemptAsync("connecting to the host's own name", connects({ host: process.env.HOST_NAME, port: 80 }));
await attemptAsync("connecting where a lookup leads", connects({ host: "x", port: 80, lookup: (name, options, done) => done(null, options.all ? [{ address: "10.0.0.1", family: 4 }] : "10.0.0.1", 4) }));
await attemptAsync("a socket of the host in a mount", connects({ path: "/m/socket" }));
await attemptAsync("a socket of the host", connects({ path: "/var/run/docker.sock" }));
await attemptAsync("an abstract socket", connects({ path: "\0/tmp/.X11-unix/X0" }));
await attemptAsync("TLS", () => new Promise((done, failed) => tls.connect({ host: "10.0.0.1", port: 443 }).on("secureConnect", () => done(true)).on("error", failed)));
await attemptAsync("HTTP/2", () => new Promise((done, failed) => http2.connect("https://10.0.0.1").on("connect", () => done(true)).on("error", failed)));
await attemptAsync("fetch", async () => { try { await fetch("http://169.254.169.254/latest/"); } catch (error) { throw error.cause; } return true; });
await attemptAsync("a web socket", () => new Promise((done) => { const socket = new WebSocket("ws://10.0.0.1/"); socket.onopen = () => done(true); socket.onerror = () => done("an error"); }));
await attemptAsync("a datagram", () => new Promise((done, failed) => { const socket = dgram.createSocket("udp4"); socket.on("error", failed); socket.send("x", 53, "8.8.8.8", (error) => { socket.close(); if (error) failed(error); else done(true); }); }));
const asks = (ask) => () => new Promise((done, failed) => ask((error) => (error ? failed(error) : done(true))));
await attemptAsync("dns.lookup", asks((done) => dns.lookup("example.com", done)));
await attemptAsync("dns.resolve", asks((done) => dns.resolve("example.com", done)));
await attemptAsync("dns.reverse", asks((done) => dns.reverse("8.8.8.8", done)));
await attemptAsync("a server of its own choice", asks((done) => { const resolver = new dns.Resolver(); resolver.setServers(["8.8.8.8"]); resolver.resolve4("example.com", done); }));
await attemptAsync("the host's name servers", async () => `${dns.getServers()}`);
