//! Sockets, through the kernel's surface.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Connection, DatagramSocket, Endpoint, Family, Network, SOCKET_CAPACITY, SocketError};
use crate::limits::Meter;
use crate::{Interrupt, block_on};

fn network(bytes: u64) -> Arc<Network> {
    Network::new(bytes, Meter::new(100))
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn wait<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    block_on(poll_fn(|cx| poll(cx)), &Interrupt::default()).unwrap()
}

fn noop() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn connected(network: &Arc<Network>) -> (Arc<Connection>, Arc<Connection>) {
    let bound = network.bind(Family::Tcp, address("127.0.0.1:0"), false, false).unwrap();
    let to = bound.address();
    let listener = bound.listen(5);
    let mut connecting = network.connect(None, to);
    let near = wait(|cx| connecting.poll(cx)).unwrap();
    let far = wait(|cx| listener.poll_accept(cx));
    (near, far)
}

#[test]
fn what_is_written_at_one_end_is_read_at_the_other_up_to_the_end() {
    let network = network(1 << 20);
    let (near, far) = connected(&network);
    assert_eq!(near.local(), far.peer());
    assert_eq!(wait(|cx| near.poll_send(cx, b"hello")), Ok(5));
    near.shut_down();
    let mut buffer = [0; 16];
    assert_eq!(wait(|cx| far.poll_receive(cx, &mut buffer)), Ok(5));
    assert_eq!(&buffer[..5], b"hello");
    assert_eq!(wait(|cx| far.poll_receive(cx, &mut buffer)), Ok(0));
    assert_eq!(wait(|cx| near.poll_send(cx, b"x")), Err(SocketError::Epipe));
    assert_eq!(wait(|cx| far.poll_send(cx, b"back")), Ok(4));
    assert_eq!(wait(|cx| near.poll_receive(cx, &mut buffer)), Ok(4));
}

#[test]
fn buffers_are_bounded_and_given_back() {
    let network = network(SOCKET_CAPACITY as u64 + 4096);
    let (near, far) = connected(&network);
    let big = vec![7; 3 * SOCKET_CAPACITY];
    assert_eq!(wait(|cx| near.poll_send(cx, &big)), Ok(SOCKET_CAPACITY));
    assert!(near.poll_send(&mut noop(), &big).is_pending());
    // The other direction has what is left of the VM's limit, and no more.
    assert_eq!(wait(|cx| far.poll_send(cx, &big)), Ok(4096));
    let mut sink = vec![0; 3 * SOCKET_CAPACITY];
    assert_eq!(wait(|cx| far.poll_receive(cx, &mut sink)), Ok(SOCKET_CAPACITY));
    assert_eq!(wait(|cx| near.poll_send(cx, &big)), Ok(SOCKET_CAPACITY));
    drop((near, far));
    assert_eq!(network.bytes.used(), 0);
    assert_eq!(network.open_files.used(), 0);
}

#[test]
fn an_end_that_goes_with_bytes_unread_resets_the_connection() {
    let network = network(1 << 20);
    let (near, far) = connected(&network);
    assert_eq!(wait(|cx| near.poll_send(cx, b"unread")), Ok(6));
    drop(far);
    let mut buffer = [0; 4];
    assert_eq!(wait(|cx| near.poll_receive(cx, &mut buffer)), Err(SocketError::Econnreset));
    assert_eq!(wait(|cx| near.poll_send(cx, b"x")), Err(SocketError::Epipe));
}

#[test]
fn what_is_written_to_an_end_that_has_gone_is_lost_before_that_is_known() {
    let network = network(1 << 20);
    let (near, far) = connected(&network);
    drop(far);
    assert_eq!(wait(|cx| near.poll_send(cx, b"lost")), Ok(4));
    assert_eq!(wait(|cx| near.poll_send(cx, b"x")), Err(SocketError::Epipe));
    assert_eq!(wait(|cx| near.poll_receive(cx, &mut [0; 4])), Ok(0));
    let (near, far) = connected(&network);
    assert_eq!(wait(|cx| near.poll_send(cx, b"unread")), Ok(6));
    drop(far);
    assert_eq!(wait(|cx| near.poll_send(cx, b"x")), Err(SocketError::Econnreset));
    assert_eq!(wait(|cx| near.poll_send(cx, b"x")), Err(SocketError::Epipe));
}

