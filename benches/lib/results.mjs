/**
 * Results of either client: both have the same shape.
 */

/** The value or the standard output; what did not succeed is not worth measuring. */
export function value(result) {
  if (result.outcome !== "succeeded") {
    throw new Error(`${result.outcome}: ${result.error?.message ?? "no error"}\n${result.stderr ?? ""}`);
  }
  return "value" in result ? result.value : result.stdout;
}
