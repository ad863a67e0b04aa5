//! `shopt`: the options of bash that `set` does not know.

use super::{misuse, print_text};
use crate::{
    bash::Extras,
    state::{Outcome, Shell},
    syntax::dialect,
};

/// Options that are always on, or always off, because what they change does not come up here.
const FIXED: [(&str, bool); 38] = [
    ("assoc_expand_once", false),
    ("autocd", false),
    ("cdable_vars", false),
    ("cdspell", false),
    ("checkhash", false),
    ("checkjobs", false),
    ("checkwinsize", true),
    ("cmdhist", true),
    ("compat31", false),
    ("compat32", false),
    ("compat40", false),
    ("compat41", false),
    ("compat42", false),
    ("compat43", false),
    ("compat44", false),
    ("complete_fullquote", true),
    ("direxpand", false),
    ("dirspell", false),
    ("execfail", false),
    ("extdebug", false),
    ("extquote", true),
    ("force_fignore", true),
    ("globasciiranges", true),
    ("globskipdots", true),
    ("gnu_errfmt", false),
    ("histappend", false),
    ("hostcomplete", true),
    ("huponexit", false),
    ("interactive_comments", true),
    ("lithist", false),
    ("localvar_inherit", false),
    ("localvar_unset", false),
    ("login_shell", false),
    ("mailwarn", false),
    ("patsub_replacement", false),
    ("progcomp", true),
    ("promptvars", true),
    ("sourcepath", true),
];

/// Those that change something.
fn table(extras: &mut Extras) -> [(&'static str, &mut bool); 11] {
    let patterns = &mut extras.patterns;
    [
        ("dotglob", &mut patterns.dotglob),
        ("expand_aliases", &mut extras.expands_aliases),
        ("extglob", &mut patterns.extglob),
        ("failglob", &mut patterns.failglob),
        ("globstar", &mut patterns.globstar),
        ("inherit_errexit", &mut extras.inherit_errexit),
        ("lastpipe", &mut extras.last_pipe),
        ("nocaseglob", &mut patterns.nocaseglob),
        ("nocasematch", &mut patterns.nocasematch),
        ("nullglob", &mut patterns.nullglob),
        ("xpg_echo", &mut extras.echo_escapes),
    ]
}

impl Shell {
    fn shopt(&self, name: &str) -> Option<bool> {
        let mut extras = self.extras.clone();
        let own = table(&mut extras).into_iter().find(|(known, _)| *known == name).map(|(_, on)| *on);
        own.or_else(|| FIXED.iter().find(|(known, _)| *known == name).map(|(_, on)| *on))
    }

    /// Sets an option. None if there is no such option, false if it can't be changed.
    pub fn set_shopt(&mut self, name: &str, on: bool) -> Option<bool> {
        let own = table(&mut self.extras).into_iter().find(|(known, _)| *known == name);
        if own.map(|(_, value)| *value = on).is_some() {
            dialect::set_extended_patterns(self.extras.patterns.extglob);
            return Some(true);
        }
        FIXED.iter().find(|(known, _)| *known == name).map(|(_, fixed)| *fixed == on)
    }

    /// The names of all options, sorted.
    pub fn shopts(&self) -> Vec<(&'static str, bool)> {
        let mut extras = self.extras.clone();
        let own = table(&mut extras).map(|(name, on)| (name, *on));
        let mut all: Vec<_> = own.into_iter().chain(FIXED).collect();
        all.sort_unstable();
        all
    }

    /// Those that are on, as `BASHOPTS` has them.
    pub fn shopt_names(&self) -> String {
        let on = self.shopts().into_iter().filter(|(_, on)| *on).map(|(name, _)| name);
        on.collect::<Vec<_>>().join(":")
    }
}

pub fn shopt(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let (mut set, mut quiet, mut readable, mut options) = (None, false, true, false);
    let mut words = &arguments[1..];
    while let Some((word, rest)) = words.split_first()
        && let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty())
    {
        words = rest;
        if letters == "-" {
            break;
        }
        for letter in letters.chars() {
            match letter {
                's' => set = Some(true),
                'u' => set = Some(false),
                'q' => quiet = true,
                'p' => readable = false,
                'o' => options = true,
                other => return Ok(misuse(shell, "shopt", &format!("-{other}: invalid option"))),
            }
        }
    }
    let line = |name: &str, on: bool| match readable {
        true => format!("{name:<15}\t{}\n", if on { "on" } else { "off" }),
        false if options => format!("set {}o {name}\n", if on { '-' } else { '+' }),
        false => format!("shopt -{} {name}\n", if on { 's' } else { 'u' }),
    };
    if words.is_empty() {
        let all: Vec<(&str, bool)> = if options {
            let mut known = shell.options;
            known.table().into_iter().map(|(name, _, on)| (name, *on)).collect()
        } else {
            shell.shopts()
        };
        let wanted = all.into_iter().filter(|(_, on)| set.is_none_or(|set| set == *on));
        let listing: String = wanted.map(|(name, on)| line(name, on)).collect();
        return print_text(shell, "shopt", &listing);
    }
    let mut status = 0;
    let mut listing = String::new();
    for name in words {
        if options {
            let mut known = shell.options;
            let on = known.table().into_iter().find(|(known, _, _)| known == name).map(|(_, _, on)| *on);
            match (set, on) {
                (Some(set), _) if shell.options.set_name(name, set) => {}
                (None, Some(on)) => {
                    listing.push_str(&line(name, on));
                    status |= i32::from(!on);
                }
                _ => {
                    shell.report(&format!("shopt: {name}: invalid option name"));
                    status = 1;
                }
            }
            continue;
        }
        match (set, shell.shopt(name)) {
            (_, None) => {
                shell.report(&format!("shopt: {name}: invalid shell option name"));
                status = 1;
            }
            (None, Some(on)) => {
                listing.push_str(&line(name, on));
                status |= i32::from(!on);
            }
            (Some(set), Some(_)) => {
                if shell.set_shopt(name, set) == Some(false) {
                    shell.report(&format!("shopt: {name}: this option cannot be changed"));
                    status = 1;
                }
            }
        }
    }
    if !quiet {
        print_text(shell, "shopt", &listing)?;
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Descriptors;

    #[test]
    fn every_option_is_there_once() {
        let shell = Shell::new("bash", Descriptors::default());
        let names: Vec<_> = shell.shopts().into_iter().map(|(name, _)| name).collect();
        assert!(names.is_sorted_by(|one, next| one < next));
        assert_eq!(shell.shopt("nullglob"), Some(false));
        assert_eq!(shell.shopt("no_such"), None);
    }
}
