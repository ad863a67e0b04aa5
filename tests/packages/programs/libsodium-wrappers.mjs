// package: libsodium-wrappers
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
import sodium from "libsodium-wrappers";
await sodium.ready;
const key = new Uint8Array(32).fill(1),
  nonce = new Uint8Array(24).fill(2);
const sealed = sodium.crypto_secretbox_easy("message", nonce, key);
console.log(sodium.to_hex(sealed), sodium.to_string(sodium.crypto_secretbox_open_easy(sealed, nonce, key)));
const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(key);
const signature = sodium.crypto_sign_detached("text", privateKey);
console.log(
  sodium.to_base64(signature),
  sodium.crypto_sign_verify_detached(signature, "text", publicKey),
  sodium.to_hex(sodium.crypto_generichash(16, "x")),
  sodium.randombytes_buf(8).length,
);
const box = sodium.crypto_box_seed_keypair(key);
console.log(
  sodium.to_string(
    sodium.crypto_box_seal_open(sodium.crypto_box_seal("sealed", box.publicKey), box.publicKey, box.privateKey),
  ),
);
try {
  sodium.crypto_secretbox_open_easy(sealed, nonce, new Uint8Array(32));
} catch (error) {
  console.log(error.message);
}
