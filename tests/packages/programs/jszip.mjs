// package: jszip
import JSZip from "jszip";
const zip = new JSZip();
zip
  .file("a.txt", "hello ".repeat(50), { date: new Date(0) })
  .folder("dir")
  .file("b.bin", new Uint8Array([1, 2, 3]), { date: new Date(0) });
const buffer = await zip.generateAsync({
  type: "nodebuffer",
  compression: "DEFLATE",
  compressionOptions: { level: 9 },
});
const loaded = await JSZip.loadAsync(buffer, { checkCRC32: true });
console.log(
  buffer.length,
  Object.keys(loaded.files),
  (await loaded.file("a.txt").async("string")).length,
  await loaded.file("dir/b.bin").async("array"),
);
loaded
  .generateNodeStream({ streamFiles: true })
  .resume()
  .on("end", () => console.log("streamed"));
await JSZip.loadAsync("nonsense").catch((error) => console.log(error.message.split(":")[0]));
