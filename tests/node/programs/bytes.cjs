// Names of files that are no Unicode: what is told of them, and what can be done with them.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'names-'));
const within = (...bytes) => Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(bytes)]);
const name = within(0x61, 0xff, 0x62);
fs.writeFileSync(name, 'one');
fs.mkdirSync(within(0x64, 0xc3));
fs.writeFileSync(within(0x64, 0xc3, 0x2f, 0xfe), 'two');
fs.symlinkSync(Buffer.from([0x61, 0xff, 0x62]), within(0x6c));
console.log(fs.readFileSync(name, 'utf8'), fs.statSync(name).size, fs.readFileSync(within(0x6c), 'utf8'));
console.log(fs.readdirSync(directory), fs.readdirSync(directory, 'buffer'), fs.readdirSync(directory, 'latin1'));
console.log(fs.readdirSync(directory, { encoding: 'hex' }));
console.log(fs.readlinkSync(within(0x6c)), fs.readlinkSync(within(0x6c), 'buffer'));
console.log(fs.readFileSync(within(0x64, 0xc3, 0x2f, 0xfe), 'utf8'));
const [told] = fs.readdirSync(directory).filter((entry) => entry.startsWith('a'));
console.log(told === 'a\ufffdb', fs.existsSync(path.join(directory, told)));
console.log(fs.readdirSync(Buffer.from(directory), { encoding: 'buffer', withFileTypes: true }).map((entry) => [entry.name, entry.isFile()]));
fs.renameSync(name, within(0x61, 0xfd));
fs.copyFileSync(within(0x61, 0xfd), within(0xfc));
console.log(fs.realpathSync.native(within(0xfc), 'buffer').subarray(-1));
console.log(execFileSync('sh', ['-c', `cd ${directory}; v="$(printf 'q\\377')"; export v; cat "$(printf 'a\\375')"; node -p 'process.env.v'; node -p 'process.argv[1]' "$v"`], { encoding: 'utf8' }));
for (const missing of [() => fs.readFileSync(within(0x7a, 0xff)), () => fs.renameSync(within(0x7a, 0xff), within(0xfe))]) {
  try {
    missing();
  } catch (error) {
    console.log(error.message.replaceAll(directory, ''), error.path.slice(-1), error.dest?.slice(-1));
  }
}
fs.rmSync(within(0xfc));
fs.rmSync(within(0x64, 0xc3), { recursive: true });
console.log(fs.readdirSync(directory, 'buffer'));
fs.rmSync(directory, { recursive: true });
