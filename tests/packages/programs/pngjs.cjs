// package: pngjs
const { PNG } = require("pngjs");
const png = new PNG({ width: 2, height: 2 });
png.data.set([255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 0, 0, 0, 0]);
const bytes = PNG.sync.write(png);
console.log(bytes.length, [...PNG.sync.read(bytes).data]);
png
  .pack()
  .pipe(new PNG({ filterType: 4 }))
  .on("parsed", function parsed() {
    this.adjustGamma();
    console.log(this.width, this.height, this.gamma);
  });
new PNG().parse(Buffer.from("nonsense"), (error) => console.log(error.message));
