// package: sharp
// deny: fails with native addons
import sharp from "sharp";
const png = await sharp({ create: { width: 4, height: 2, channels: 3, background: "#ff0000" } })
  .png()
  .toBuffer();
const { width, height, format } = await sharp(png).metadata();
console.log(width, height, format, [...(await sharp(png).resize(1, 1).raw().toBuffer())]);
