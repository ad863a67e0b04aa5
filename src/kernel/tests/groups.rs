//! Who belongs together: call scopes, sessions and process groups.

use super::processes::{fresh, request};
use super::*;

fn spawn(kernel: &Kernel, parent: &Process, grouping: Grouping) -> Arc<Process> {
    kernel.spawn(parent, SpawnRequest { grouping, ..request("sh", &[]) }).unwrap()
}

/// A child that runs no program yet.
fn fork(kernel: &Kernel, parent: &Process) -> Arc<Process> {
    kernel.create_process(Some(parent.pid()), vec!["fork".into()], Vec::new(), "/", Vec::new()).unwrap()
}

fn place(process: &Process) -> (Pid, Pid) {
    (process.session(), process.group())
}

#[test]
fn a_scope_ends_with_everything_in_it_whatever_sessions_and_parents_there_were() {
    let (kernel, p) = fresh();
    let middle = kernel.spawn(&p, request("sh", &[])).unwrap();
    let orphan = spawn(&kernel, &middle, Grouping::NewGroup);
    let session = spawn(&kernel, &middle, Grouping::NewSession);
    let below = kernel.spawn(&session, request("true", &[])).unwrap();
    below.detach();
    middle.exit(ExitStatus::Exited(0));
    let other = start(&kernel, "/");
    kernel.end_scope(p.scope());
    for process in [&p, &orphan, &session, &below] {
        assert_eq!(process.killed(), Some(Signal::Kill));
    }
    assert_eq!((other.killed(), other.scope().has_ended()), (None, false));
}

#[test]
fn nothing_begins_in_a_scope_that_has_ended() {
    let (kernel, p) = fresh();
    let child = fork(&kernel, &p);
    kernel.end_scope(p.scope());
    assert_eq!(kernel.spawn(&child, request("true", &[])).err(), Some(Errno::Eintr));
    let begun = kernel.create_process(Some(child.pid()), vec![], vec![], "/", vec![]);
    assert_eq!(begun.err(), Some(Errno::Eintr), "who was about to start something does not get away with it");
}

/// Ends the scope of whoever starts a program while that is being decided, and keeps what is started all the same.
#[derive(Default)]
struct EndsTheScope(std::sync::OnceLock<std::sync::Weak<Kernel>>, parking_lot::Mutex<Vec<Arc<Process>>>);

impl Executor for EndsTheScope {
    fn permits(&self, parent: &Process, name: &str) -> bool {
        if name == "early" {
            self.0.get().and_then(std::sync::Weak::upgrade).unwrap().end_scope(parent.scope());
        }
        true
    }

    fn start(&self, process: Arc<Process>, program: Program) -> Result<(), Errno> {
        if &*program.module == "late" {
            self.0.get().and_then(std::sync::Weak::upgrade).unwrap().end_scope(process.scope());
        }
        self.1.lock().push(process);
        Ok(())
    }
}

#[test]
fn a_spawn_and_the_end_of_its_call_never_cross() {
    let (kernel, _) = fresh();
    let (engine, executor) = (Engine("ending"), Arc::new(EndsTheScope::default()));
    executor.0.set(Arc::downgrade(&kernel)).unwrap();
    kernel.add_executor(engine, executor.clone());
    for name in ["early", "late", "never"] {
        kernel.install_program(&format!("/bin/{name}"), Program::new(engine, name)).unwrap();
    }
    // The call ends after its process was looked at and before the child is entered: there is no child.
    let p = start(&kernel, "/");
    assert_eq!(kernel.spawn(&p, request("early", &[])).err(), Some(Errno::Eintr));
    assert!(
        executor.1.lock().is_empty() && kernel.processes().iter().all(|process| process.ppid() != p.pid())
    );
    // It ends between entry and start: the child is killed before anything of it runs.
    let p = start(&kernel, "/");
    let child = kernel.spawn(&p, request("late", &[])).unwrap();
    assert_eq!(child.killed(), Some(Signal::Kill));
    assert_eq!(kernel.spawn(&p, request("never", &[])).err(), Some(Errno::Eintr));
}

#[test]
fn of_many_spawns_beside_the_end_of_their_call_none_is_left_running() {
    let (kernel, _) = fresh();
    for _ in 0..200 {
        let p = start(&kernel, "/");
        let spawner = (kernel.clone(), p.clone());
        let spawning = std::thread::spawn(move || {
            let (kernel, p) = spawner;
            (0..20).map_while(|_| kernel.spawn(&p, request("true", &[])).ok()).collect::<Vec<_>>()
        });
        kernel.end_scope(p.scope());
        for child in spawning.join().unwrap() {
            assert_eq!(child.killed(), Some(Signal::Kill));
            child.exit(ExitStatus::Signaled(Signal::Kill));
            child.detach();
        }
        p.exit(ExitStatus::Signaled(Signal::Kill));
    }
    assert_eq!(kernel.processes().len(), 2, "the kernel's own and the test's");
}

#[test]
fn what_the_embedder_starts_is_a_scope_a_session_and_a_group_of_its_own() {
    let (kernel, p) = fresh();
    assert_eq!(place(&p), (p.pid(), p.pid()));
    let first = spawn(&kernel, kernel.system(), Grouping::Inherit);
    let second = spawn(&kernel, kernel.system(), Grouping::Join(first.pid()));
    assert_eq!(place(&first), (first.pid(), first.pid()));
    assert_eq!(place(&second), (second.pid(), second.pid()));
    assert!(first.scope() != second.scope() && first.scope() != p.scope());
}

