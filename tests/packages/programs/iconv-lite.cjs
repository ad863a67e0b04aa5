// package: iconv-lite
const iconv = require("iconv-lite");
for (const [encoding, text] of [
  ["win1252", "Grüße €"],
  ["Shift_JIS", "日本語テキスト"],
  ["GB18030", "汉字𠮷"],
  ["EUC-KR", "한국어"],
  ["Big5", "繁體"],
  ["koi8-r", "Привет"],
  ["utf16", "a€"],
  ["utf-7", "ü+"],
  ["UTF-32LE", "😀"],
  ["cp437", "é█"],
]) {
  const bytes = iconv.encode(text, encoding);
  console.log(encoding, bytes.toString("hex"), iconv.decode(bytes, encoding) === text, iconv.encodingExists(encoding));
}
const stream = iconv.decodeStream("utf16le");
stream.on("data", (part) => console.log(part)).on("end", () => console.log("end"));
stream.write(Buffer.from("68006900", "hex").subarray(0, 3));
stream.end(Buffer.from([0]));
console.log(iconv.encode("\u2603x", "ascii").toString(), iconv.decode(Buffer.from("efbbbf61", "hex"), "utf8"));
