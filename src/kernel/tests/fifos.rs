//! Named pipes.

use super::*;

const NONBLOCK_READ: OpenFlags = OpenFlags::READ.union(OpenFlags::NONBLOCK);
const NONBLOCK_WRITE: OpenFlags = OpenFlags::WRITE.union(OpenFlags::NONBLOCK);

fn fifo() -> (Arc<Kernel>, Arc<Process>) {
    let (kernel, p) = machine(options());
    p.mkfifo("f", 0o666).unwrap();
    (kernel, p)
}

fn open(p: &Process, flags: OpenFlags) -> Arc<OpenFile> {
    p.open("f", flags, 0).unwrap()
}

fn opened(p: &Process, file: &OpenFile) -> bool {
    p.poll_opened(&mut idle(), file).is_ready()
}

#[test]
fn it_is_a_name_like_others() {
    let (_kernel, p) = fifo();
    let status = p.stat("f", Symlinks::Follow).unwrap();
    assert_eq!((status.kind, status.mode, status.size), (FileKind::Fifo, 0o644, 0));
    assert_eq!(p.mkfifo("f", 0o666), Err(Errno::Eexist));
    assert_eq!(p.mkfifo("g/", 0o666), Err(Errno::Enoent));
    assert_eq!(p.mkfifo("/proc/f", 0o666), Err(Errno::Enoent));
    assert_eq!(p.mkfifo("/dev/f", 0o666), Err(Errno::Eacces));
    assert_eq!(p.open("f", OpenFlags::READ | OpenFlags::DIRECTORY, 0).err(), Some(Errno::Enotdir));
    p.link("f", "g").unwrap();
    p.unlink("f").unwrap();
    p.chmod("g", 0o200).unwrap();
    assert_eq!(p.open("g", OpenFlags::READ, 0).err(), Some(Errno::Eacces));
    assert_eq!(names(&p, "."), Ok(vec!["g".to_owned()]));
}

#[test]
fn each_end_waits_for_the_other_to_be_opened() {
    let (_kernel, p) = fifo();
    let reader = open(&p, OpenFlags::READ);
    assert!(!opened(&p, &reader));
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    assert!(p.poll_opened(&mut Context::from_waker(&waker), &reader).is_pending());
    let writer = open(&p, OpenFlags::WRITE);
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert!(opened(&p, &writer) && opened(&p, &reader));
    drop(writer);
    assert!(opened(&p, &reader), "there was one");
    assert_eq!(now(reader.poll_read(&mut idle(), &mut [0; 4])), Ok(0));

    let second = open(&p, OpenFlags::READ);
    assert!(!opened(&p, &second), "the writer was there before it");
    drop((reader, second));
    let writer = open(&p, OpenFlags::WRITE);
    assert!(!opened(&p, &writer), "and the readers are gone");
    let _reader = open(&p, NONBLOCK_READ);
    assert!(opened(&p, &writer));
}

#[test]
fn who_does_not_wait_when_opening_waits_when_reading_or_writing() {
    let (_kernel, p) = fifo();
    let reader = open(&p, OpenFlags::READ);
    assert!(reader.poll_read(&mut idle(), &mut [0; 4]).is_pending());
    assert!(reader.poll_readable(&mut idle()).is_pending());
    drop(reader);
    let writer = open(&p, OpenFlags::WRITE);
    assert!(writer.poll_write(&mut idle(), b"x").is_pending());
    assert!(writer.poll_writable(&mut idle()).is_pending());
    let reader = open(&p, OpenFlags::READ);
    assert_eq!(now(writer.poll_write(&mut idle(), b"x")), Ok(1));
    drop(writer);
    let mut buffer = [0; 4];
    assert_eq!(now(reader.poll_read(&mut idle(), &mut buffer)), Ok(1));
    assert_eq!(now(reader.poll_read(&mut idle(), &mut buffer)), Ok(0));
}

#[test]
fn what_was_written_stays_while_anybody_has_it_open() {
    let (_kernel, p) = fifo();
    let both = open(&p, OpenFlags::READ | OpenFlags::WRITE);
    assert!(opened(&p, &both));
    assert_eq!(now(both.poll_write(&mut idle(), b"one two")), Ok(7));
    let reader = open(&p, OpenFlags::READ);
    let mut buffer = [0; 3];
    assert_eq!((now(reader.poll_read(&mut idle(), &mut buffer)), &buffer), (Ok(3), b"one"));
    drop(reader);
    assert_eq!((now(both.poll_read(&mut idle(), &mut buffer)), &buffer), (Ok(3), b" tw"));
    drop(both);
    let reader = open(&p, NONBLOCK_READ);
    assert_eq!(now(reader.poll_read(&mut idle(), &mut buffer)), Ok(0), "with the last it is gone");
}

#[test]
fn without_waiting_there_is_the_end_or_nobody() {
    let (_kernel, p) = fifo();
    assert_eq!(p.open("f", NONBLOCK_WRITE, 0).err(), Some(Errno::Enxio));
    let reader = open(&p, NONBLOCK_READ);
    assert_eq!(now(reader.poll_read(&mut idle(), &mut [0])), Ok(0));
    let writer = open(&p, NONBLOCK_WRITE);
    assert_eq!(now(reader.poll_read(&mut idle(), &mut [0])), Err(Errno::Eagain));
    drop(reader);
    assert_eq!(now(p.poll_write(&mut idle(), &writer, b"x")), Err(Errno::Epipe));
}

#[test]
fn a_signal_that_ends_the_process_ends_the_wait() {
    let (_kernel, p) = fifo();
    let reader = open(&p, OpenFlags::READ);
    p.signal(Signal::Kill);
    assert_eq!(now(p.poll_opened(&mut idle(), &reader)), Err(Errno::Eintr));
}

#[test]
fn their_buffers_are_held_to_the_limit() {
    let mut options = options();
    options.limits.pipe_bytes = 2 * PIPE_CAPACITY as u64;
    let (_kernel, p) = machine(options);
    for name in ["a", "b", "c"] {
        p.mkfifo(name, 0o666).unwrap();
    }
    let (a, _b) = (p.open("a", OpenFlags::READ, 0).unwrap(), p.open("b", OpenFlags::READ, 0).unwrap());
    assert_eq!(p.open("c", OpenFlags::READ, 0).err(), Some(Errno::Enfile));
    let _again = p.open("a", OpenFlags::WRITE, 0).unwrap();
    assert_eq!(p.open("c", OpenFlags::READ, 0).err(), Some(Errno::Enfile));
    drop((a, _again));
    p.open("c", OpenFlags::READ, 0).unwrap();
}
