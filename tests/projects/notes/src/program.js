import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createReadStream, createWriteStream } from "node:fs";
import { createGzip, gunzipSync } from "node:zlib";

import { Command, InvalidArgumentError, Option } from "commander";

import { Store } from "#store";
import { table } from "./table.js";

const { version, description } = createRequire(import.meta.url)("../package.json");

function wholeNumber(value) {
  const number = Number(value);
  if (!Number.isInteger(number)) throw new InvalidArgumentError("Not a whole number.");
  return number;
}

export const program = new Command("notes")
  .description(description)
  .version(version)
  .addOption(new Option("-f, --file <path>", "where the notes are").default("notes.json").env("NOTES_FILE"))
  .showSuggestionAfterError()
  .configureHelp({ sortSubcommands: true });

const store = () => new Store(program.opts().file);

program
  .command("add")
  .description("add a note; its text is read from standard input if none is given")
  .argument("[words...]", "the text")
  .option("-t, --tag <tag...>", "tags of the note", [])
  .option("-p, --priority <number>", "how much it matters", wholeNumber, 0)
  .action(async (words, { tag, priority }) => {
    const body = words.length > 0 ? words.join(" ") : (await text(process.stdin)).trim();
    if (body === "") program.error("error: a note needs a text", { exitCode: 3, code: "notes.empty" });
    const note = await store().add({ body, tags: tag, priority });
    console.log(`added #${note.id}`);
  });

program
  .command("list")
  .alias("ls")
  .description("show notes")
  .option("-t, --tag <tag>", "only with this tag")
  .addOption(new Option("-o, --output <format>", "how to show them").choices(["table", "json", "console"]).default("table"))
  .action(async ({ tag, output }) => {
    const notes = (await store().all()).filter((note) => tag === undefined || note.tags.includes(tag));
    if (output === "json") console.log(JSON.stringify(notes, null, 2));
    else if (output === "console") console.table(notes, ["id", "body"]);
    else process.stdout.write(table(notes));
  });

program
  .command("export")
  .description("write the notes, compressed, to a file")
  .argument("<target>")
  .action(async (target) => {
    await pipeline(createReadStream(program.opts().file), createGzip({ level: 9 }), createWriteStream(target));
    const back = gunzipSync(await readFile(target));
    await writeFile(`${target}.length`, `${back.length}\n`);
    console.log(`${back.length} bytes exported`);
  });

program
  .command("import")
  .description("add the lines of a file")
  .argument("<source>")
  .action(async (source) => {
    const lines = (await readFile(source, "utf8")).split("\n").filter((line) => line.trim() !== "");
    for (const line of lines) await store().add({ body: line, tags: [], priority: 0 });
    console.log(`imported ${lines.length}`);
  });
