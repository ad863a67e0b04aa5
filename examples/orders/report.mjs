// Parses a CSV file with an unmodified npm package, and lets the VM's shell and coreutils rank what it found.
// The folder that this file is in is all of the host that it sees, and it can only read it.
import Papa from "papaparse";
import { memoryFile } from "cordon:vm/descriptors";
import { readFile, writeFile } from "cordon:vm/filesystem";
import { environment, spawn } from "cordon:vm/process";

const text = new TextDecoder().decode(readFile(new URL("orders.csv", import.meta.url).pathname));
const { data: orders, errors } = Papa.parse(text, { header: true, dynamicTyping: true, skipEmptyLines: true });
if (errors.length > 0) throw new Error(`orders.csv: ${errors[0].message} in row ${errors[0].row}`);

const revenue = new Map();
for (const { item, quantity, price } of orders) revenue.set(item, (revenue.get(item) ?? 0) + quantity * price);
const lines = [...revenue].map(([item, sum]) => `${sum.toFixed(2)}\t${item}\n`).join("");

writeFile("/tmp/revenue.tsv", lines);
const output = memoryFile();
using child = spawn({
  program: "sh",
  arguments: ["sh", "-c", "sort -rn /tmp/revenue.tsv | head -n 3 | tee /tmp/top.tsv | cut -f 2"],
  environment: environment(),
  descriptors: [[1, output]],
});
const status = await child.wait();
if (status.tag !== "exited" || status.val !== 0) throw new Error(`sh: ${JSON.stringify(status)}`);
output.seek(0, "start");
const best = new TextDecoder().decode(await output.read(4096)).trim().split("\n");

console.log(`${orders.length} orders; best sellers by revenue:`);
console.table(best.map((item) => ({ item, revenue: revenue.get(item).toFixed(2) })));

try {
  writeFile(new URL("stolen.txt", import.meta.url).pathname, "x");
} catch (error) {
  console.log(`writing beside the script: ${error.code}`);
}
