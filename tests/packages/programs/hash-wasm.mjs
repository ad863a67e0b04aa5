// package: hash-wasm
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
import { argon2id, bcrypt, blake3, createSHA256, crc32, md5, pbkdf2, sha3, xxhash64 } from "hash-wasm";
console.log(await md5("a"), await sha3("a", 256), await blake3("a"), await crc32("a"), await xxhash64("a"));
const salt = new Uint8Array(16).fill(7);
console.log(
  await argon2id({
    password: "p",
    salt,
    parallelism: 1,
    iterations: 2,
    memorySize: 512,
    hashLength: 32,
    outputType: "hex",
  }),
  await bcrypt({ password: "p", salt, costFactor: 4, outputType: "encoded" }),
);
const sha = await createSHA256();
sha
  .init()
  .update("a")
  .update(new Uint8Array([98]));
console.log(
  sha.digest(),
  await pbkdf2({ password: "p", salt, iterations: 10, hashLength: 16, hashFunction: createSHA256() }),
);
