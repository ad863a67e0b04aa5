// package: tiktoken
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
const { encoding_for_model, get_encoding } = require("tiktoken");
const encoding = get_encoding("cl100k_base");
const tokens = encoding.encode("hello world, grüße 👋 <|endoftext|>", "all");
console.log(
  tokens,
  new TextDecoder().decode(encoding.decode(tokens)),
  encoding_for_model("gpt-4o").encode("tokenize this").length,
);
encoding.free();
