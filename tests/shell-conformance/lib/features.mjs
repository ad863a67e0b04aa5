/**
 * Which extension of bash a script uses, as its text shows: what a failure is put down to when its message does not tell.
 * The first that fits counts, so that what is rare stands before what is in every script.
 */
const FEATURES = [
  ["coproc", /\bcoproc\b/],
  ["select", /^\s*select\b/m],
  ["process substitution", /(^|[\s=(<>])[<>]\(/m],
  ["mapfile", /\b(mapfile|readarray)\b/],
  ["history, completion, key bindings", /\b(compgen|complete|compopt|bind|fc|history)\b/],
  ["pushd, popd, dirs", /\b(pushd|popd|dirs)\b/],
  ["namerefs", /\b(declare|typeset|local)\s+-[a-zA-Z]*n|-nu?\s+ref\b/],
  ["associative arrays", /\b(declare|typeset|local)\s+-[a-zA-Z]*A/],
  ["BASH_REMATCH, =~", /=~/],
  ["${x@Q}", /\$\{[!\w[\]@*]+@[A-Za-z]/],
  ["${x^^}", /\$\{[\w[\]@*]+(\^|,)/],
  ["${!x}", /\$\{!/],
  ["${x[i]}, arrays", /\w+\+?=\(|\$\{#?\w+\[|\bread\s+-\w*a|\b(declare|typeset|local)\s+-[a-zA-Z]*a|^\s*\w+\[[^\]]*\]\+?=/m],
  ["shopt", /\bshopt\b/],
  ["declare", /\b(declare|typeset)\b/],
  ["printf -v, %q, %(fmt)T", /\bprintf\s+(-v|.*%(q|\())/],
  ["read -n -t -d -u -r", /\bread\s+(-\w\s+)*-[a-qs-zA-Z]/],
  ["{fd}<", /\{\w+\}[<>]/],
  ["trap ERR, DEBUG, RETURN", /\b(ERR|DEBUG|RETURN)\b/],
  ["type -t, type -a", /\btype\s+-/],
  ["command, builtin, enable, caller", /\b(builtin|enable|caller|help|disown|suspend|logout)\b/],
  ["jobs, fg, bg, wait -n", /\b(jobs|fg|bg|disown)\b|\bwait\s+-|set -m/],
  ["getopts messages", /\bgetopts\b/],
  ["bash's variables", /\b(RANDOM|SECONDS|EPOCH\w+|BASH\w*|FUNCNAME|PIPESTATUS|SHELLOPTS|UID|EUID|HOSTTYPE|OSTYPE|MACHTYPE|SRANDOM|GROUPS|DIRSTACK|SHLVL)\b/],
  ["extended globs", /[?*+@!]\([^)]*\)/],
  ["brace expansion", /\{[^{}\s]*(,|\.\.)[^{}\s]*\}/],
  ["[[ ]]", /\[\[\s/],
  ["(( ))", /(^|\s|;)\(\(/m],
  ["echo -e", /\becho\s+-\w*[eE]/],
  ["$'…'", /\$'/],
  ["<<<", /<<</],
  ["set -o", /\bset\s+[-+]o/],
  ["$(<f)", /\$\(\s*</],
  ["test, [", /\[ .* \]|\btest\b/],
  ["interactive", /-i\b/],
];

export function featureOf(script) {
  return FEATURES.find(([, pattern]) => pattern.test(script))?.[0];
}

/**
 * What a VM's `bash` is not meant to have: what completion asks of scripts while somebody types, history, key bindings, prompts,
 * what asks somebody at a terminal, help, built-in commands switched off, and what debuggers for bash need.
 */
const LEFT_OUT = new RegExp(
  [
    /\b(bind|history|COMP_\w+|PROMPT_COMMAND|PS[012])\b/,
    /@P\}|\$SH\b.*\s-i\b|--rcfile|\bset -o (emacs|vi|history)\b|\bset -H\b/,
    /\b(extdebug|BASH_ARG[CV]|BASH_XTRACEFD)\b|(^|[;|&]\s*|\$\()\s*(builtin\s+)?(caller|enable|help)\b/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "m",
);

export const isLeftOut = (script) => LEFT_OUT.test(script);
