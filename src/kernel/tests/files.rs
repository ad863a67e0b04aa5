//! What is open, kind by kind.

use super::*;

struct Console;

impl Stream for Console {
    fn poll_read(&self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<Result<usize, Errno>> {
        Poll::Pending
    }
    fn poll_write(&self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Errno>> {
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
    fn poll_writable(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
    fn is_terminal(&self) -> bool {
        true
    }
}

#[test]
fn every_kind_says_what_it_is_and_what_offsets_mean_to_it() {
    let (kernel, p) = machine(options());
    write(&p, "f", "text").unwrap();
    let open = |path| p.open(path, OpenFlags::READ, 0).unwrap();
    let (reader, writer) = kernel.pipe().unwrap();
    let console = OpenFile::from_stream(Arc::new(Console), true, true);
    let at_end = |file: &OpenFile| (file.kind(), file.is_seekable(), file.seek(0, Whence::End));
    assert_eq!(at_end(&open("f")), (FileKind::Regular, true, Ok(4)));
    assert_eq!(at_end(&kernel.memory_file().unwrap()), (FileKind::Regular, true, Ok(0)));
    assert_eq!(at_end(&open("/proc/version")), (FileKind::Regular, true, Ok(0)));
    assert_eq!(at_end(&open("/tmp")), (FileKind::Directory, true, Ok(4096)));
    assert_eq!(at_end(&open("/dev/zero")), (FileKind::CharacterDevice, true, Ok(0)));
    assert_eq!(at_end(&reader), (FileKind::Fifo, false, Err(Errno::Espipe)));
    assert_eq!(at_end(&writer), (FileKind::Fifo, false, Err(Errno::Espipe)));
    assert_eq!(at_end(&console), (FileKind::CharacterDevice, false, Err(Errno::Espipe)));
    assert!(console.is_terminal() && !reader.is_terminal());
    for (file, kind) in [(&reader, FileKind::Fifo), (&console, FileKind::CharacterDevice)] {
        assert_eq!(file.status().unwrap().kind, kind);
        assert_eq!((file.sync(), file.pread(&mut [0], 0)), (Err(Errno::Einval), Err(Errno::Espipe)));
    }
    assert_eq!(open("/tmp").pread(&mut [0], 0), Err(Errno::Eisdir));
    assert_eq!(open("/dev/full").seek(7, Whence::Start), Ok(0));
}

#[test]
fn an_end_of_a_pipe_lasts_as_long_as_any_description_of_it() {
    let (kernel, p) = machine(options());
    let (reader, writer) = kernel.pipe().unwrap();
    p.fds().set(1, writer, false).unwrap();
    let again = p.open("/proc/self/fd/1", OpenFlags::WRITE, 0).unwrap();
    p.fds().close(1).unwrap();
    assert!(reader.poll_read(&mut idle(), &mut [0]).is_pending());
    assert_eq!(now(again.poll_write(&mut idle(), b"x")), Ok(1));
    drop(again);
    assert_eq!(read_all(&reader), Ok(b"x".to_vec()));
}

#[test]
fn descriptions_of_one_file_have_offsets_and_flags_of_their_own() {
    let (kernel, p) = machine(options());
    let file = kernel.memory_file().unwrap();
    p.fds().set(3, file.clone(), false).unwrap();
    let again = p.open("/dev/fd/3", OpenFlags::READ | OpenFlags::WRITE | OpenFlags::APPEND, 0).unwrap();
    assert_eq!(now(file.poll_write(&mut idle(), b"abc")), Ok(3));
    assert_eq!(now(again.poll_write(&mut idle(), b"d")), Ok(1));
    assert_eq!((file.seek(0, Whence::Current), again.seek(0, Whence::Current)), (Ok(3), Ok(4)));
    assert!(!file.append() && again.append());
    let cut = p.open("/dev/fd/3", OpenFlags::WRITE | OpenFlags::TRUNCATE, 0).unwrap();
    assert_eq!((cut.status().unwrap().size, file.status().unwrap().size), (0, 0));
}
