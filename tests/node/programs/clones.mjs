// Objects of native code that messages copy, within a thread and to another.
import { X509Certificate, createSecretKey } from "node:crypto";
import { BlockList, SocketAddress } from "node:net";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { rootCertificates } from "node:tls";

const { subtle } = globalThis.crypto;
if (isMainThread) {
  const cipher = await subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"]);
  const copy = structuredClone({ cipher }).cipher;
  console.log(copy, copy instanceof CryptoKey, copy !== cipher);
  console.log(Buffer.from(await subtle.exportKey("raw", copy)).equals(Buffer.from(await subtle.exportKey("raw", cipher))));
  const pair = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  console.log(structuredClone(pair));
  console.log(structuredClone(createSecretKey(Buffer.from("secret"))).export().toString());
  const list = new BlockList();
  list.addSubnet("10.0.0.0", 8);
  console.log(structuredClone(list).check("10.1.2.3"), structuredClone(new SocketAddress({ port: 3 })).port);
  for (const value of [() => {}, Symbol("s"), new WeakMap(), new Proxy({}, {}), new Response("text")]) {
    try {
      console.log(structuredClone(value));
    } catch (error) {
      console.log(error.name, error.code);
    }
  }
  const certificate = new X509Certificate(rootCertificates[0]);
  const worker = new Worker(new URL(import.meta.url), { workerData: { pair, certificate } });
  worker.on("message", (signature) => {
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    subtle.verify(algorithm, pair.publicKey, signature, Buffer.from("text")).then(console.log);
  });
} else {
  const { pair, certificate } = workerData;
  console.log(certificate instanceof X509Certificate, certificate.subject);
  parentPort.postMessage(await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, Buffer.from("text")));
}
