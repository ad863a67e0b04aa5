/**
 * Figures as one table.
 */

const MIB = 1024 * 1024;

/**
 * What each row is called, what it aims at and which side of which measure is in which column. The peer has no mode
 * without its pool, so that its one figure stands in both rows of one-shot evaluation.
 */
const ROWS = [
  { label: "VM: create, evaluate, dispose; warm pool", from: "oneShot", aim: "≤ 1.5 ms (Rust 1.2)" },
  { label: "the same without a pool", from: "oneShot", cordon: "cordonCold", embedded: "embeddedCold", aim: "≤ 3 ms (Rust 2)" },
  { label: "the same, peer without its software", from: "oneShot", peer: "peerBare", aim: "10x" },
  { label: "the first command of a VM, true: 95th percentile", from: "firstTrue", show: "p95", aim: "≤ 3 ms" },
  { label: "evaluate in a live VM", from: "evaluate", aim: "10x" },
  { label: "evaluate in a kept context", from: "evaluateInContext", aim: "10x" },
  { label: "true", from: "true", aim: "≤ 1 ms, 100x" },
  { label: "sh -c 'echo hi'", from: "shellEcho", aim: "≤ 2 ms, 100x" },
  { label: "three stages: seq | sort | head", from: "pipeline", aim: "≤ 5 ms, 100x" },
  { label: "Node program, start to exit: evaluate", from: "programEvaluate" },
  { label: "Node program, start to exit: sh -c true", from: "programCommand" },
  { label: "cordon eval 1", from: "cliEval", aim: "≤ 40 ms" },
  { label: "cordon sh -c true", from: "cliShell" },
];

const MEMORY_ROWS = [
  { label: "idle VM: private memory and page tables; peer: growth per VM", cordon: ({ own }) => own, peer: ({ growth }) => growth, aim: "≤ 1.2 MiB" },
  { label: "idle VM: PSS", cordon: ({ meanPss }) => meanPss, peer: () => undefined },
  { label: "RSS of one VM; peer: RSS / VMs", cordon: ({ rss }) => rss.median, peer: ({ rss }) => rss },
  { label: "all processes of a side / VMs, PSS", cordon: ({ whole }) => whole, peer: ({ whole }) => whole },
];

export function table({ machine, load, measures, memory, density }) {
  const rows = [["median (least - greatest)", "cordon, TypeScript", "cordon, Rust", "secure-exec", "ratio", "aim"]];
  for (const { label, from, aim = "", show = "median", cordon = "cordon", embedded = "embedded", peer = "peer" } of ROWS) {
    const sides = measures[from];
    if (sides === undefined) continue;
    const cells = [cordon, embedded, peer].map((side) => time(sides[side], show));
    rows.push([label, ...cells, ratio(sides[cordon]?.median, sides[peer]?.median), aim]);
  }
  for (const { label, cordon, peer, aim = "" } of memory.unreadable ? [] : MEMORY_ROWS) {
    const [ours, theirs] = [cordon(memory.cordon), memory.peer && peer(memory.peer)];
    rows.push([label, bytes(ours), "", bytes(theirs), ratio(ours, theirs), aim]);
  }
  if (density !== undefined) {
    const { perSecond, idle } = density;
    rows.push(["VMs made, used and disposed of in a second", "", perSecond.toFixed(0), "", "", "≥ 300"]);
    rows.push([`${idle.vms} idle VMs: until all have answered`, "", `${idle.seconds.toFixed(1)} s`, "", "", "≤ 5 s"]);
    rows.push([`${idle.vms} idle VMs: memory of the machine`, "", `${(idle.bytes / MIB).toFixed(0)} MiB`, "", "", "≤ 2 GiB"]);
  }
  const counts = Object.values(measures).flatMap(Object.values).map(({ n }) => n);
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.arch}, ${bytes(machine.memoryBytes)}; Linux ${machine.kernel}; Node ${machine.node}`,
    `${Math.min(...counts)} to ${Math.max(...counts)} samples a figure; load average ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after`,
    memory.unreadable ? `no memory figures: ${memory.unreadable}` : `memory with ${memory.vms} idle VMs`,
    "",
    ...aligned(rows),
  ].join("\n");
}

function time(figure, show) {
  if (figure === undefined) return "";
  const { min, max } = figure;
  return `${milliseconds(figure[show])} ms (${milliseconds(min)} - ${milliseconds(max)})`;
}

function milliseconds(value) {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

function bytes(value) {
  if (value === undefined) return "";
  return value >= 1024 * MIB ? `${(value / MIB / 1024).toFixed(0)} GiB` : `${(value / MIB).toFixed(1)} MiB`;
}

function ratio(ours, theirs) {
  return ours === undefined || theirs === undefined ? "" : `${(theirs / ours).toPrecision(theirs / ours < 100 ? 2 : 3)}x`;
}

/** A table of Markdown whose columns also line up as text. */
function aligned(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const [head, ...body] = rows.map((row) => line(row.map((cell, column) => cell.padEnd(widths[column]))));
  return [head, line(widths.map((width) => "-".repeat(width))), ...body];
}
