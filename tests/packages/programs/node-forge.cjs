// package: node-forge
const forge = require("node-forge");
const md = forge.md.sha256.create().update("a");
const keys = forge.pki.rsa.generateKeyPair({ bits: 1024, e: 0x10001 });
const certificate = forge.pki.createCertificate();
certificate.publicKey = keys.publicKey;
certificate.serialNumber = "01";
certificate.setSubject([{ name: "commonName", value: "x" }]);
certificate.setIssuer([{ name: "commonName", value: "x" }]);
certificate.sign(keys.privateKey, forge.md.sha256.create());
console.log(
  md.digest().toHex(),
  keys.publicKey.verify(md.digest().bytes(), keys.privateKey.sign(md)),
  forge.pki.certificateFromPem(forge.pki.certificateToPem(certificate)).subject.getField("CN").value,
  certificate.verify(certificate),
);
const cipher = forge.cipher.createCipher("AES-GCM", "0123456789abcdef");
cipher.start({ iv: "012345678901" });
cipher.update(forge.util.createBuffer("text"));
cipher.finish();
console.log(cipher.output.toHex(), cipher.mode.tag.toHex(), forge.util.encode64(forge.pkcs5.pbkdf2("p", "s", 10, 16)));
