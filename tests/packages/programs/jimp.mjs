// package: jimp
import { Jimp, intToRGBA, rgbaToInt } from "jimp";
const image = new Jimp({ width: 8, height: 4, color: 0xff0000ff });
image.setPixelColor(rgbaToInt(0, 0, 255, 255), 1, 1);
image.resize({ w: 4, h: 2 }).rotate(90).greyscale();
const png = await image.getBuffer("image/png");
const read = await Jimp.read(png);
console.log(
  read.width,
  read.height,
  intToRGBA(read.getPixelColor(0, 0)),
  png.subarray(1, 4).toString(),
  (await image.getBuffer("image/jpeg", { quality: 50 })).length > 100,
  (await read.clone().blur(1).getBuffer("image/bmp")).length,
);
