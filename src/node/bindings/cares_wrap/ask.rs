//! Asking a server of names: one question in a datagram, again where nobody answers.

use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use kernel::net::{DatagramSocket, Family, SocketError};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE};

use crate::environment::Env;

/// Why there is no answer, by the name that `dns` has for it.
pub(super) type Failure = &'static str;

/// As long as a server has the first time.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Longest wait for one answer.
const TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Most attempts, whatever the program says.
const ATTEMPTS_MAX: u32 = 64;

/// Whom a resolver asks, and how patiently.
#[derive(Clone)]
pub(super) struct Manner {
    pub servers: Vec<SocketAddr>,
    pub timeout: Option<Duration>,
    pub timeout_max: Option<Duration>,
    pub tries: u32,
    /// Where questions come from.
    pub local: (Option<Ipv4Addr>, Option<Ipv6Addr>),
}

/// The bytes of a question.
fn question(id: u16, name: &str, kind: QTYPE) -> Result<Vec<u8>, Failure> {
    let bare = name.strip_suffix('.').unwrap_or(name);
    if bare.split('.').any(str::is_empty) && !bare.is_empty() {
        return Err("EBADNAME");
    }
    let name = Name::new(bare).map_err(|_| "EBADNAME")?;
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(Question::new(name, kind, QCLASS::CLASS(CLASS::IN), false));
    packet.build_bytes_vec().map_err(|_| "EBADQUERY")
}

/// Whether bytes answer a question, and what is wrong if so.
fn judge(bytes: &[u8], id: u16, name: &str, kind: QTYPE) -> Option<Result<(), Failure>> {
    let packet = Packet::parse(bytes).ok()?;
    let bare = name.strip_suffix('.').unwrap_or(name);
    let is_ours = packet.id() == id
        && packet.has_flags(PacketFlag::RESPONSE)
        && packet
            .questions
            .iter()
            .any(|asked| asked.qtype == kind && asked.qname.to_string().eq_ignore_ascii_case(bare));
    is_ours.then(|| match packet.rcode() {
        RCODE::NoError if packet.answers.is_empty() => Err("ENODATA"),
        RCODE::NoError => Ok(()),
        RCODE::FormatError => Err("EFORMERR"),
        RCODE::ServerFailure => Err("ESERVFAIL"),
        RCODE::NameError => Err("ENOTFOUND"),
        RCODE::NotImplemented => Err("ENOTIMP"),
        RCODE::Refused => Err("EREFUSED"),
        _ => Err("EBADRESP"),
    })
}

/// Whether another server may know better.
fn is_passing(failure: Failure) -> bool {
    matches!(failure, "ESERVFAIL" | "ENOTIMP" | "EREFUSED")
}

/// A socket for a question to that server.
fn socket(env: &Env, manner: &Manner, server: SocketAddr) -> Result<DatagramSocket, Failure> {
    let from: IpAddr = match server {
        SocketAddr::V4(_) => manner.local.0.unwrap_or(Ipv4Addr::UNSPECIFIED).into(),
        SocketAddr::V6(_) => manner.local.1.unwrap_or(Ipv6Addr::UNSPECIFIED).into(),
    };
    let network = env.core.settings().kernel.network();
    let bound = network.bind(Family::Udp, SocketAddr::new(from, 0), false, false);
    bound.map(DatagramSocket::new).map_err(failure_of)
}

fn failure_of(error: SocketError) -> Failure {
    match error {
        SocketError::Eacces => "EACCES",
        _ => "ECONNREFUSED",
    }
}

/// Whether nobody is there: then the address could be taken.
fn is_nobody(env: &Env, server: SocketAddr) -> bool {
    env.core.settings().kernel.network().bind(Family::Udp, server, false, false).is_ok()
}

/// Waits for an answer of one server.
async fn attempt(
    env: &Rc<Env>,
    manner: &Manner,
    server: SocketAddr,
    (id, name, kind): (u16, &str, QTYPE),
    bytes: &[u8],
    wait: Duration,
) -> Result<Vec<u8>, Failure> {
    let socket = socket(env, manner, server)?;
    socket.send(server, bytes).map_err(failure_of)?;
    if is_nobody(env, server) {
        return Err("ECONNREFUSED");
    }
    let mut end = pin!(env.sleep(wait));
    poll_fn(|cx| {
        while let Poll::Ready((bytes, from)) = socket.poll_receive(cx) {
            if from.port() == server.port()
                && let Some(judgement) = judge(&bytes, id, name, kind)
            {
                return Poll::Ready(judgement.map(|()| bytes));
            }
        }
        end.as_mut().poll(cx).map(|()| Err("ETIMEOUT"))
    })
    .await
}

/// Asks the servers, one after the other, and all of them again. The bytes of the answer.
pub(super) async fn ask(
    env: Rc<Env>,
    manner: Manner,
    id: u16,
    name: String,
    kind: QTYPE,
) -> Result<Vec<u8>, Failure> {
    let bytes = question(id, &name, kind)?;
    // Such names are no names of this system.
    if name.trim_end_matches('.').to_ascii_lowercase().ends_with(".onion") {
        return Err("ENOTFOUND");
    }
    let mut failure = "ECONNREFUSED";
    let mut attempts = 0;
    for round in 0..manner.tries.max(1) {
        let wait =
            manner.timeout.unwrap_or(TIMEOUT).saturating_mul(1u32.checked_shl(round).unwrap_or(u32::MAX));
        let wait = wait.min(manner.timeout_max.unwrap_or(TIMEOUT_MAX)).min(TIMEOUT_MAX);
        for server in &manner.servers {
            if attempts == ATTEMPTS_MAX {
                return Err(failure);
            }
            attempts += 1;
            match attempt(&env, &manner, *server, (id, &name, kind), &bytes, wait).await {
                Ok(answer) => return Ok(answer),
                Err(error) if is_passing(error) || matches!(error, "ETIMEOUT" | "ECONNREFUSED") => {
                    failure = error;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use simple_dns::TYPE;

    use super::*;

    const A: QTYPE = QTYPE::TYPE(TYPE::A);

    #[test]
    fn questions_are_datagrams() {
        let bytes = question(0x1234, "example.org.", A).unwrap();
        assert_eq!(bytes.len(), 29);
        assert_eq!(bytes[..6], [0x12, 0x34, 1, 0, 0, 1]);
        for name in ["a..b", &format!("{}.org", "x".repeat(64)), &"abc.".repeat(80)] {
            assert_eq!(question(1, name, A), Err("EBADNAME"), "{name}");
        }
    }

    #[test]
    fn only_answers_to_the_question_count() {
        let mut reply = question(7, "Example.org", A).unwrap();
        assert_eq!(judge(&reply, 7, "example.org", A), None);
        reply[2] |= 0x80;
        assert_eq!(judge(&reply, 7, "example.org", A), Some(Err("ENODATA")));
        assert_eq!(judge(&reply, 8, "example.org", A), None);
        assert_eq!(judge(&reply, 7, "example.com", A), None);
        assert_eq!(judge(&reply, 7, "example.org", QTYPE::ANY), None);
        reply[3] |= 3;
        assert_eq!(judge(&reply, 7, "example.org", A), Some(Err("ENOTFOUND")));
        assert_eq!(judge(&reply[..20], 7, "example.org", A), None);
    }
}
