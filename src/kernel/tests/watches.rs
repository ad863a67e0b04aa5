//! Watches on files and directories.

use super::*;

fn next(watch: &FsWatch) -> Option<(bool, Option<String>)> {
    match watch.poll_change(&mut idle()) {
        Poll::Ready(change) => Some((change.renamed, change.name)),
        Poll::Pending => None,
    }
}

fn told(renamed: bool, name: &str) -> Option<(bool, Option<String>)> {
    Some((renamed, (!name.is_empty()).then(|| name.to_owned())))
}

#[test]
fn a_directory_tells_of_its_names_and_of_what_they_lead_to() {
    let (_, p) = machine(options());
    let watch = p.watch(".").unwrap();
    assert_eq!(next(&watch), None);
    write(&p, "f", "text").unwrap();
    assert_eq!((next(&watch), next(&watch)), (told(true, "f"), told(false, "f")));
    p.rename("f", "g").unwrap();
    assert_eq!((next(&watch), next(&watch)), (told(true, "f"), told(true, "g")));
    p.chmod("g", 0o600).unwrap();
    p.unlink("g").unwrap();
    assert_eq!((next(&watch), next(&watch)), (told(false, "g"), told(true, "g")));
    p.mkdir("d", 0o777).unwrap();
    next(&watch);
    write(&p, "d/below", "text").unwrap();
    assert_eq!(next(&watch), None);
}

#[test]
fn a_file_tells_of_itself_and_wakes_who_waits_for_that() {
    let (_, p) = machine(options());
    write(&p, "f", "text").unwrap();
    let watch = p.watch("f").unwrap();
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    assert!(watch.poll_change(&mut Context::from_waker(&waker)).is_pending());
    p.truncate("f", 1).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert_eq!(next(&watch), told(false, ""));
    p.unlink("f").unwrap();
    assert_eq!(next(&watch), told(true, ""));
}

#[test]
fn watches_are_bounded_and_end_with_who_has_them() {
    let (_, p) = machine(options());
    let watches: Vec<_> = std::iter::from_fn(|| p.watch("/tmp").ok()).collect();
    assert!(watches.len() < 10_000);
    assert_eq!(p.watch("/tmp").err(), Some(Errno::Enospc));
    drop(watches);
    assert!(p.watch("/tmp").is_ok());
    assert_eq!(p.watch("/nowhere").err(), Some(Errno::Enoent));
    assert_eq!(p.watch("/proc").err(), Some(Errno::Enosys));
}
