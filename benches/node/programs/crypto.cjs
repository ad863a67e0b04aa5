// Cryptography: digests, HMACs, AES and signatures of small and of large texts.
const crypto = require('node:crypto');
const begun = performance.now();
const large = Buffer.alloc(1 << 20, 'abc');
for (let round = 0; round < 40; round++) crypto.createHash('sha256').update(large).digest();
for (let round = 0; round < 20_000; round++) crypto.createHmac('sha1', 'key').update(`message ${round}`).digest('hex');
const key = crypto.randomBytes(32);
for (let round = 0; round < 3_000; round++) {
  const cipher = crypto.createCipheriv('aes-256-gcm', key, crypto.randomBytes(12));
  cipher.update('x'.repeat(500));
  cipher.final();
}
const { privateKey, publicKey } = crypto.generateKeyPairSync('ed25519');
for (let round = 0; round < 1_000; round++) {
  if (!crypto.verify(null, Buffer.from('m'), publicKey, crypto.sign(null, Buffer.from('m'), privateKey))) throw new Error();
}
console.log(JSON.stringify({ ms: performance.now() - begun }));
