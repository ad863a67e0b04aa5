// package: tweetnacl
const nacl = require("tweetnacl");
const seed = new Uint8Array(32).fill(5),
  nonce = new Uint8Array(24).fill(1);
const keys = nacl.sign.keyPair.fromSeed(seed),
  text = new TextEncoder().encode("text");
console.log(
  Buffer.from(nacl.sign.detached(text, keys.secretKey)).toString("hex"),
  nacl.sign.open(nacl.sign(text, keys.secretKey), keys.publicKey).length,
  Buffer.from(nacl.secretbox(text, nonce, seed)).toString("hex"),
  nacl.randomBytes(4).length,
  Buffer.from(nacl.hash(text)).toString("hex").slice(0, 16),
);
