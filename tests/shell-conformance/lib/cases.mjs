/**
 * What a case is, whatever suite it comes from.
 *
 * Bytes are strings of one character for each byte ("latin1") wherever they come from files or go to them, so that a case
 * can be kept as JSON; arguments and environment are ordinary text.
 *
 * A case:
 *   suite, name   where it comes from: `name` is the file and what the suite calls it
 *   args          what the shell is called with
 *   stdin         bytes of standard input
 *   files         [{ path, data } | { path, link } | { path, directory: true }], each with `mode` if it is a special one
 *   env           what is set besides what every case has
 *   expect        what the suite accepts: [{ shells?, stdout?, status?, stderr? }]; empty where bash's answer is the expected one
 *   loose         whether white space in standard output does not count
 *
 * An expectation holds for the shells it names, or for all. `status` is a number, or "failure" for any but 0; `stderr` is
 * "some" or "none". What it leaves out does not count.
 */

/** The bytes of a text. */
export const bytesOf = (text) => Buffer.from(text, "utf8").toString("latin1");
/** The text of bytes. */
export const textOf = (bytes) => Buffer.from(bytes, "latin1").toString("utf8");

const words = (text) => text.split(/\s+/).filter(Boolean).join(" ");

/** Whether a result is what an expectation says. */
export function meets(result, expectation, loose = false) {
  if (result.hung || result.broken) return false;
  const { stdout, status, stderr } = expectation;
  if (stdout !== undefined && (loose ? words(stdout) !== words(result.stdout) : stdout !== result.stdout)) return false;
  if (status === "failure" && result.status === 0) return false;
  if (typeof status === "number" && status !== result.status) return false;
  if (stderr === "some" && result.stderr === "") return false;
  if (stderr === "none" && result.stderr !== "") return false;
  return true;
}

const holdsFor = (expectation, shells) =>
  expectation.shells === undefined || expectation.shells.some((shell) => shells.includes(shell));

/** Whether one of the things that a suite accepts of these shells is the result. */
const accepted = (test, result, shells) =>
  test.expect.some((expectation) => holdsFor(expectation, shells) && meets(result, expectation, test.loose));

/** Which part a case belongs to, from what the shells on this machine do: "both", "bash" or neither. */
export function partOf(test, { dash, bash }) {
  if (bash.hung || bash.unstable) return undefined;
  const inBash = test.expect.length === 0 || accepted(test, bash, ["bash"]);
  if (!inBash) return undefined;
  const inDash = test.expect.length === 0 ? meets(dash, sameAs(bash), test.loose) : accepted(test, dash, ["dash"]);
  return inDash ? "both" : "bash";
}

const sameAs = ({ stdout, status }) => ({ stdout, status });

/** Whether the VM's result passes a case of a part. */
export function passes(test, part, result, { bash }) {
  if (test.expect.length === 0) return meets(result, sameAs(bash), test.loose);
  return accepted(test, result, part === "both" ? ["bash", "dash"] : ["bash"]);
}