#[test]
fn ports_conflict_where_the_same_packets_would_arrive() {
    let network = network(1 << 20);
    let bind = |at: &str, only_6| network.bind(Family::Tcp, address(at), only_6, false).map(drop);
    let all = network.bind(Family::Tcp, address("[::]:80"), false, false).unwrap();
    assert_eq!(bind("127.0.0.1:80", false), Err(SocketError::Eaddrinuse));
    assert_eq!(bind("0.0.0.0:80", false), Err(SocketError::Eaddrinuse));
    assert_eq!(bind("8.8.8.8:81", false), Err(SocketError::Eaddrnotavail));
    let _ = network.bind(Family::Udp, address("127.0.0.1:80"), false, false).unwrap();
    drop(all);
    let _narrow = network.bind(Family::Tcp, address("[::]:80"), true, false).unwrap();
    assert_eq!(bind("127.0.0.1:80", false), Ok(()));
    assert_eq!(bind("[::1]:80", false), Err(SocketError::Eaddrinuse));
}

#[test]
fn connecting_where_nobody_listens_is_refused_and_beyond_the_vm_denied() {
    let network = network(1 << 20);
    let connect = |to: &str| {
        let mut connecting = network.connect(None, address(to));
        wait(|cx| connecting.poll(cx)).map(drop)
    };
    assert_eq!(connect("127.0.0.1:9"), Err(SocketError::Econnrefused));
    assert_eq!(connect("[::1]:9"), Err(SocketError::Econnrefused));
    assert_eq!(connect("1.1.1.1:80"), Err(SocketError::Eacces));
    assert_eq!(connect("[2606:4700::1]:80"), Err(SocketError::Eacces));
}

#[test]
fn a_full_backlog_waits_and_a_listener_that_goes_resets_what_it_has_not_accepted() {
    let network = network(1 << 20);
    let bound = network.bind(Family::Tcp, address("[::]:0"), false, false).unwrap();
    let port = bound.address().port();
    let listener = bound.listen(1);
    let to = SocketAddr::new("127.0.0.1".parse().unwrap(), port);
    let mut first = network.connect(None, to);
    let first = wait(|cx| first.poll(cx)).unwrap();
    assert_eq!(first.peer(), &Endpoint::Inet(to));
    let mut second = network.connect(None, to);
    assert!(second.poll(&mut noop()).is_pending());
    drop(listener);
    assert_eq!(wait(|cx| second.poll(cx)).map(drop), Err(SocketError::Econnrefused));
    assert_eq!(wait(|cx| first.poll_receive(cx, &mut [0; 4])), Err(SocketError::Econnreset));
}

#[test]
fn datagrams_arrive_whole_or_are_lost() {
    let network = network(1 << 20);
    let bind = |at: &str| DatagramSocket::new(network.bind(Family::Udp, address(at), false, false).unwrap());
    let (one, other) = (bind("127.0.0.1:0"), bind("0.0.0.0:0"));
    let to = SocketAddr::new("127.0.0.1".parse().unwrap(), other.local().port());
    assert_eq!(one.send(to, b"ab"), Ok(2));
    assert_eq!(one.send(to, b""), Ok(0));
    assert_eq!(wait(|cx| other.poll_receive(cx)), (b"ab".to_vec(), one.local()));
    assert_eq!(wait(|cx| other.poll_receive(cx)), (Vec::new(), one.local()));
    assert_eq!(one.send(to, &vec![0; 70_000]), Err(SocketError::Emsgsize));
    assert_eq!(one.send(address("8.8.8.8:53"), b"x"), Err(SocketError::Eacces));
    for _ in 0..100 {
        assert_eq!(one.send(to, &[0; 60_000]), Ok(60_000));
    }
    drop(other);
    assert_eq!(network.bytes.used(), 0);
}

#[test]
fn who_waits_for_somebody_to_listen_is_told() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    struct Told(AtomicUsize);
    impl std::task::Wake for Told {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let network = network(1 << 20);
    let told = Arc::new(Told(AtomicUsize::new(0)));
    let waker = Waker::from(told.clone());
    network.expect_listener(&Context::from_waker(&waker));
    network.expect_listener(&Context::from_waker(&waker));
    let bound = network.bind(Family::Tcp, address("127.0.0.1:0"), false, false).unwrap();
    assert_eq!(told.0.load(Ordering::Relaxed), 0);
    let _listener = bound.listen(5);
    assert_eq!(told.0.load(Ordering::Relaxed), 1);
    // Once, unless it asks again.
    let _other = network.bind(Family::Tcp, address("127.0.0.1:0"), false, false).unwrap().listen(5);
    assert_eq!(told.0.load(Ordering::Relaxed), 1);
}
