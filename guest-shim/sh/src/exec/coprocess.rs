//! bash's coprocesses: a command that runs beside the shell, with a pipe to it and one from it. The shell has their other
//! ends at descriptors that no program gets; it tells their numbers in an array, until it has waited for the command.

use std::{
    collections::BTreeMap,
    rc::{Rc, Weak},
};

use crate::{
    exec::jobs::Job,
    state::{Flow, Outcome, Shell},
    syntax::{extent::is_name, tree::Command},
    system::{self, File, Handle},
    variables::{Value, Variable},
};

/// Where the numbers of descriptors begin to count down, as in bash.
const FIRST_DESCRIPTOR: u32 = 63;
/// What a script can name by one digit is left to it.
const LAST_DESCRIPTOR: u32 = 10;

#[derive(Clone)]
pub struct Coprocess {
    name: String,
    job: Rc<Job>,
    /// The descriptors of what it writes and of what it reads, with what was there at first.
    ends: [(u32, Weak<File>); 2],
}

impl Shell {
    /// Starts a command as the coprocess of this name.
    #[inline(never)] // What it keeps is no part of what every level of nesting takes.
    pub fn start_coprocess(&mut self, name: &str, body: &Command) -> Outcome {
        if !is_name(name) {
            self.report(&format!("`{name}': not a valid identifier"));
            return Ok(1);
        }
        self.forget_ended_coprocesses();
        if let Some(other) = self.extras.coprocesses.last() {
            let (id, other) = (other.job.id(), &other.name);
            self.report(&format!("warning: execute_coproc: coproc [{id}:{other}] still exists"));
        }
        let failed = |shell: &Shell, message: &str| {
            shell.report(&format!("coproc: {message}"));
            Flow::Error
        };
        let mut free = (LAST_DESCRIPTOR..=FIRST_DESCRIPTOR).rev();
        let mut unused = || free.find(|number| self.descriptors.get(*number).is_err());
        let (Some(output), Some(input)) = (unused(), unused()) else {
            return Err(failed(self, "too many open files"));
        };
        let pipe = |shell: &Shell| system::pipe().map_err(|errno| failed(shell, system::describe(errno)));
        let (its_input, to_it) = pipe(self)?;
        let (from_it, its_output) = pipe(self)?;
        let mut inner = self.background_environment();
        // Numbers 0 and 1 are always in range.
        let _ = inner.descriptors.set(0, Some(its_input));
        let _ = inner.descriptors.set(1, Some(its_output));
        let children = inner.start_stages(std::slice::from_ref(body));
        if children.is_empty() {
            return Ok(self.error_status());
        }
        let job = self.keep_background(children, format!("coproc {name}"), &inner);
        let ends = [(output, Rc::downgrade(&from_it)), (input, Rc::downgrade(&to_it))];
        // These numbers were looked for.
        let _ = self.descriptors.set_own(output, from_it);
        let _ = self.descriptors.set_own(input, to_it);
        let numbers = [(0, output.to_string()), (1, input.to_string())];
        self.refuse_readonly(name)?;
        *self.variable_mut(name) =
            Variable { value: Some(Value::Indexed(BTreeMap::from(numbers))), ..Variable::default() };
        self.assign(&format!("{name}_PID"), job.id().to_string())?;
        self.extras.coprocesses.push(Coprocess { name: name.to_owned(), job, ends });
        Ok(0)
    }

    /// Closes what the shell has of coprocesses that have ended, and tells of them no more.
    pub fn forget_ended_coprocesses(&mut self) {
        let (ended, running) = std::mem::take(&mut self.extras.coprocesses)
            .into_iter()
            .partition(|coprocess| coprocess.job.poll().is_some());
        self.extras.coprocesses = running;
        let ended: Vec<Coprocess> = ended;
        for Coprocess { name, ends, .. } in ended {
            for (number, was) in ends {
                let is_same = |handle: &Handle| was.upgrade().is_some_and(|was| Rc::ptr_eq(&was, handle));
                if self.descriptors.get(number).is_ok_and(|handle| is_same(&handle)) {
                    // It was set.
                    let _ = self.descriptors.set(number, None);
                }
            }
            let variables = Rc::make_mut(&mut self.variables);
            variables.remove(&name);
            variables.remove(&format!("{name}_PID"));
        }
    }

    /// A copy of this environment has no more to do with them.
    pub fn leave_coprocesses(&mut self) {
        self.extras.coprocesses.clear();
        self.descriptors.close_own();
    }
}
