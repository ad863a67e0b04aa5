// package: qrcode
const QRCode = require("qrcode");
(async () => {
  console.log(
    await QRCode.toString("hello", { type: "utf8", errorCorrectionLevel: "H" }),
    (await QRCode.toString("x", { type: "svg" })).length,
    QRCode.create("123").version,
  );
  console.log(
    (await QRCode.toDataURL("https://example.com", { margin: 1 })).slice(0, 60),
    (await QRCode.toBuffer("png")).length,
  );
})();
