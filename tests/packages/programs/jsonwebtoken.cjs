// package: jsonwebtoken
const { generateKeyPairSync } = require("node:crypto");
const jwt = require("jsonwebtoken");
const token = jwt.sign({ sub: "ada", iat: 1700000000 }, "secret", { expiresIn: "100y", audience: "x" });
console.log(token, jwt.verify(token, "secret", { audience: "x" }), jwt.decode(token, { complete: true }).header);
for (const kind of [
  ["rsa", { modulusLength: 2048 }, "RS256"],
  ["rsa", { modulusLength: 2048 }, "PS384"],
  ["ec", { namedCurve: "P-256" }, "ES256"],
]) {
  const { privateKey, publicKey } = generateKeyPairSync(kind[0], kind[1]);
  console.log(
    kind[2],
    jwt.verify(
      jwt.sign({ a: 1 }, privateKey, { algorithm: kind[2], noTimestamp: true }),
      publicKey.export({ type: "spki", format: "pem" }),
    ),
  );
}
for (const [text, options] of [
  [jwt.sign({ exp: 1 }, "secret"), {}],
  [token, { audience: "y" }],
  [`${token}x`, {}],
  ["a.b", {}],
]) {
  jwt.verify(text, "secret", options, (error) => console.log(error.name, error.message));
}
