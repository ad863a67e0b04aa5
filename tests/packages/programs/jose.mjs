// package: jose
import * as jose from "jose";
const secret = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
const token = await new jose.SignJWT({ a: 1 })
  .setProtectedHeader({ alg: "HS256" })
  .setIssuedAt(1700000000)
  .setIssuer("me")
  .sign(secret);
console.log(token, (await jose.jwtVerify(token, secret, { issuer: "me" })).payload);
for (const alg of ["RS256", "PS256", "ES256", "ES512", "EdDSA"]) {
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  const signed = await new jose.CompactSign(new TextEncoder().encode("text"))
    .setProtectedHeader({ alg })
    .sign(privateKey);
  const key = await jose.importJWK(await jose.exportJWK(publicKey), alg);
  console.log(
    alg,
    new TextDecoder().decode((await jose.compactVerify(signed, key)).payload),
    (await jose.exportPKCS8(privateKey)).split("\n")[0],
  );
}
for (const alg of ["dir", "A256KW", "A256GCMKW", "PBES2-HS256+A128KW"]) {
  const sealed = await new jose.CompactEncrypt(new TextEncoder().encode("hidden"))
    .setProtectedHeader({ alg, enc: alg === "dir" ? "A256GCM" : "A128CBC-HS256" })
    .encrypt(secret);
  console.log(
    alg,
    new TextDecoder().decode((await jose.compactDecrypt(sealed, secret, { keyManagementAlgorithms: [alg] })).plaintext),
  );
}
console.log(await jose.calculateJwkThumbprint({ kty: "oct", k: "c2VjcmV0" }));
await jose.jwtVerify(token, secret, { issuer: "you" }).catch((error) => console.log(error.code, error.claim));
