// package: crypto-js
const CryptoJS = require("crypto-js");
const key = CryptoJS.enc.Hex.parse("000102030405060708090a0b0c0d0e0f"),
  iv = CryptoJS.enc.Hex.parse("101112131415161718191a1b1c1d1e1f");
const sealed = CryptoJS.AES.encrypt("message", key, { iv });
console.log(
  String(CryptoJS.MD5("a")),
  String(CryptoJS.SHA3("a", { outputLength: 256 })),
  String(CryptoJS.HmacSHA256("a", "k")),
  sealed.toString(),
  CryptoJS.AES.decrypt(sealed, key, { iv }).toString(CryptoJS.enc.Utf8),
  String(CryptoJS.PBKDF2("p", "s", { keySize: 4, iterations: 10 })),
  CryptoJS.AES.decrypt(CryptoJS.AES.encrypt("x", "pass").toString(), "pass").toString(CryptoJS.enc.Utf8),
);
