// package: tiktoken
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
const { Tiktoken } = require("tiktoken/lite");
const { bpe_ranks, special_tokens, pat_str } = require("tiktoken/encoders/r50k_base.json");
const encoding = new Tiktoken(bpe_ranks, special_tokens, pat_str);
console.log([...encoding.encode("hello world")]);
encoding.free();
