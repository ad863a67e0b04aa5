//! `uname` and `arch`: what the virtual machine says it is. The crates would say what they were compiled for.

use cordon_vm::byte_text::ToText;
use std::ffi::OsString;
use std::io;

use cordon_multicall::machine::parameter;
use cordon_multicall::{options, say};

/// Letters, long names, and what `/proc/sys/kernel` calls it, in the order in which `uname` tells them; what that does not
/// know nobody knows.
const PARTS: &[(char, &str, &str)] = &[
    ('s', "kernel-name", "ostype"),
    ('n', "nodename", "hostname"),
    ('r', "kernel-release", "osrelease"),
    ('v', "kernel-version", "version"),
    ('m', "machine", "arch"),
    ('p', "processor", ""),
    ('i', "hardware-platform", ""),
    ('o', "operating-system", ""),
];

const UNAME: &str = "\
Usage: uname [OPTION]...
Print certain system information.  With no OPTION, same as -s.

  -a, --all                print all information, in the following order,
                             except omit -p and -i if unknown:
  -s, --kernel-name        print the kernel name
  -n, --nodename           print the network node hostname
  -r, --kernel-release     print the kernel release
  -v, --kernel-version     print the kernel version
  -m, --machine            print the machine hardware name
  -p, --processor          print the processor type (non-portable)
  -i, --hardware-platform  print the hardware platform (non-portable)
  -o, --operating-system   print the operating system
      --help        display this help and exit
      --version     output version information and exit";

pub fn uname(args: std::vec::IntoIter<OsString>) -> i32 {
    let longs: Vec<String> = PARTS
        .iter()
        .map(|(letter, long, _)| format!("{long}={letter}"))
        .chain(["all=a", "sysname=s", "release=r"].map(str::to_owned))
        .collect();
    let longs: Vec<&str> = longs.iter().map(String::as_str).collect();
    let parsed = match options::begin("uname", UNAME, args, "asnrvmpio", &longs) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if let Some(extra) = parsed.operands.first() {
        return options::misused("uname", &format!("extra operand '{}'", extra.to_text()));
    }
    let is_all = parsed.has('a');
    let told: Vec<String> = PARTS
        .iter()
        .filter(|(letter, ..)| {
            let is_meant = is_all && !matches!(letter, 'p' | 'i');
            is_meant || parsed.has(*letter) || (parsed.options.is_empty() && *letter == 's')
        })
        .map(|(letter, _, name)| match letter {
            'o' => "GNU/Linux".to_owned(),
            'p' | 'i' => "unknown".to_owned(),
            _ => parameter(name),
        })
        .collect();
    say(&mut io::stdout(), &told.join(" "));
    0
}

pub fn arch(args: std::vec::IntoIter<OsString>) -> i32 {
    let parsed = match options::begin("arch", "Usage: arch [OPTION]...", args, "", &[]) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if let Some(extra) = parsed.operands.first() {
        return options::misused("arch", &format!("extra operand '{}'", extra.to_text()));
    }
    say(&mut io::stdout(), &parameter("arch"));
    0
}
