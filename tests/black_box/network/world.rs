//! A small internet for tests: a network namespace of their own, with addresses of every kind on its loopback, a server of
//! names, and servers that a test starts. A test runs again, in that namespace, by itself.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use simple_dns::rdata::{A, AAAA, RData};
use simple_dns::{CLASS, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// Says to a test that it runs inside.
const INSIDE: &str = "CORDON_TEST_WORLD";

/// Addresses that this machine has in the namespace: one that anybody may have, another, a private one, and that at which
/// clouds tell their machines secrets.
pub const PUBLIC: Ipv4Addr = Ipv4Addr::new(93, 184, 216, 34);
pub const OTHER: Ipv4Addr = Ipv4Addr::new(151, 101, 1, 195);
pub const PRIVATE: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 3);
pub const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 53);

/// Runs a test inside. `test` is its path in this executable.
pub fn inside<F: Future<Output = ()>>(test: &str, body: impl FnOnce(World) -> F) {
    if std::env::var_os(INSIDE).is_some() {
        set_up();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        return runtime.block_on(async { body(World::begin().await).await });
    }
    let namespaces = ["--user", "--map-root-user", "--net", "--mount"];
    let can = Command::new("unshare").args(namespaces).arg("true").output();
    if !can.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: no network namespace can be made here");
        return;
    }
    let output = Command::new("unshare")
        .args(namespaces)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{}\n{}", text[0], text[1]);
    assert!(text[0].contains("1 passed"), "{test} is no test: {}", text[0]);
}

/// Brings the loopback up, gives it addresses, and makes the test's server of names that of the machine.
fn set_up() {
    interface("lo", None);
    for (index, address) in [PUBLIC, OTHER, PRIVATE, METADATA].into_iter().enumerate() {
        interface(&format!("lo:{}", index + 1), Some(address));
    }
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in [
        (
            "/etc/resolv.conf",
            format!("nameserver {NAME_SERVER}\nsearch corp.example\noptions timeout:2 attempts:1\n"),
        ),
        ("/etc/hosts", format!("127.0.0.1 localhost\n{OTHER} known.example\n")),
    ] {
        let file = folder.path().join("file");
        std::fs::write(&file, content).unwrap();
        let real = std::fs::canonicalize(path).unwrap();
        rustix::mount::mount_bind(&file, real).unwrap();
        std::fs::remove_file(&file).unwrap_or_default();
    }
    std::mem::forget(folder);
}

/// Gives an interface an address, if one is given, and brings it up (netdevice(7)).
fn interface(name: &str, address: Option<Ipv4Addr>) {
    // SAFETY: all zeros is a value of this plain structure of the C library.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    // SAFETY: it takes numbers only.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    assert!(socket >= 0);
    if let Some(address) = address {
        let mut to = libc::sockaddr { sa_family: libc::AF_INET as libc::sa_family_t, sa_data: [0; 14] };
        for (to, from) in to.sa_data[2..6].iter_mut().zip(address.octets()) {
            *to = from.cast_signed();
        }
        request.ifr_ifru.ifru_addr = to;
        // SAFETY: the kernel reads the structure, whose address it is given.
        assert_eq!(unsafe { libc::ioctl(socket, libc::SIOCSIFADDR, &raw const request) }, 0, "{name}");
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: as above.
    assert_eq!(unsafe { libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request) }, 0, "{name}");
    // SAFETY: it was opened above, and nothing else knows it.
    unsafe { libc::close(socket) };
}

/// What a name stands for: the addresses of each question in turn, the last of them for good.
type Names = Arc<Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>>;

/// The server of names, and what it has been asked.
pub struct World {
    names: Names,
    asked: Arc<AtomicUsize>,
}

impl World {
    async fn begin() -> World {
        let world = World { names: Names::default(), asked: Arc::default() };
        let socket = UdpSocket::bind((NAME_SERVER, 53)).await.unwrap();
        let (names, asked) = (world.names.clone(), world.asked.clone());
        tokio::spawn(async move {
            let mut buffer = [0; 1024];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                asked.fetch_add(1, Ordering::Relaxed);
                let reply = answer(&buffer[..length], &names);
                let _ = socket.send_to(&reply, from).await;
            }
        });
        world
    }

    /// Says what a name stands for.
    pub fn name(&self, name: &str, addresses: &[Ipv4Addr]) {
        self.name_in_turn(name, &[addresses]);
    }

    /// Says what it stands for at each question of address.
    pub fn name_in_turn(&self, name: &str, turns: &[&[Ipv4Addr]]) {
        let turns =
            turns.iter().map(|turn| turn.iter().map(|address| IpAddr::V4(*address)).collect()).collect();
        self.names.lock().insert(name.to_owned(), turns);
    }

    /// How many questions there were.
    pub fn questions(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn answer(question: &[u8], names: &Names) -> Vec<u8> {
    let packet = Packet::parse(question).unwrap();
    let mut reply = Packet::new_reply(packet.id());
    reply.set_flags(PacketFlag::RECURSION_AVAILABLE | PacketFlag::RECURSION_DESIRED);
    for asked in &packet.questions {
        let name = asked.qname.to_string().to_ascii_lowercase();
        let mut names = names.lock();
        match names.get_mut(&name) {
            None => *reply.rcode_mut() = RCODE::NameError,
            Some(turns) => {
                let is_v4 = asked.qtype == QTYPE::TYPE(TYPE::A);
                let addresses =
                    if turns.len() > 1 && is_v4 { turns.pop_front() } else { turns.front().cloned() };
                for address in addresses.into_iter().flatten() {
                    let data = match address {
                        IpAddr::V4(address) if is_v4 => RData::A(A::from(address)),
                        IpAddr::V6(address) if !is_v4 => RData::AAAA(AAAA::from(address)),
                        _ => continue,
                    };
                    let record = ResourceRecord::new(asked.qname.clone(), CLASS::IN, 0, data);
                    reply.answers.push(record.into_owned());
                }
            }
        }
        reply.questions.push(asked.clone());
    }
    reply.build_bytes_vec().unwrap()
}

/// Serves each connection to an address with `serve`; gives where, and counts them.
pub async fn serve<F: Future<Output = ()> + Send + 'static>(
    at: impl Into<IpAddr>,
    port: u16,
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((at.into(), port)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(stream));
        }
    });
    (address, connections)
}

/// The head of a request of HTTP; none if the connection ends before.
pub async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(head)
}

/// Answers one request of HTTP with its head, as text.
pub async fn http(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let Some(head) = head(&mut stream).await else { return };
    let reply = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", head.len());
    let _ = stream.write_all(&[reply.as_bytes(), &head].concat()).await;
    let _ = stream.shutdown().await;
}

/// Sends back what it is sent.
pub async fn echo(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let (mut read, mut write) = tokio::io::split(stream);
    let _ = tokio::io::copy(&mut read, &mut write).await;
    let _ = write.shutdown().await;
}

/// Lets a request become a WebSocket, as far as its head goes, and sends back what it is sent.
pub async fn websocket(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let Some(_) = head(&mut stream).await else { return };
    let switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let _ = stream.write_all(switching.as_bytes()).await;
    echo(stream).await;
}
