// package: @noble/hashes
import { blake2b } from "@noble/hashes/blake2.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
const bytes = utf8ToBytes("a");
console.log(
  [
    sha256(bytes),
    keccak_256(bytes),
    blake2b(bytes, { dkLen: 16 }),
    hkdf(sha256, bytes, bytes, bytes, 16),
    scrypt("p", "s", { N: 16, r: 8, p: 1, dkLen: 16 }),
  ].map(bytesToHex),
  bytesToHex(sha256.create().update(bytes).digest()).slice(0, 8),
);
