// package: archiver
import { createReadStream, createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { TarArchive, ZipArchive } from "archiver";
import JSZip from "jszip";
import { readFileSync } from "node:fs";
mkdirSync("/tmp/archiver/sub", { recursive: true });
writeFileSync("/tmp/archiver/sub/x.txt", "from disk");
for (const [name, archive] of [
  ["zip", new ZipArchive({ zlib: { level: 9 } })],
  ["tar.gz", new TarArchive({ gzip: true })],
]) {
  archive.append("text ".repeat(100), { name: "a.txt", date: new Date(0) });
  archive.append(createReadStream("/tmp/archiver/sub/x.txt"), { name: "s.txt" });
  archive.directory("/tmp/archiver/sub", "dir");
  const written = pipeline(archive, createWriteStream(`/tmp/out.${name}`));
  await archive.finalize();
  await written;
  console.log(name, readFileSync(`/tmp/out.${name}`).subarray(0, 2));
}
const zip = await JSZip.loadAsync(readFileSync("/tmp/out.zip"));
console.log(Object.keys(zip.files).sort(), await zip.file("dir/x.txt").async("string"));