#[test]
fn children_are_where_their_parent_is_unless_they_are_put_elsewhere() {
    let (kernel, p) = fresh();
    let same = spawn(&kernel, &p, Grouping::Inherit);
    let own = spawn(&kernel, &p, Grouping::NewGroup);
    let joined = spawn(&kernel, &p, Grouping::Join(own.pid()));
    let apart = spawn(&kernel, &own, Grouping::NewSession);
    assert_eq!(place(&same), (p.pid(), p.pid()));
    assert_eq!(place(&own), (p.pid(), own.pid()));
    assert_eq!(place(&joined), (p.pid(), own.pid()));
    assert_eq!(place(&apart), (apart.pid(), apart.pid()));
    for group in [9999, apart.pid()] {
        let refused =
            kernel.spawn(&p, SpawnRequest { grouping: Grouping::Join(group), ..request("sh", &[]) });
        assert_eq!(refused.err(), Some(Errno::Eperm));
    }
    assert!([&same, &own, &joined, &apart].iter().all(|process| process.scope() == p.scope()));
}

#[test]
fn a_group_is_signalled_as_one() {
    let (kernel, p) = fresh();
    let leader = spawn(&kernel, &p, Grouping::NewGroup);
    let member = spawn(&kernel, &p, Grouping::Join(leader.pid()));
    let other = spawn(&kernel, &p, Grouping::Inherit);
    kernel.kill_group(leader.pid(), Signal::Term).unwrap();
    assert_eq!(leader.killed().zip(member.killed()), Some((Signal::Term, Signal::Term)));
    assert_eq!((other.killed(), p.killed()), (None, None));
    assert_eq!(kernel.kill_group(other.pid(), Signal::Term), Err(Errno::Esrch));
    assert_eq!(kernel.kill_group(1, Signal::Term), Err(Errno::Eperm));
}

#[test]
fn setsid_is_for_those_that_lead_no_group() {
    let (kernel, p) = fresh();
    assert_eq!(p.setsid(), Err(Errno::Eperm));
    let child = fork(&kernel, &p);
    assert_eq!(child.setsid(), Ok(child.pid()));
    assert_eq!((place(&child), child.setsid()), ((child.pid(), child.pid()), Err(Errno::Eperm)));
    let leader = spawn(&kernel, &p, Grouping::NewGroup);
    let member = spawn(&kernel, &p, Grouping::Join(leader.pid()));
    leader.setpgid(0, p.pid()).unwrap();
    assert_eq!(leader.setsid(), Err(Errno::Eperm), "a group that has its name is there still");
    assert_eq!(member.setsid(), Ok(member.pid()));
    assert_eq!(leader.setsid(), Ok(leader.pid()));
}

#[test]
fn setpgid_moves_oneself_and_children_without_a_program_within_the_session() {
    let (kernel, p) = fresh();
    let (first, second) = (fork(&kernel, &p), fork(&kernel, &p));
    p.setpgid(first.pid(), 0).unwrap();
    second.setpgid(0, first.pid()).unwrap();
    assert_eq!((first.group(), second.group()), (first.pid(), first.pid()));
    assert_eq!(p.setpgid(0, 0), Err(Errno::Eperm), "it started the session");
    assert_eq!(p.setpgid(second.pid(), 9999), Err(Errno::Eperm));
    assert_eq!(p.setpgid(9999, 0), Err(Errno::Esrch));
    assert_eq!(first.setpgid(second.pid(), 0), Err(Errno::Esrch), "a brother");
    let running = spawn(&kernel, &p, Grouping::Inherit);
    assert_eq!(p.setpgid(running.pid(), 0), Err(Errno::Eacces));
    assert_eq!(running.setpgid(0, 0), Ok(()), "but itself it may");
    second.setsid().unwrap();
    assert_eq!(p.setpgid(second.pid(), first.pid()), Err(Errno::Eperm));
    first.exit(ExitStatus::Exited(0));
    assert_eq!(p.setpgid(first.pid(), 0), Err(Errno::Esrch));
}

#[test]
fn proc_shows_state_group_and_session() {
    let (kernel, p) = fresh();
    let leader = spawn(&kernel, &p, Grouping::NewGroup);
    let member = spawn(&kernel, &p, Grouping::Join(leader.pid()));
    member.signal(Signal::Stop);
    let stat = |process: &Process| read(&p, &format!("/proc/{}/stat", process.pid())).unwrap();
    let (own, parent, group) = (member.pid(), p.pid(), leader.pid());
    assert!(stat(&member).starts_with(&format!("{own} (sh) T {parent} {group} {parent} 0 -1 ")));
    assert_eq!(stat(&member).split_whitespace().count(), 52);
    let status = read(&p, &format!("/proc/{own}/status")).unwrap();
    assert!(status.contains("State:\tT (stopped)\n"));
    assert!(status.contains(&format!("NSpgid:\t{group}\nNSsid:\t{parent}\n")));
    member.signal(Signal::Kill);
    member.exit(ExitStatus::Signaled(Signal::Kill));
    assert!(stat(&member).starts_with(&format!("{own} (sh) Z ")));
}

#[test]
fn an_id_is_not_given_again_while_a_group_has_it_as_its_name() {
    let limits = KernelLimits { processes: 4, ..KernelLimits::default() };
    let (kernel, p) = machine(KernelOptions { limits, ..options() });
    let leader = fork(&kernel, &p);
    let member = fork(&kernel, &p);
    leader.setpgid(0, 0).unwrap();
    member.setpgid(0, leader.pid()).unwrap();
    leader.exit(ExitStatus::Exited(0));
    now(leader.poll_wait(&idle()));
    kernel.restart_ids();
    let next = fork(&kernel, &p);
    assert!(next.pid() > member.pid(), "2, 3 and 4 are taken, one of them by a name alone");
}
