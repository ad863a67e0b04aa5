import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";

/** Notes in a JSON file, replaced as a whole whenever one is added. */
export class Store {
  #file;

  constructor(file) {
    this.#file = path.resolve(file);
  }

  async all() {
    try {
      return JSON.parse(await readFile(this.#file, "utf8"));
    } catch (error) {
      if (error.code === "ENOENT") return [];
      throw new Error(`${path.basename(this.#file)} cannot be read`, { cause: error });
    }
  }

  async add(note) {
    const notes = await this.all();
    const added = { id: (notes.at(-1)?.id ?? 0) + 1, ...note };
    await mkdir(path.dirname(this.#file), { recursive: true });
    const beside = `${this.#file}.new`;
    await writeFile(beside, `${JSON.stringify([...notes, added], null, 2)}\n`);
    await rename(beside, this.#file);
    return added;
  }
}
